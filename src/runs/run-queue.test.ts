import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import { type Bench, createBench, defineJob, nanoseconds, settle } from './run-bench.fixture.ts';

const resultJob = (changes = {}) =>
  defineJob('predict', {
    results: [
      { name: 'predictions', path: '/results/predictions', key: 'id', unique: true },
      { name: 'metrics', path: '/results/metrics', key: null, unique: true },
    ],
    ...changes,
  });

function state(bench: Bench, run: string) {
  const found = bench.context.runs.get(run);
  assert.ok(found);
  return found;
}

function log(bench: Bench, run: string): string {
  return readFileSync(`${bench.context.logFolder}/${run}.log`, 'utf8');
}

test('runs of all jobs go first in, first out, one at a time', async () => {
  const bench = createBench({ jobs: [defineJob('a'), defineJob('b')] });
  const [first, second, third] = [bench.submit('a'), bench.submit('b'), bench.submit('a')];
  await settle();
  assert.deepEqual(
    [first, second, third].map((run) => state(bench, run).state),
    ['running', 'queued', 'queued'],
  );
  assert.equal(state(bench, second).waiting, `waits for ${first}`);
  bench.drivers.finish(first, 0);
  await bench.clock.advance(1000);
  assert.deepEqual(
    [first, second, third].map((run) => state(bench, run).state),
    ['succeeded', 'running', 'queued'],
  );
  bench.drivers.finish(second, 0);
  await bench.clock.advance(1000);
  bench.drivers.finish(third, 0);
  await bench.queue.settled();
  assert.equal(state(bench, third).state, 'succeeded');
  assert.equal(state(bench, third).exitCode, 0);
  await bench.stop();
});

test('runs.parallel runs execute at once, each in its own container', async () => {
  const bench = createBench({ parallel: 2 });
  const runs = [bench.submit('predict'), bench.submit('predict'), bench.submit('predict')];
  await settle();
  assert.deepEqual(
    runs.map((run) => state(bench, run).state),
    ['running', 'running', 'queued'],
  );
  assert.notEqual(bench.drivers.of(runs[0] ?? '').id, bench.drivers.of(runs[1] ?? '').id);
  await bench.stop();
});

test('a run of another image waits for those before it, then sets the drivers to its image', async () => {
  const bench = createBench({ parallel: 2 });
  const old = bench.submit('predict');
  const changed = bench.submit('predict', 'app:2');
  await settle();
  assert.equal(state(bench, changed).state, 'queued');
  assert.deepEqual(bench.imageChanges, []);
  bench.drivers.finish(old, 0);
  await bench.clock.advance(1000);
  assert.deepEqual(bench.imageChanges, ['app:2']);
  assert.equal(state(bench, changed).state, 'running');
  assert.equal(state(bench, changed).imageDigest, 'sha256:app:2');
  assert.equal(bench.drivers.of(changed).image, 'app:2');
  await bench.stop();
});

test('the driver gets the whole order, arguments of the run instead of those of the file', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { args: ['--x'], env: { MODE: 'full' } })] });
  const newRun = { args: ['--horizon', '7'], sparkConf: { 'spark.a': 'b' } };
  const { run } = bench.queue.submit({ job: 'predict', newRun, trigger: 'cli', idempotencyKey: null });
  await settle();
  assert.deepEqual(bench.drivers.of(run.id).order, {
    runId: run.id,
    attempt: 1,
    job: 'predict',
    main: 'src/predict.py',
    class: null,
    args: ['--horizon', '7'],
    env: { MODE: 'full' },
    conf: { 'spark.a': 'b', 'spark.eventLog.enabled': 'true', 'spark.hadoop.dfs.replication': '1' },
  });
  await bench.stop();
});

