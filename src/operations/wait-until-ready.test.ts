import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterStatus } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { describeMissing, waitUntilReady } from './wait-until-ready.ts';

const status = (ready: boolean, details: Readonly<Record<string, string>>): ClusterStatus => ({
  projectId: 'shop-abc123',
  version: '0.1.0',
  revision: 1,
  ready,
  components: Object.entries(details).map(([name, detail]) => ({
    name,
    state: detail === '' ? 'ready' : 'starting',
    detail,
  })),
  spark: null,
  hdfs: null,
  runs: { queued: 0, running: 0 },
  operation: null,
  overrides: [],
  warnings: [],
});

const docker = {
  services: async () => [],
  tasks: async () => [],
  async *logs() {},
};

function wait(answers: readonly (ClusterStatus | SparkPlugError)[], timeoutMs: number) {
  let asked = 0;
  const api = {
    clusterStatus: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      if (answer === undefined || answer instanceof SparkPlugError) throw answer;
      return answer;
    },
  };
  const { signal } = new AbortController();
  return waitUntilReady({ api, docker, projectId: 'shop-abc123', report: () => {}, signal, timeoutMs });
}

test('silence while web starts is waited for; the first ready answer ends the wait', async () => {
  const away = new SparkPlugError('CLUSTER_UNREACHABLE', 'away');
  const ready = await wait([away, status(false, { namenode: 'in safe mode' }), status(true, { namenode: '' })], 10_000);
  assert.equal(ready.ready, true);
});

test('an answer that waiting does not change is an error at once', async () => {
  await assert.rejects(wait([new SparkPlugError('AUTH_REQUIRED', 'no')], 10_000), { code: 'AUTH_REQUIRED' });
});

test('after the limit the error lists what was missing', async () => {
  await assert.rejects(wait([status(false, { namenode: 'in safe mode', web: '' })], 50), (error) => {
    assert.ok(error instanceof SparkPlugError);
    assert.equal(error.code, 'CLUSTER_NOT_READY');
    assert.deepEqual(error.problems, [{ place: 'namenode', met: 'starting', message: 'in safe mode' }]);
    return true;
  });
});

test('a history server that fails again and again does not end the wait', async () => {
  const failed = {
    desiredState: 'shutdown',
    state: 'failed',
    createdAt: new Date().toISOString(),
    slot: 1,
    exitCode: 1,
  };
  const crashing = (name: string) => ({
    services: async () => [{ id: name, name: `x_${name}`, labels: { 'sparkplug.service': name }, limits: {} }],
    tasks: async () => ['a', 'b', 'c'].map((id) => ({ ...failed, id, serviceId: name, labels: {} })),
    async *logs() {},
  });
  const waitFor = (name: string) =>
    waitUntilReady({
      api: { clusterStatus: async () => status(false, { [name]: 'failed' }) },
      docker: crashing(name) as unknown as typeof docker,
      projectId: 'shop-abc123',
      report: () => {},
      signal: new AbortController().signal,
      timeoutMs: 4_000,
    });
  const outcomes = await Promise.allSettled([waitFor('namenode'), waitFor('history')]);
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'ready'));
  assert.deepEqual(codes, ['COMPONENT_CRASHING', 'CLUSTER_NOT_READY']);
});

test('what is missing in one line', () => {
  assert.equal(describeMissing(null), 'web and scheduler do not answer yet');
  const missing = { web: '', history: 'starting', namenode: 'in safe mode' };
  assert.equal(describeMissing(status(false, missing)), 'namenode (in safe mode)');
});
