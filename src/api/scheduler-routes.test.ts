import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import { checkSharedSecret } from './access.ts';
import { registerSchedulerRoutes, type SchedulerDesk } from './scheduler-routes.ts';
import type { Operation, Run } from './schemas.ts';
import { createApp } from './web-app.ts';

const run: Run = {
  id: 'predict-1-abcd',
  job: 'predict',
  state: 'succeeded',
  args: [],
  trigger: 'rest',
  image: 'app:1',
  imageDigest: null,
  queuedAt: 'now',
  startedAt: null,
  finishedAt: null,
  exitCode: 0,
  failure: null,
  waiting: null,
  attempts: [],
  progress: null,
  published: {},
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
      return [run];
    },
    run: (id) => {
      if (id !== run.id) throw new SparkPlugError('RUN_UNKNOWN', `there is no run ${id}`, { hint: 'sparkplug runs' });
      return run;
    },
    runLog: async () => Readable.from(['one\n', 'two\n']),
    followRun: async function* (_id, from) {
      asked.push({ from });
      yield { seq: 5, event: { kind: 'log', line: 'a\nb' } };
      yield { seq: 6, event: { kind: 'end', run } };
    },
    cancelRun: () => run,
    events: (limit) => [{ seq: 1, at: 'now', kind: 'run', message: `${limit}` }],
    results: () => [],
    ...changes,
  };
  const app = createApp({
    log: () => undefined,
    admit: (request) => {
      if (request.routeOptions.config?.open !== true) checkSharedSecret(request.headers.authorization, 'secret');
    },
  });
  registerSchedulerRoutes(app, desk);
  const ask = (method: 'GET' | 'PUT' | 'POST', url: string, options: { payload?: object; headers?: object } = {}) =>
    app.inject({ method, url, ...options, headers: { authorization: 'Bearer secret', ...options.headers } });
  return { app, ask, asked };
}

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
    payload: { a: 1 },
    headers: { 'if-match': '"7"' },
  });
  assert.deepEqual([answer.statusCode, answer.json()], [202, { operation: 'op-1' }]);
  assert.deepEqual(asked, [{ desired: { a: 1 }, ifMatch: 7, now: true }]);
  const unchanged = open({ submitDesired: async () => ({ kind: 'unchanged', revision: 4 }) });
  const same = await unchanged.ask('PUT', '/api/v1/cluster/desired', { payload: {} });
  assert.deepEqual([same.statusCode, same.json()], [200, { revision: 4, unchanged: true }]);
  assert.equal(
    (await ask('PUT', '/api/v1/cluster/desired', { payload: {}, headers: { 'if-match': 'x' } })).statusCode,
    400,
  );
});

test('conflicts have their status and code', async () => {
  const refuse = (code: 'REVISION_CONFLICT' | 'CLUSTER_BUSY') =>
    open({
      submitDesired: async () => {
        throw new SparkPlugError(code, 'no');
      },
    }).ask('PUT', '/api/v1/cluster/desired', { payload: {} });
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
  const events = await ask('GET', `/api/v1/runs/${run.id}/events?from=3`);
  assert.match(String(events.headers['content-type']), /text\/event-stream/);
  assert.match(events.body, /id: 5\nevent: log\ndata: {"kind":"log","line":"a\\nb"}\n\nid: 6\nevent: end\ndata: /);
  await ask('GET', `/api/v1/runs/${run.id}/events?from=3`, { headers: { 'last-event-id': '9' } });
  assert.deepEqual(asked, [{ from: 3 }, { from: 10 }]);
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