test('an attempt is told its share of the cluster as it is then; the run may lower its cores, never raise them', async () => {
  const share = { coresMax: 6, replication: 3, eventLog: false };
  const bench = createBench({ parallel: 3, share });
  const confOf = async (asked: Record<string, string>): Promise<Readonly<Record<string, string>> | undefined> => {
    const newRun = { sparkConf: asked };
    const { run } = bench.queue.submit({ job: 'predict', newRun, trigger: 'cli', idempotencyKey: null });
    await settle();
    const conf = bench.drivers.of(run.id).order?.conf;
    bench.drivers.finish(run.id, 0);
    await bench.clock.advance(1000);
    return conf;
  };
  assert.deepEqual(await confOf({}), {
    'spark.cores.max': '6',
    'spark.eventLog.enabled': 'false',
    'spark.hadoop.dfs.replication': '3',
  });
  for (const [asked, given] of [
    ['2', '2'],
    ['100', '6'],
    ['all', '6'],
  ] as const) {
    assert.equal((await confOf({ 'spark.cores.max': asked }))?.['spark.cores.max'], given);
  }
  await bench.stop();
});

test('a job that exits with a code fails with that code', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  bench.drivers.log(run, 'Traceback');
  bench.drivers.finish(run, 3);
  await bench.queue.settled();
  const { state: end, exitCode, failure, attempts } = state(bench, run);
  assert.deepEqual([end, exitCode, failure?.code, attempts.length], ['failed', 3, 'RUN_FAILED', 1]);
  assert.equal(log(bench, run), 'Traceback\n');
  await bench.stop();
});

test("the JVM's notice about Spark's own modules is not part of the run's log", async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  bench.drivers.log(run, 'WARNING: Using incubator modules: jdk.incubator.vector');
  bench.drivers.log(run, 'WARNING: of the job');
  bench.drivers.finish(run, 0);
  await bench.queue.settled();
  assert.equal(log(bench, run), 'WARNING: of the job\n');
  await bench.stop();
});

test('a job killed for memory says so', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  bench.drivers.finish(run, 137, { outOfMemory: true });
  await bench.queue.settled();
  assert.equal(state(bench, run).failure?.code, 'RUN_OUT_OF_MEMORY');
  await bench.stop();
});

test('killed for memory while an operation waits is still killed for memory', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  const open = await bench.context.gate.close('op-1', new AbortController().signal);
  bench.drivers.finish(run, 137, { outOfMemory: true });
  await bench.queue.settled();
  assert.equal(state(bench, run).failure?.code, 'RUN_OUT_OF_MEMORY');
  open();
  await bench.stop();
});

test('retries are attempts of one run, 5 s, 10 s and so on after each other', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 2 })] });
  const run = bench.submit('predict');
  await settle();
  bench.drivers.finish(run, 1);
  await bench.clock.advance(4_900);
  assert.equal(state(bench, run).attempts.length, 1);
  assert.match(state(bench, run).waiting ?? '', /attempt 2 of 3/);
  await bench.clock.advance(200);
  assert.equal(state(bench, run).attempts.length, 2);
  assert.equal(bench.drivers.of(run).order?.attempt, 2);
  bench.drivers.finish(run, 1);
  await bench.clock.advance(9_900);
  assert.equal(state(bench, run).attempts.length, 2);
  await bench.clock.advance(200);
  bench.drivers.finish(run, 0);
  await bench.queue.settled();
  const { state: end, attempts, exitCode } = state(bench, run);
  assert.deepEqual([end, exitCode, attempts.map((one) => one.exitCode)], ['succeeded', 0, [1, 1, 0]]);
  assert.match(log(bench, run), /attempt 2 of 3\n.*attempt 3 of 3\n/s);
  await bench.stop();
});

test('a missing job file is never retried', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 5 })] });
  bench.drivers.refuse = 'main-missing';
  const run = bench.submit('predict');
  await bench.queue.settled();
  const { state: end, failure, attempts } = state(bench, run);
  assert.deepEqual([end, failure?.code, attempts.length], ['failed', 'JOB_FILE_MISSING', 1]);
  await bench.stop();
});

