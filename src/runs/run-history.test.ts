// What stays of a run after its end: its applications, its executors' logs, Spark's event logs; and what goes with it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { MasterState, SparkWorker } from '../adapters/spark/spark-master.ts';
import { announcedApplication } from './note-application.ts';
import { type Bench, createBench, epoch, settle } from './run-bench.fixture.ts';

const worker: SparkWorker = {
  id: 'w',
  host: '10.0.0.9',
  alive: true,
  cores: 2,
  coresUsed: 0,
  memoryMiB: 1024,
  memoryUsedMiB: 0,
};
const master: MasterState = { status: 'ALIVE', workers: [worker], applications: [] };
const announced = (app: string): string =>
  `2026-03-01 12:00:03 INFO  StandaloneSchedulerBackend: Connected to Spark cluster with app ID ${app}`;
const appOf = (number: number): string => `app-20260301120000-${String(number).padStart(4, '0')}`;

/** Runs `predict` to its end; its application is `appOf(number)`, which leaves an event log behind. */
async function runOnce(bench: Bench, number: number): Promise<string> {
  const run = bench.submit('predict');
  await settle();
  bench.drivers.log(run, announced(appOf(number)));
  bench.eventLogs.logs.set(`eventlog_v2_${appOf(number)}`, bench.clock.now());
  await bench.clock.advance(1000);
  bench.drivers.finish(run, 0);
  await bench.clock.advance(1000);
  await settle();
  return run;
}

test("the driver's log tells the application, once, and nothing else does", async () => {
  assert.equal(announcedApplication(announced('app-1')), 'app-1');
  assert.equal(announcedApplication('my own app ID app-20260301120000-0001'), null);
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  for (const app of [appOf(1), appOf(1), '../../user', 'app-1', appOf(2)]) bench.drivers.log(run, announced(app));
  await bench.clock.advance(1000);
  assert.deepEqual(bench.context.runs.get(run)?.applications, [appOf(1), appOf(2)]);
  assert.equal(bench.context.runs.ofApplication(appOf(2))?.id, run);
  assert.equal(bench.context.runs.ofApplication(appOf(3)), null);
  await bench.stop();
});

test('an application that the log does not tell is told by the driver itself', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  bench.spark.state = master;
  bench.spark.app = appOf(7);
  await bench.clock.advance(10_000);
  assert.deepEqual(bench.context.runs.get(run)?.applications, [appOf(7)]);
  await bench.stop();
});

test('logs of the executors are kept with the run, numbered over all of its applications', async () => {
  const bench = createBench();
  bench.spark.state = master;
  const { outputs } = bench.spark;
  outputs.set(`10.0.0.9 ${appOf(2)} 0 stdout`, 'of the second application');
  outputs.set(`10.0.0.9 ${appOf(1)} 10 stdout`, 'ten\n');
  outputs.set(`10.0.0.9 ${appOf(1)} 2 stderr`, `first${'x'.repeat(600 * 1024)}last`);
  outputs.set(`10.0.0.9 ${appOf(9)} 0 stdout`, 'of another run');
  const run = bench.submit('predict');
  await settle();
  for (const number of [1, 2]) bench.drivers.log(run, announced(appOf(number)));
  await bench.clock.advance(1000);
  bench.drivers.finish(run, 0);
  await bench.clock.advance(3000);
  const logs = await bench.context.executorLogs.list(run);
  assert.deepEqual(
    logs.map(({ name, application, executor }) => [name, application, executor]),
    [
      ['executor-0', appOf(1), '2'],
      ['executor-1', appOf(1), '10'],
      ['executor-2', appOf(2), '0'],
    ],
  );
  const [long = '', short = ''] = logs.map(({ file }) => readFileSync(file, 'utf8'));
  assert.match(long, /standard error, the last 524288 of 614409 bytes\nx+last\n\[sparkplug\] standard output: none\n$/);
  assert.match(short, /^\[sparkplug\] executor 10 of .* 10\.0\.0\.9\n.*: none\n\[sparkplug\] standard output\nten\n$/s);
  await bench.stop();
});

