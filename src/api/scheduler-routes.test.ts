import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import { defineRun } from '../runs/define-run.fixture.ts';
import { checkSharedSecret } from './access.ts';
import { registerSchedulerRoutes, type SchedulerDesk } from './scheduler-routes.ts';
import type { Operation, Schedule } from './schemas.ts';
import { createApp } from './web-app.ts';

const run = defineRun({ id: 'predict-1-abcd', job: 'predict', queuedAt: 'now', state: 'succeeded', exitCode: 0 });
const schedule: Schedule = {
  job: 'predict',
  rule: { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip' },
  overridden: false,
  paused: false,
  next: [],
  last: null,
};
const operation: Operation = {
  id: 'op-1',
  kind: 'apply',
  state: 'succeeded',
  revision: 2,
  steps: [],
  failure: null,
  startedAt: 'now',
  finishedAt: 'now',
};

const desired = {
  version: '1',
  projectId: 'geo-abc123',
  namespace: 'geo-abc123',
  config: { name: 'geo', jobs: [] },
  images: { driver: 'app:1' },
  workerShape: {},
  webPort: 8080,
  subnets: { control: '10.1.0.0/24', data: '10.2.0.0/22' },
};

interface Asked {
  readonly [name: string]: unknown;
}

function open(changes: Partial<SchedulerDesk> = {}) {
  const asked: Asked[] = [];
  const desk: SchedulerDesk = {
    version: '1.0.0',
    status: async () => {
      throw new Error('a bug');
    },
    desired: () => ({ revision: 4, desired: { version: '1' } as never }),
    submitDesired: async (desired, options) => {
      asked.push({ desired, ...options });
      return { kind: 'accepted', operation };
    },
    operation: () => operation,
    followOperation: async function* () {
      yield { ...operation, state: 'running' };
      yield operation;
    },
    cancelOperation: () => operation,
    startRun: (request) => {
      asked.push({ ...request });
      return { run, created: request.idempotencyKey !== 'again' };
    },
    runs: (filter) => {
      asked.push(filter);
      return { runs: [run], next: '7' };
    },
    run: (id) => {
      if (id !== run.id) throw new SparkPlugError('RUN_UNKNOWN', `there is no run ${id}`, { hint: 'sparkplug runs' });
      return run;
    },
    runLog: async (_id, source) => Readable.from([source === 'driver' ? 'one\ntwo\n' : `of ${source}\n`]),
    logSources: async () => ({ sources: [{ name: 'driver', bytes: 8 }] }),
    application: async () => ({ run: run.id, driver: null, executors: {} }),
    followRun: async function* (_id, from) {
      asked.push({ from });
      yield { seq: 5, event: { kind: 'log', line: 'a\nb' } };
      yield { seq: 6, event: { kind: 'end', run } };
    },
    cancelRun: () => run,
    events: (limit) => [{ seq: 1, at: 'now', kind: 'run', message: `${limit}` }],
    followEvents: async function* (from) {
      yield { seq: from ?? 1, at: 'now', kind: 'run', message: 'done' };
    },
    results: () => [],
    jobs: () => ({ jobs: [] }),
    schedules: () => ({ schedules: [schedule] }),
    changeSchedule: (job, change) => {
      asked.push({ job, change });
      return schedule;
    },
    resetSchedule: (job) => (job === 'predict' ? schedule : null),
    pauseSchedule: (job) => {
      if (job !== 'predict') throw new SparkPlugError('SCHEDULE_UNKNOWN', `job ${job} has no schedule`);
      return { ...schedule, paused: true };
    },
    resumeSchedule: () => schedule,
    machines: async () => ({ machines: [] }),
    history: (minutes) => {
      asked.push({ minutes });
      return { samples: [] };
    },
    metrics: async () => '# HELP a b\n# TYPE a gauge\na 1\n',
    ...changes,
  };
  const app = createApp({
    log: () => undefined,
    admit: (request) => {
      if (request.routeOptions.config?.open !== true) checkSharedSecret(request.headers.authorization, 'secret');
    },
  });
  registerSchedulerRoutes(app, desk);
  const ask = (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    url: string,
    options: { payload?: object; headers?: object } = {},
  ) => app.inject({ method, url, ...options, headers: { authorization: 'Bearer secret', ...options.headers } });
  return { app, ask, asked };
}

test('machines, history and metrics', async () => {
  const { ask, asked } = open();
  assert.deepEqual((await ask('GET', '/api/v1/machines')).json(), { machines: [] });
  assert.deepEqual((await ask('GET', '/api/v1/cluster/history')).json(), { samples: [] });
  await ask('GET', '/api/v1/cluster/history?minutes=1440');
  assert.deepEqual(asked, [{ minutes: 60 }, { minutes: 1440 }]);
  for (const minutes of ['0', '1441', '-1', '1.5', 'x']) {
    assert.equal((await ask('GET', `/api/v1/cluster/history?minutes=${minutes}`)).statusCode, 400, minutes);
  }
  const metrics = await ask('GET', '/metrics');
  assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(metrics.body, /^# HELP a b\n/);
});

test('nobody gets in without the shared secret, except for the health probe', async () => {
  const { app } = open();
  assert.equal((await app.inject({ url: '/healthz' })).json().version, '1.0.0');
  for (const authorization of ['', 'Bearer wrong', 'secret']) {
    assert.equal((await app.inject({ url: '/api/v1/runs', headers: { authorization } })).statusCode, 401);
  }
  assert.equal((await app.inject({ url: '/nowhere' })).statusCode, 401);
});

test('a desired state is accepted with its operation, or unchanged', async () => {
  const { ask, asked } = open();
  const answer = await ask('PUT', '/api/v1/cluster/desired?now=true', {
    payload: desired,
    headers: { 'if-match': '"7"' },
  });
  assert.deepEqual([answer.statusCode, answer.json()], [202, { operation: 'op-1' }]);
  assert.deepEqual(asked, [{ desired, ifMatch: 7, now: true }]);
  const unchanged = open({ submitDesired: async () => ({ kind: 'unchanged', revision: 4 }) });
  const same = await unchanged.ask('PUT', '/api/v1/cluster/desired', { payload: desired });
  assert.deepEqual([same.statusCode, same.json()], [200, { revision: 4, unchanged: true }]);
  assert.equal(
    (await ask('PUT', '/api/v1/cluster/desired', { payload: desired, headers: { 'if-match': 'x' } })).statusCode,
    400,
  );
});

test('conflicts have their status and code', async () => {
  const refuse = (code: 'REVISION_CONFLICT' | 'CLUSTER_BUSY') =>
    open({
      submitDesired: async () => {
        throw new SparkPlugError(code, 'no');
      },
    }).ask('PUT', '/api/v1/cluster/desired', { payload: desired });
  assert.equal((await refuse('REVISION_CONFLICT')).statusCode, 412);
  assert.deepEqual(
    [(await refuse('CLUSTER_BUSY')).statusCode, (await refuse('CLUSTER_BUSY')).json().code],
    [409, 'CLUSTER_BUSY'],
  );
});

test('a run is made with 201, found again by its key with 200', async () => {
  const { ask, asked } = open();
  const made = await ask('POST', '/api/v1/jobs/predict/runs', {
    payload: { args: ['1'] },
    headers: { 'idempotency-key': 'k' },
  });
  assert.deepEqual([made.statusCode, made.headers.location], [201, `/api/v1/runs/${run.id}`]);
  assert.deepEqual(asked[0], { job: 'predict', newRun: { args: ['1'] }, trigger: 'rest', idempotencyKey: 'k' });
  const again = await ask('POST', '/api/v1/jobs/predict/runs', { headers: { 'idempotency-key': 'again' } });
  assert.equal(again.statusCode, 200);
  assert.equal((await ask('POST', '/api/v1/jobs/predict/runs', { payload: { surprise: 1 } })).statusCode, 400);
});

test('runs are filtered, unknown ones are 404 with the fix', async () => {
  const { ask, asked } = open();
  await ask('GET', '/api/v1/runs?job=a&state=failed&limit=3');
  assert.deepEqual(asked[0], { job: 'a', state: 'failed', limit: 3 });
  assert.equal((await ask('GET', '/api/v1/runs?state=odd')).statusCode, 400);
  const unknown = await ask('GET', '/api/v1/runs/x');
  assert.deepEqual([unknown.statusCode, unknown.json().hint], [404, 'sparkplug runs']);
  assert.equal((await ask('GET', '/api/v1/runs/x/events')).statusCode, 404);
});

test('the log is plain text, events are server-sent events', async () => {
  const { ask, asked } = open();
  assert.equal((await ask('GET', `/api/v1/runs/${run.id}/logs`)).body, 'one\ntwo\n');
  assert.equal((await ask('GET', `/api/v1/runs/${run.id}/logs?source=executor-3`)).body, 'of executor-3\n');
  assert.equal((await ask('GET', `/api/v1/runs/${run.id}/logs?source=..%2Fstate`)).statusCode, 400);
  assert.deepEqual((await ask('GET', `/api/v1/runs/${run.id}/log-sources`)).json().sources, [
    { name: 'driver', bytes: 8 },
  ]);
  assert.equal((await ask('GET', '/internal/applications/app-1')).json().run, run.id);
  const events = await ask('GET', `/api/v1/runs/${run.id}/events?from=3`);
  assert.match(String(events.headers['content-type']), /text\/event-stream/);
  assert.match(events.body, /id: 5\nevent: log\ndata: {"kind":"log","line":"a\\nb"}\n\nid: 6\nevent: end\ndata: /);
  await ask('GET', `/api/v1/runs/${run.id}/events?from=3`, { headers: { 'last-event-id': '9' } });
  assert.deepEqual(asked, [{ from: 3 }, { from: 10 }]);
});

test('events of the cluster come as one answer or as a stream', async () => {
  const { ask } = open();
  assert.deepEqual((await ask('GET', '/api/v1/events?limit=3')).json().events[0].message, '3');
  const stream = await ask('GET', '/api/v1/events?follow=true', { headers: { 'last-event-id': '41' } });
  assert.match(String(stream.headers['content-type']), /text\/event-stream/);
  assert.match(stream.body, /^: sparkplug\n\nid: 42\nevent: event\ndata: \{"seq":42,/);
  const accepted = await ask('GET', '/api/v1/events?from=7', { headers: { accept: 'text/event-stream' } });
  assert.match(accepted.body, /id: 7\n/);
});

test('a query that is misspelt, doubled or no number is refused by name', async () => {
  const { ask } = open();
  for (const query of [
    'limt=3',
    'limit=3&limit=4',
    'limit=',
    'limit=0x3',
    'limit=1e2',
    'limit=-1',
    'before=x',
    'state=',
  ]) {
    const refused = await ask('GET', `/api/v1/runs?${query}`);
    assert.deepEqual([refused.statusCode, refused.json().code], [400, 'REQUEST_INVALID'], query);
  }
});

test('schedules are listed, changed in part, reset, paused and resumed', async () => {
  const { ask, asked } = open();
  assert.deepEqual((await ask('GET', '/api/v1/schedules')).json(), { schedules: [schedule] });
  assert.deepEqual((await ask('GET', '/api/v1/jobs')).json(), { jobs: [] });
  const payload = { cron: '0 4 * * *' };
  assert.deepEqual((await ask('PUT', '/api/v1/schedules/predict', { payload })).json(), schedule);
  assert.deepEqual(asked, [{ job: 'predict', change: payload }]);
  for (const wrong of [{ cron: 5 }, { overlap: 'no' }, { surprise: 1 }])
    assert.equal((await ask('PUT', '/api/v1/schedules/predict', { payload: wrong })).statusCode, 400);
  assert.equal((await ask('POST', '/api/v1/schedules/predict/pause')).json().paused, true);
  assert.equal((await ask('POST', '/api/v1/schedules/predict/resume')).json().paused, false);
  const none = await ask('POST', '/api/v1/schedules/load/pause');
  assert.deepEqual([none.statusCode, none.json().code], [404, 'SCHEDULE_UNKNOWN']);
  assert.equal((await ask('DELETE', '/api/v1/schedules/predict')).statusCode, 200);
  assert.deepEqual((await ask('DELETE', '/api/v1/schedules/load')).statusCode, 204);
});

test('an operation is sent at every change', async () => {
  const { body } = await open().ask('GET', '/api/v1/operations/op-1/events');
  assert.equal(body.match(/event: operation/g)?.length, 2);
});

test('a bug is a problem without its inner life', async () => {
  const answer = await open().ask('GET', '/api/v1/cluster');
  assert.deepEqual([answer.statusCode, answer.json().code], [500, 'INTERNAL']);
  assert.doesNotMatch(answer.body, /a bug\b(?! of)/);
});