test('a driver that never gets ready ends the run with a plain error', async () => {
  const bench = createBench();
  bench.drivers.refuse = 'refused';
  const run = bench.submit('predict');
  await bench.clock.advance(179_000);
  assert.deepEqual(state(bench, run).failure, null);
  await bench.clock.advance(2_000);
  assert.equal(state(bench, run).failure?.code, 'DRIVER_UNAVAILABLE');
  await bench.stop();
});

test('a timeout stops the job, with SIGKILL where SIGTERM does not help', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { timeoutMs: 60_000 })] });
  bench.drivers.deaf = true;
  const run = bench.submit('predict');
  await bench.clock.advance(59_000);
  assert.equal(state(bench, run).state, 'running');
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.drivers.kills, ['SIGTERM']);
  await bench.clock.advance(15_000);
  assert.deepEqual(bench.drivers.kills, ['SIGTERM', 'SIGKILL']);
  await bench.queue.settled();
  const { state: end, exitCode, failure } = state(bench, run);
  assert.deepEqual([end, exitCode, failure?.code], ['failed', 124, 'RUN_TIMED_OUT']);
  await bench.stop();
});

test('cancelling: queued at once, running by SIGTERM, between attempts at once, finished not at all', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 3 })] });
  const running = bench.submit('predict');
  const queued = bench.submit('predict');
  await settle();
  assert.equal(bench.queue.cancel(queued).state, 'cancelled');
  bench.queue.cancel(running);
  await bench.queue.settled();
  const { state: end, exitCode, attempts } = state(bench, running);
  assert.deepEqual([end, exitCode, attempts.length, bench.drivers.kills], ['cancelled', 130, 1, ['SIGTERM']]);
  assert.equal(bench.queue.cancel(running).state, 'cancelled');

  const retried = bench.submit('predict');
  await bench.clock.advance(1000);
  bench.drivers.finish(retried, 1);
  await settle();
  bench.queue.cancel(retried);
  await bench.queue.settled();
  assert.equal(state(bench, retried).state, 'cancelled');
  assert.throws(() => bench.queue.cancel('nobody'), { code: 'RUN_UNKNOWN' });
  await bench.stop();
});

test('a container that disappears is a lost driver, and that is retried', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 1 })] });
  const run = bench.submit('predict');
  await settle();
  bench.drivers.lose(run);
  await bench.clock.advance(6_000);
  assert.equal(state(bench, run).attempts[0]?.failure?.code, 'DRIVER_LOST');
  bench.drivers.finish(run, 0);
  await bench.queue.settled();
  assert.equal(state(bench, run).state, 'succeeded');
  await bench.stop();
});

test('no attempt starts while the cluster is being changed, and a change sees the attempts that run', async () => {
  const bench = createBench({ parallel: 2 });
  const first = bench.submit('predict');
  await settle();
  assert.deepEqual(bench.context.gate.running(), [first]);
  const open = await bench.context.gate.close('op-1', new AbortController().signal);
  const second = bench.submit('predict');
  await settle();
  assert.match(state(bench, second).waiting ?? '', /op-1/);
  assert.equal(state(bench, second).attempts.length, 0);
  let idle = false;
  void bench.context.gate.whenIdle(new AbortController().signal).then(() => {
    idle = true;
  });
  bench.drivers.finish(first, 0);
  await settle();
  assert.equal(idle, true);
  open();
  await settle();
  assert.equal(state(bench, second).state, 'running');
  await bench.stop();
});

// Results

