// Schedules as the whole scheduler serves them: from the desired state to runs and back over REST.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import { registerSchedulerRoutes } from '../api/scheduler-routes.ts';
import { JobList, RunList, ScheduleList } from '../api/schemas.ts';
import { createApp } from '../api/web-app.ts';
import {
  createFakeClock,
  createFakeDrivers,
  createFakeSpark,
  createFakeWeb,
  settle,
} from '../runs/run-bench.fixture.ts';
import { openDatabase } from '../runs/state/database.ts';
import { createScheduler, type DeskParts, openStores } from './scheduler-desk.ts';

const minute = 60_000;

test('a schedule of the last up runs, is shown with its job, and an edit takes effect at the next up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-jobs-'));
  const clock = createFakeClock();
  const database = openDatabase(join(folder, 'state.db'));
  const { desired } = defaultCluster;
  const [job] = desired.config.jobs;
  assert.ok(job);
  const scheduledAt = (cron: string) => ({
    ...desired,
    config: {
      ...desired.config,
      jobs: [{ ...job, schedule: { cron, timezone: 'UTC', overlap: 'queue', missed: 'skip' } }],
    },
  });
  const shutdown = new AbortController();
  const cluster = {
    driverImage: async () => desired.images.driver,
    compare: async () => ['update web: port'],
    refuseImpossible: async () => undefined,
    apply: async () => undefined,
  };
  const { desk, keeper, queue, schedules } = createScheduler({
    ...openStores(database),
    database,
    cluster: cluster as unknown as DeskParts['cluster'],
    drivers: createFakeDrivers(clock, desired.images.driver),
    web: createFakeWeb(),
    spark: createFakeSpark(),
    hdfs: { list: async () => [], remove: async () => undefined } as unknown as DeskParts['hdfs'],
    probes: { namenode: async () => null, master: async () => null },
    containers: { stats: async () => [], exec: async function* () {}, signal: async () => 'absent' },
    agents: null,
    readSecret: () => null,
    componentLogs: {} as DeskParts['componentLogs'],
    post: () => Promise.reject(new Error('nobody is told')),
    clock,
    logFolder: folder,
    projectId: desired.projectId,
    version: '0.1.0',
    shutdown: shutdown.signal,
  });
  keeper.adopt(JSON.stringify(scheduledAt('*/10 * * * *')));
  queue.start();
  schedules.start();
  const app = createApp({ log: () => undefined, admit: () => undefined });
  registerSchedulerRoutes(app, desk);
  const get = async (url: string): Promise<unknown> => (await app.inject({ url })).json();

  await clock.advance(10 * minute);
  const { runs } = RunList.parse(await get('/api/v1/runs'));
  assert.deepEqual(
    runs.map(({ trigger, tick, image }) => [trigger, tick, image]),
    [['schedule', '2026-03-01T12:10:00.000Z', desired.images.driver]],
  );
  const [shown] = JobList.parse(await get('/api/v1/jobs')).jobs;
  assert.deepEqual([shown?.name, shown?.lastRun?.id, shown?.schedule?.last?.run], [job.name, runs[0]?.id, runs[0]?.id]);
  assert.equal((await app.inject({ method: 'POST', url: `/api/v1/schedules/${job.name}/pause` })).statusCode, 200);

  await keeper.submit(scheduledAt('*/15 * * * *'), { ifMatch: null, now: true });
  await keeper.settled();
  await settle();
  const [schedule] = ScheduleList.parse(await get('/api/v1/schedules')).schedules;
  assert.deepEqual([schedule?.rule.cron, schedule?.paused], ['*/15 * * * *', true]);
  assert.equal(schedule?.last?.at, '2026-03-01T12:10:00.000Z');
  await app.inject({ method: 'POST', url: `/api/v1/schedules/${job.name}/resume` });
  await clock.advance(5 * minute);
  const after = RunList.parse(await get('/api/v1/runs')).runs;
  assert.equal(after[0]?.tick, '2026-03-01T12:15:00.000Z');

  shutdown.abort(new Error('over'));
  await settle();
  database.close();
});
