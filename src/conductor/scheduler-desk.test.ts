// The scheduler as it is put together: what a run leaves in metrics and outbox, over REST.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import { createPostWebhook } from '../adapters/webhook/post-webhook.ts';
import { plainSettings } from '../adapters/webhook/webhook-settings.ts';
import { registerSchedulerRoutes } from '../api/scheduler-routes.ts';
import { createApp } from '../api/web-app.ts';
import {
  createFakeClock,
  createFakeDrivers,
  createFakeSpark,
  createFakeWeb,
  defineJob,
  settle,
} from '../runs/run-bench.fixture.ts';
import { openDatabase } from '../runs/state/database.ts';
import { parseMetrics } from './parse-metrics.fixture.ts';
import { createScheduler, type DeskParts, openStores } from './scheduler-desk.ts';

/** A scheduler over a database in `folder`; a second one of the same folder is its successor. */
function open(
  folder: string,
  onFailureUrl: string,
  more: { driverImage?: string; schedule?: object; laterMs?: number } = {},
) {
  const clock = createFakeClock();
  const database = openDatabase(join(folder, 'state.db'));
  const { desired } = defaultCluster;
  const image = more.driverImage ?? desired.images.driver;
  clock.jump(more.laterMs ?? 0);
  const drivers = createFakeDrivers(clock, image);
  const shutdown = new AbortController();
  const cluster = {
    health: async () => ({ ready: true, components: [], spark: null, hdfs: null, warnings: [] }),
    driverImage: async () => image,
    share: async () => ({ coresMax: null, replication: 1, eventLog: false }),
  } as unknown as DeskParts['cluster'];
  const scheduler = createScheduler({
    ...openStores(database),
    database,
    cluster,
    drivers,
    web: createFakeWeb(),
    spark: createFakeSpark(),
    hdfs: { list: async () => [], remove: async () => undefined } as unknown as DeskParts['hdfs'],
    probes: { namenode: async () => null, master: async () => null },
    containers: { stats: async () => [], exec: async function* () {}, signal: async () => 'absent' },
    agents: null,
    readSecret: (name) => (name === 'hook_key' ? Buffer.from('k3y') : null),
    componentLogs: {} as DeskParts['componentLogs'],
    post: createPostWebhook(plainSettings),
    clock,
    logFolder: folder,
    projectId: desired.projectId,
    version: '0.1.0',
    shutdown: shutdown.signal,
  });
  const onFailure = { url: onFailureUrl, secret: 'hook_key' };
  const jobs = [{ ...defineJob('predict'), onFailure, ...(more.schedule && { schedule: more.schedule }) }];
  const images = { ...desired.images, driver: image };
  scheduler.keeper.adopt(JSON.stringify({ ...desired, images, config: { ...desired.config, jobs } }));
  const app = createApp({ log: () => undefined, admit: () => undefined });
  registerSchedulerRoutes(app, scheduler.desk);
  return {
    clock,
    drivers,
    scheduler,
    submit: async () => {
      const answer = await app.inject({ method: 'POST', url: '/api/v1/jobs/predict/runs', payload: {} });
      return (answer.json() as { id: string }).id;
    },
    metrics: async () => parseMetrics((await app.inject({ url: '/metrics' })).body),
    stop: async () => {
      shutdown.abort(new Error('over'));
      await settle();
      database.close();
    },
  };
}

test('a failed run is counted, and its receiver is told by the next scheduler where this one was killed', async () => {
  const told = Promise.withResolvers<{ signature: string; body: string }>();
  const server = createServer(async (request, response) => {
    told.resolve({ signature: String(request.headers['x-sparkplug-signature']), body: await text(request) });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-desk-'));

  const first = open(folder, url);
  const run = await first.submit();
  await settle();
  await first.clock.advance(45_000);
  first.drivers.finish(run, 3);
  await first.scheduler.queue.settled();
  await first.stop();

  const second = open(folder, url);
  const delivering = second.scheduler.notify();
  delivering.catch(() => undefined);
  const { signature, body } = await told.promise;
  const [, time, digest] = /^t=(\d+),v1=(.+)$/.exec(signature) ?? [];
  assert.equal(digest, createHmac('sha256', 'k3y').update(`${time}.${body}`).digest('hex'));
  const { event, project, failure } = JSON.parse(body);
  assert.deepEqual([event, project, failure.code], ['run.failed', 'demo', 'RUN_FAILED']);

  const families = await second.metrics();
  const failed = families
    .get('sparkplug_runs_finished_total')
    ?.samples.find(({ labels }) => labels.job === 'predict' && labels.state === 'failed');
  assert.equal(failed?.value, 1);
  const duration = families.get('sparkplug_run_duration_seconds')?.samples;
  const within = (le: string) => duration?.find(({ name, labels }) => name.endsWith('_bucket') && labels.le === le);
  assert.deepEqual([within('30')?.value, within('60')?.value], [0, 1]);
  await second.stop();
  await assert.rejects(delivering, /over/);
  server.close();
});

test('after a down, what an `up` with other code makes up for runs that code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-desk-'));
  const schedule = { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', missed: 'once' };
  const first = open(folder, 'http://127.0.0.1:9/', { schedule });
  first.scheduler.schedules.start();
  await settle();
  await first.stop();
  // As the process does at its start, before the command line has told it anything.
  const second = open(folder, 'http://127.0.0.1:9/', { schedule, driverImage: 'demo-driver:new', laterMs: 86_400_000 });
  second.scheduler.schedules.start();
  await settle();
  const { runs } = second.scheduler.desk.runs({});
  assert.deepEqual(
    runs.map(({ trigger, image }) => [trigger, image]),
    [['schedule', 'demo-driver:new']],
  );
  await second.stop();
});