test('results are switched together with the success of their run', async () => {
  const bench = createBench({ jobs: [resultJob()] });
  const run = bench.submit('predict');
  await settle();
  const startedMs = Date.parse(state(bench, run).attempts[0]?.startedAt ?? '');
  bench.drivers.finish(run, 0);
  await bench.queue.settled();
  assert.deepEqual(state(bench, run).published, { predictions: 3, metrics: 3 });
  assert.deepEqual(
    bench.web.requests[0]?.results.map(({ notBeforeMs }) => notBeforeMs),
    [startedMs, startedMs],
  );
  const current = bench.context.results.current();
  assert.deepEqual(
    current.map(({ name, version, run: of }) => [name, version, of]),
    [
      ['metrics', 1, run],
      ['predictions', 1, run],
    ],
  );
  await bench.stop();
});

test("web's refusal fails the run and leaves the earlier version", async () => {
  const bench = createBench({ jobs: [resultJob({ retries: 3 })] });
  const good = bench.submit('predict');
  await settle();
  bench.drivers.finish(good, 0);
  await bench.clock.advance(1000);
  const bad = bench.submit('predict');
  await bench.clock.advance(1000);
  bench.web.failures.push(new SparkPlugError('RESULT_MISSING', 'nothing was written'));
  bench.drivers.finish(bad, 0);
  await bench.queue.settled();
  const { state: end, failure, attempts } = state(bench, bad);
  assert.deepEqual([end, failure?.code, attempts.length], ['failed', 'RESULT_MISSING', 1]);
  assert.deepEqual(
    bench.context.results.current().map(({ run }) => run),
    [good, good],
  );
  await bench.stop();
});

test('web that is away is asked again', async () => {
  const bench = createBench({ jobs: [resultJob()] });
  const run = bench.submit('predict');
  await settle();
  bench.web.failures.push(new SparkPlugError('WEB_AWAY', 'silence'), new SparkPlugError('WEB_AWAY', 'silence'));
  bench.drivers.finish(run, 0);
  await settle();
  assert.equal(state(bench, run).state, 'publishing');
  await bench.clock.advance(10_000);
  assert.equal(state(bench, run).state, 'succeeded');
  assert.equal(bench.web.requests.length, 3);
  await bench.stop();
});

test('a switch that fails half-way changes nothing at all', async () => {
  const bench = createBench({ jobs: [resultJob()] });
  const run = bench.submit('predict');
  await settle();
  const broken = {
    name: 'predictions',
    job: 'predict',
    run,
    rows: 1,
    key: null,
    unique: true,
    publishedAt: 'now',
    columns: [],
  };
  assert.throws(() =>
    bench.context.results.publish([broken, { ...broken, name: 'metrics' }], () => {
      throw new Error('the run cannot be stored');
    }),
  );
  assert.deepEqual(bench.context.results.current(), []);
  await bench.stop();
});

test('old runs go with their logs and versions, but a served version stays until it is replaced', async () => {
  const bench = createBench({ keep: 1, jobs: [resultJob(), defineJob('other')] });
  const first = bench.submit('predict');
  await settle();
  bench.drivers.log(first, 'hello');
  bench.drivers.finish(first, 0);
  await bench.clock.advance(1000);
  const other = bench.submit('other');
  await bench.clock.advance(1000);
  bench.drivers.finish(other, 0);
  await bench.clock.advance(1000);
  assert.equal(bench.context.runs.get(first), null);
  assert.throws(() => log(bench, first), { code: 'ENOENT' });
  assert.deepEqual(bench.web.removed, []);
  assert.equal(bench.context.results.current()[0]?.run, first);
  const second = bench.submit('predict');
  await bench.clock.advance(1000);
  bench.drivers.finish(second, 0);
  await bench.queue.settled();
  assert.deepEqual(bench.web.removed, [first]);
  assert.equal(bench.context.results.current()[0]?.version, 2);
  await bench.stop();
});

// Idempotency