test('who asks for logs while they are fetched waits; a master that comes back in time loses none', async () => {
  const bench = createBench();
  bench.spark.outputs.set(`10.0.0.9 ${appOf(1)} 0 stdout`, 'x');
  const run = await runOnce(bench, 1);
  const asked = bench.context.executorLogs.list(run);
  await bench.clock.advance(2000);
  bench.spark.state = master;
  await bench.clock.advance(6000);
  assert.equal((await asked).length, 1);
  await bench.stop();
});

test('a scheduler that was killed before it had the logs fetches them when it is back', async () => {
  const bench = createBench();
  bench.spark.state = master;
  bench.spark.outputs.set(`10.0.0.9 ${appOf(1)} 0 stdout`, 'x');
  const run = await runOnce(bench, 1);
  const next = await bench.restart();
  await next.clock.advance(3000);
  assert.equal((await next.context.executorLogs.list(run)).length, 1);
  await next.stop();
});

test('with a run go its log, those of its executors and its event logs; those of others stay', async () => {
  const bench = createBench({ keep: 2 });
  bench.spark.state = master;
  for (const number of [1, 2, 3]) bench.spark.outputs.set(`10.0.0.9 ${appOf(number)} 0 stdout`, 'x');
  const runs: string[] = [];
  for (const number of [1, 2, 3]) {
    runs.push(await runOnce(bench, number));
    await bench.clock.advance(3000);
  }
  const kept = runs.map((run) =>
    ['.log', '.executors'].map((end) => existsSync(`${bench.context.logFolder}/${run}${end}`)),
  );
  assert.deepEqual(kept, [
    [false, false],
    [true, true],
    [true, true],
  ]);
  assert.deepEqual(
    [...bench.eventLogs.logs.keys()],
    [2, 3].map((number) => `eventlog_v2_${appOf(number)}`),
  );
  await bench.stop();
});

test('event logs that HDFS could not remove go later, also by another scheduler', async () => {
  const bench = createBench({ keep: 1 });
  await runOnce(bench, 1);
  bench.eventLogs.away = true;
  await runOnce(bench, 2);
  assert.equal(bench.eventLogs.logs.size, 2);
  assert.equal(bench.context.runs.list({}).runs.length, 1);
  bench.eventLogs.away = false;
  const next = await bench.restart();
  assert.deepEqual([...next.eventLogs.logs.keys()], [`eventlog_v2_${appOf(2)}`]);
  await next.stop();
});

test('what lies in the folder is left alone while no run was ever dropped, and what is no event log always', async () => {
  const bench = createBench({ keep: 1 });
  const { logs } = bench.eventLogs;
  logs.set(`eventlog_v2_${appOf(99)}`, epoch - 1000);
  logs.set('notes', epoch - 1000);
  await runOnce(bench, 1);
  assert.equal(logs.size, 3);
  await runOnce(bench, 2);
  assert.deepEqual([...logs.keys()], ['notes', `eventlog_v2_${appOf(2)}`]);
  await bench.stop();
});

test('a job runs without an event log while HDFS is not ready', async () => {
  const bench = createBench();
  const first = bench.submit('predict');
  await settle();
  assert.deepEqual(bench.drivers.of(first).order?.conf, {
    'spark.eventLog.enabled': 'true',
    'spark.hadoop.dfs.replication': '1',
  });
  bench.drivers.finish(first, 0);
  await bench.clock.advance(1000);
  bench.eventLogs.away = true;
  const second = bench.submit('predict');
  await settle();
  assert.deepEqual(bench.drivers.of(second).order?.conf, {
    'spark.eventLog.enabled': 'false',
    'spark.hadoop.dfs.replication': '1',
  });
  await bench.stop();
});
