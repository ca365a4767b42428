import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createBench, settle } from '../runs/run-bench.fixture.ts';
import { createRunLogs } from './run-logs.ts';

const application = 'app-20260301120000-0001';
const announced = `x INFO  StandaloneSchedulerBackend: Connected to Spark cluster with app ID ${application}`;

test('an application has a driver while its run lasts, then the logs of its executors', async () => {
  const bench = createBench();
  const logs = createRunLogs(bench.context);
  const worker = { id: 'w', host: '10.0.0.9', alive: true, cores: 1, coresUsed: 0, memoryMiB: 1, memoryUsedMiB: 0 };
  bench.spark.state = { status: 'ALIVE', workers: [worker], applications: [] };
  bench.spark.outputs.set(`10.0.0.9 ${application} 4 stdout`, 'said\n');
  await assert.rejects(logs.application(application), { code: 'APPLICATION_UNKNOWN' });
  const run = bench.submit('predict');
  await settle();
  bench.drivers.log(run, announced);
  await bench.clock.advance(1000);
  const address = bench.context.runs.lastAttempt(run)?.address;
  assert.deepEqual(await logs.application(application), { run, driver: `${address}:4040`, executors: {} });
  bench.drivers.finish(run, 0);
  await bench.clock.advance(4000);
  assert.deepEqual(await logs.application(application), { run, driver: null, executors: { '4': 'executor-0' } });
  const { sources } = await logs.logSources(run);
  assert.deepEqual(
    sources.map(({ name, bytes }) => [name, bytes > 0]),
    [
      ['driver', true],
      ['executor-0', true],
    ],
  );
  assert.match(await text(await logs.runLog(run, 'executor-0')), /\nsaid\n$/);
  assert.match(await text(await logs.runLog(run, 'driver')), /Connected to Spark/);
  await bench.stop();
});

test('a log that is not there is told; a run that has not started has an empty one', async () => {
  const bench = createBench();
  const logs = createRunLogs(bench.context);
  const [, waiting = ''] = [bench.submit('predict'), bench.submit('predict')];
  await settle();
  assert.equal(await text(await logs.runLog(waiting, 'driver')), '');
  assert.deepEqual(await logs.logSources(waiting), { sources: [{ name: 'driver', bytes: 0 }] });
  await assert.rejects(logs.runLog(waiting, 'executor-0'), { code: 'LOG_MISSING' });
  for (const ask of [logs.runLog('nobody', 'driver'), logs.logSources('nobody')]) {
    await assert.rejects(ask, { code: 'RUN_UNKNOWN' });
  }
  await bench.stop();
});