test('an idempotency key gives the same run, and is refused for another request', async () => {
  const bench = createBench();
  const request = { job: 'predict', newRun: { args: ['1'] }, trigger: 'rest' as const, idempotencyKey: 'k' };
  const first = bench.queue.submit(request);
  const again = bench.queue.submit(request);
  assert.deepEqual([first.created, again.created, again.run.id], [true, false, first.run.id]);
  assert.throws(() => bench.queue.submit({ ...request, newRun: { args: ['2'] } }), { code: 'IDEMPOTENCY_CONFLICT' });
  await bench.stop();
});

test('an idempotency key is forgotten after a day', async () => {
  const bench = createBench();
  const request = { job: 'predict', newRun: {}, trigger: 'rest' as const, idempotencyKey: 'k' };
  const first = bench.queue.submit(request);
  bench.clock.jump(24 * 60 * 60 * 1000);
  assert.equal(bench.queue.submit(request).run.id, first.run.id);
  await bench.clock.advance(1);
  const second = bench.queue.submit({ ...request, newRun: { args: ['2'] } });
  assert.equal(second.created, true);
  assert.equal(bench.queue.submit({ ...request, newRun: { args: ['2'] } }).run.id, second.run.id);
  await bench.stop();
});

test('two runs of one job asked for at once are two runs, or one where they share a key', async () => {
  const bench = createBench();
  const ask = async (idempotencyKey: string | null) =>
    bench.queue.submit({ job: 'predict', newRun: {}, trigger: 'rest', idempotencyKey }).run.id;
  const ids = await Promise.all([ask(null), ask(null), ask('k'), ask('k'), ask('k')]);
  assert.equal(new Set(ids).size, 3);
  assert.equal(new Set(ids.slice(2)).size, 1);
  await bench.stop();
});

test('pages of runs are complete and do not overlap, also while runs are added', async () => {
  const bench = createBench({ jobs: [defineJob('a'), defineJob('b')] });
  const ids = ['a', 'b', 'a', 'a', 'b'].map((job) => bench.submit(job));
  const first = bench.context.runs.list({ limit: 2 });
  bench.submit('a');
  const second = bench.context.runs.list({ limit: 2, before: first.next ?? 0 });
  const third = bench.context.runs.list({ limit: 2, before: second.next ?? 0 });
  const listed = [first, second, third].flatMap(({ runs }) => runs.map(({ id }) => id));
  assert.deepEqual(listed, ids.toReversed());
  assert.equal(third.next, null);
  assert.equal(bench.context.runs.list({ job: 'b', limit: 2 }).next, null);
  await bench.stop();
});

test('an unknown job names the known ones', async () => {
  const bench = createBench();
  assert.throws(() => bench.submit('nothing'), { code: 'JOB_UNKNOWN', hint: /predict/ });
  await bench.stop();
});

// Restarts

test('restarted while a run is queued', async () => {
  const bench = createBench();
  const first = bench.submit('predict');
  const second = bench.submit('predict');
  await settle();
  const next = await bench.restart();
  assert.equal(state(next, second).state, 'queued');
  next.drivers.finish(first, 0);
  await next.clock.advance(1000);
  next.drivers.finish(second, 0);
  await next.queue.settled();
  assert.equal(state(next, second).state, 'succeeded');
  await next.stop();
});

test('restarted while a run is running: its log neither loses nor doubles a line', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  bench.drivers.log(run, 'one');
  const moment = nanoseconds(bench.clock);
  await bench.clock.advance(600);
  bench.drivers.log(run, 'two', moment);
  await settle();
  bench.drivers.log(run, 'three', moment);
  await settle();
  const next = await bench.restart();
  assert.equal(state(next, run).state, 'running');
  next.drivers.log(run, 'four');
  next.drivers.finish(run, 0);
  await next.queue.settled();
  assert.equal(log(next, run), 'one\ntwo\nthree\nfour\n');
  const { state: end, attempts } = state(next, run);
  assert.deepEqual([end, attempts.length], ['succeeded', 1]);
  await next.stop();
});

