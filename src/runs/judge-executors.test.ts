import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MasterState, SparkWorker } from '../adapters/spark/spark-master.ts';
import {
  type ExecutorRequest,
  judgeExecutors,
  judgeLostExecutors,
  parseSparkMemoryMiB,
  readExecutorRequest,
} from './judge-executors.ts';

const worker = (changes: Partial<SparkWorker> = {}): SparkWorker => ({
  id: 'w',
  host: '10.0.0.9',
  alive: true,
  cores: 2,
  coresUsed: 0,
  memoryMiB: 5018,
  memoryUsedMiB: 0,
  ...changes,
});
const master = (...workers: SparkWorker[]): MasterState => ({ status: 'ALIVE', workers, applications: [] });
const ask = (changes: Partial<ExecutorRequest>): ExecutorRequest => ({
  memoryMiB: 1024,
  cores: 1,
  maxCores: null,
  ...changes,
});

function explain(request: ExecutorRequest, state: MasterState): string {
  const verdict = judgeExecutors(request, state, null);
  if (verdict.kind === 'later') return verdict.waiting;
  return verdict.kind === 'possible' ? 'possible' : `${verdict.failure.message} | ${verdict.failure.hint}`;
}

test('what fits is possible', () => {
  assert.equal(explain(ask({}), master(worker())), 'possible');
});

test('too much memory, too many cores: the arithmetic and the fix', () => {
  assert.equal(
    explain(ask({ memoryMiB: 6144 }), master(worker(), worker({ memoryMiB: 4000 }))),
    'the run can never get an executor: one executor asks for 6144 MiB of heap, the largest of 2 workers gives 5018 MiB' +
      ' | lower "spark.executor.memory" in the job to 5018m or less, or raise spark.worker.memory',
  );
  assert.match(explain(ask({ cores: 8 }), master(worker())), /asks for 8 cores, the largest of 1 worker has 2/);
  assert.match(explain(ask({ cores: 2, maxCores: 1 }), master(worker())), /whole application may have 1/);
});

test('no single worker has both', () => {
  const state = master(worker({ cores: 8, memoryMiB: 1000 }), worker({ cores: 1, memoryMiB: 9000 }));
  assert.match(explain(ask({ cores: 4, memoryMiB: 4000 }), state), /no worker has both 4 cores and 4000 MiB/);
});

test('dead workers do not count, and none at all is told apart', () => {
  assert.match(explain(ask({}), master()), /no Spark worker has registered/);
  assert.match(explain(ask({}), master(worker({ alive: false }))), /none of 1 Spark workers is alive/);
});

test('a full cluster is only a matter of time', () => {
  const state = {
    ...master(worker({ coresUsed: 2 })),
    applications: [{ id: 'a', name: 'etl', state: 'RUNNING', cores: 2, executorMemoryMiB: 1 }],
  };
  assert.equal(explain(ask({}), state), 'waits for executors: 2 of 2 cores in use (etl holds 2 cores)');
});

test('executors that keep ending before any task are hopeless, those that did one are not', () => {
  const ended = (id: string, tasksDone = 0) => ({ id, active: false, tasksDone, removeReason: 'exited with code 1' });
  const four = ['0', '1', '2', '3'].map((id) => ended(id));
  assert.match(judgeLostExecutors(four)?.message ?? '', /4 executors ended .* exited with code 1/);
  assert.equal(judgeLostExecutors(four.slice(1)), null);
  assert.equal(judgeLostExecutors([...four, ended('4', 1)]), null);
  assert.equal(judgeLostExecutors(four.map((one) => ({ ...one, active: true }))), null);
});

test("Spark's units", () => {
  const cases = { '4g': 4096, '512m': 512, '512': 512, '1t': 1024 ** 2, '2048k': 2, ' 3GB ': 3072, much: null };
  for (const [text, expected] of Object.entries(cases)) assert.equal(parseSparkMemoryMiB(text), expected, text);
  assert.deepEqual(readExecutorRequest(new Map([['spark.executor.cores', '3']])), {
    memoryMiB: null,
    cores: 3,
    maxCores: null,
  });
});