test('restarted after the container has ended: exit code and the rest of the log are taken', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  await bench.stop();
  bench.drivers.log(run, 'last words');
  bench.drivers.finish(run, 7);
  const next = await reopen(bench);
  await next.queue.settled();
  assert.deepEqual([state(next, run).state, state(next, run).exitCode], ['failed', 7]);
  assert.equal(log(next, run), 'last words\n');
  await next.stop();
});

test('restarted after the container is gone: lost, and retried where the job says so', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 1 })] });
  const run = bench.submit('predict');
  await settle();
  await bench.stop();
  bench.drivers.lose(run);
  const next = await reopen(bench);
  await next.clock.advance(6_000);
  assert.equal(state(next, run).attempts[0]?.failure?.code, 'DRIVER_LOST');
  assert.equal(state(next, run).attempts.length, 2);
  await next.stop();
});

test('restarted between record and hand-over: the same container gets the run', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  const container = bench.drivers.of(run);
  bench.context.runs.update(run, { state: 'starting' });
  await bench.stop();
  container.order = null;
  const next = await reopen(bench);
  assert.equal(next.drivers.of(run).id, container.id);
  assert.equal(state(next, run).state, 'running');
  assert.equal(state(next, run).attempts.length, 1);
  await next.stop();
});

test('restarted before hand-over, container replaced meanwhile: another one gets the same attempt', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  bench.context.runs.update(run, { state: 'starting' });
  await bench.stop();
  bench.drivers.finish(run, 0);
  const first = bench.drivers.of(run).id;
  const next = await reopen(bench);
  assert.notEqual(next.drivers.of(run).id, first);
  assert.equal(next.drivers.of(run).order?.attempt, 1);
  assert.equal(state(next, run).state, 'running');
  await next.stop();
});

test('restarted during backoff: the next attempt comes at its time', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 1 })] });
  const run = bench.submit('predict');
  await settle();
  bench.drivers.finish(run, 1);
  await bench.clock.advance(2_000);
  const next = await bench.restart();
  assert.equal(state(next, run).attempts.length, 1);
  await next.clock.advance(3_100);
  assert.equal(state(next, run).attempts.length, 2);
  await next.stop();
});

test('restarted while publishing: published once more, and once only in the history', async () => {
  const bench = createBench({ jobs: [resultJob()] });
  const run = bench.submit('predict');
  await settle();
  bench.web.failures.push(new SparkPlugError('WEB_AWAY', 'silence'));
  bench.drivers.finish(run, 0);
  await settle();
  assert.equal(state(bench, run).state, 'publishing');
  const next = await bench.restart();
  await next.queue.settled();
  assert.equal(state(next, run).state, 'succeeded');
  assert.deepEqual(
    next.context.results.current().map(({ version }) => version),
    [1, 1],
  );
  await next.stop();
});

test('restarted after a cancel was asked for: the run is still cancelled', async () => {
  const bench = createBench();
  bench.drivers.deaf = true;
  const run = bench.submit('predict');
  await settle();
  bench.queue.cancel(run);
  await settle();
  const next = await bench.restart();
  await next.clock.advance(15_000);
  await next.queue.settled();
  assert.deepEqual([state(next, run).state, state(next, run).exitCode], ['cancelled', 130]);
  await next.stop();
});

async function reopen(bench: Bench): Promise<Bench> {
  const next = bench.reopen();
  next.queue.start();
  await settle();
  return next;
}

// Executors

const worker = { id: 'w', host: '10.0.0.9', alive: true, cores: 2, coresUsed: 0, memoryMiB: 5018, memoryUsedMiB: 0 };

test('settings that no worker can satisfy are refused before anything starts', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 3 })] });
  bench.spark.state = { status: 'ALIVE', workers: [worker], applications: [] };
  const newRun = { sparkConf: { 'spark.executor.memory': '6g' } };
  const { run } = bench.queue.submit({ job: 'predict', newRun, trigger: 'cli', idempotencyKey: null });
  await bench.queue.settled();
  const { state: end, failure, attempts } = state(bench, run.id);
  assert.deepEqual([end, failure?.code, attempts.length], ['failed', 'RUN_CANNOT_GET_EXECUTORS', 0]);
  assert.match(failure?.message ?? '', /6144 MiB.*5018 MiB/);
  await bench.stop();
});

test('an application that can never get executors fails within seconds, and is not retried', async () => {
  const bench = createBench({ jobs: [defineJob('predict', { retries: 3 })] });
  bench.spark.app = 'app-1';
  bench.spark.state = {
    status: 'ALIVE',
    workers: [worker],
    applications: [{ id: 'app-1', name: 'predict', state: 'WAITING', cores: 0, executorMemoryMiB: 8192 }],
  };
  const run = bench.submit('predict');
  await bench.clock.advance(10_000);
  await bench.queue.settled();
  const { state: end, failure, attempts } = state(bench, run);
  assert.deepEqual([end, failure?.code, attempts.length], ['failed', 'RUN_CANNOT_GET_EXECUTORS', 1]);
  await bench.stop();
});

test('a full cluster is said to be full, and waited for', async () => {
  const bench = createBench();
  bench.spark.app = 'app-1';
  const mine = { id: 'app-1', name: 'predict', state: 'WAITING', cores: 0, executorMemoryMiB: 1024 };
  const other = { id: 'app-0', name: 'shell', state: 'RUNNING', cores: 2, executorMemoryMiB: 1024 };
  bench.spark.state = { status: 'ALIVE', workers: [{ ...worker, coresUsed: 2 }], applications: [other, mine] };
  const run = bench.submit('predict');
  await bench.clock.advance(60_000);
  assert.equal(state(bench, run).state, 'running');
  assert.equal(state(bench, run).waiting, 'waits for executors: 2 of 2 cores in use (shell holds 2 cores)');
  bench.spark.state = { ...bench.spark.state, applications: [{ ...mine, cores: 2, state: 'RUNNING' }] };
  await bench.clock.advance(2_000);
  assert.equal(state(bench, run).waiting, null);
  await bench.stop();
});

test('an application that the log announces is judged before its driver is asked for its stages', async () => {
  const bench = createBench();
  const id = 'app-20260301120000-0001';
  bench.spark.app = id;
  bench.spark.application = () => assert.fail('the driver was asked');
  bench.spark.state = {
    status: 'ALIVE',
    workers: [worker],
    applications: [{ id, name: 'predict', state: 'WAITING', cores: 0, executorMemoryMiB: 8192 }],
  };
  const run = bench.submit('predict');
  await settle();
  bench.drivers.log(run, `StandaloneSchedulerBackend: Connected to Spark cluster with app ID ${id}`);
  await bench.clock.advance(5_500);
  await bench.queue.settled();
  assert.equal(state(bench, run).failure?.code, 'RUN_CANNOT_GET_EXECUTORS');
  await bench.stop();
});

test('progress by stages is kept with the run, and a short job is not asked for it', async () => {
  const bench = createBench();
  bench.spark.app = 'app-1';
  bench.spark.state = { status: 'ALIVE', workers: [worker], applications: [] };
  bench.spark.stageList = [
    { id: 0, attempt: 0, state: 'COMPLETE', name: 'scan', tasks: 4, tasksDone: 4 },
    { id: 1, attempt: 0, state: 'ACTIVE', name: 'join', tasks: 8, tasksDone: 2 },
  ];
  const run = bench.submit('predict');
  await bench.clock.advance(6_500);
  assert.equal(state(bench, run).progress, null);
  await bench.clock.advance(1_000);
  assert.deepEqual(state(bench, run).progress, {
    stagesDone: 1,
    stagesTotal: 2,
    tasksDone: 6,
    tasksTotal: 12,
    stage: 'join',
  });
  await bench.stop();
});
