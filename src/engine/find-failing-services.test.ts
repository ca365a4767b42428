import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleTask, stateOf } from '../../test/fixtures/cluster-states.ts';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import { buildStack } from '../stack/build-stack.ts';
import type { ClusterState, ObservedTask } from './cluster-state.ts';
import { describeReadiness } from './describe-readiness.ts';
import { findFailingServices } from './find-failing-services.ts';

const stack = buildStack(defaultCluster.desired, defaultCluster.plan, { bootstrap: null });
const now = Date.parse('2026-01-01T00:10:00Z');

function stateWith(service: string, tasks: readonly ObservedTask[]): ClusterState {
  const state = stateOf(stack);
  return {
    ...state,
    services: state.services.map((one) => (one.name === service ? { ...one, tasks } : one)),
  };
}

function failedAt(time: string, changes: Partial<ObservedTask> = {}): ObservedTask {
  const createdAt = `2026-01-01T00:${time}Z`;
  const error = 'task: non-zero exit (1)';
  return exampleTask({ state: 'failed', desiredState: 'shutdown', error, exitCode: 1, createdAt, ...changes });
}

test('three recent failures are a crash loop, though the fourth task runs', () => {
  const running = exampleTask({ createdAt: '2026-01-01T00:09:59Z' });
  const tasks = [running, failedAt('09:50', { containerId: 'newest' }), failedAt('09:40'), failedAt('09:30')];
  assert.deepEqual(findFailingServices(stateWith('namenode', tasks), now), [
    { service: 'namenode', failures: 3, error: 'task: non-zero exit (1)', containerId: 'newest' },
  ]);
});

test('one or two failures, or old ones, are none', () => {
  const twice = [exampleTask({}), failedAt('09:50'), failedAt('09:40')];
  assert.deepEqual(findFailingServices(stateWith('namenode', twice), now), []);
  const old = [exampleTask({}), failedAt('03:00'), failedAt('02:50'), failedAt('02:40')];
  assert.deepEqual(findFailingServices(stateWith('namenode', old), now), []);
});

test('a container that stays ends the loop, whatever failed shortly before', () => {
  const failed = [failedAt('09:30'), failedAt('09:20'), failedAt('09:10')];
  const stays = exampleTask({ createdAt: '2026-01-01T00:09:40Z' });
  assert.deepEqual(findFailingServices(stateWith('namenode', [stays, ...failed]), now), []);
});

test("a driver's failures are its jobs', unless its container cannot even be made", () => {
  const failed = [failedAt('09:50'), failedAt('09:40'), failedAt('09:30')];
  assert.deepEqual(findFailingServices(stateWith('spark-driver', failed), now), []);
  const error = 'No such image: sparkplug/demo-driver:5555';
  const rejected = failed.map((task) => ({ ...task, state: 'rejected', containerId: null, error }));
  assert.deepEqual(findFailingServices(stateWith('spark-driver', rejected), now), [
    { service: 'spark-driver', failures: 3, error, containerId: null },
  ]);
});

test('readiness: all started', () => {
  const readiness = describeReadiness(stateOf(stack), stack, now);
  assert.equal(readiness.started, true);
  assert.ok(readiness.services.every((service) => service.detail === '1 running'));
});

test('readiness says of each service what it waits for', () => {
  const error = 'no suitable node (insufficient resources on 1 node)';
  const pending = exampleTask({ state: 'pending', error, containerId: null });
  const state = stateWith('spark-worker-1', [pending]);
  const services = state.services
    .filter((service) => service.name !== 'web')
    .map((service) => (service.name === 'datanode-1' ? { ...service, specHash: 'older' } : service))
    .map((service) => (service.name === 'checkpointer' ? { ...service, tasks: [] } : service))
    .map((service) =>
      service.name === 'namenode' ? { ...service, tasks: [exampleTask({ specHash: 'older' })] } : service,
    );
  const readiness = describeReadiness({ ...state, services }, stack, now);
  assert.equal(readiness.started, false);
  assert.deepEqual(
    readiness.services.filter((service) => service.state !== 'started'),
    [
      { service: 'web', state: 'missing', detail: 'not deployed' },
      { service: 'namenode', state: 'starting', detail: 'still to be replaced' },
      { service: 'checkpointer', state: 'starting', detail: 'no task yet' },
      { service: 'spark-worker-1', state: 'starting', detail: error },
      { service: 'datanode-1', state: 'starting', detail: 'runs an older definition' },
    ],
  );
});

test('readiness of a crash loop is not "running"', () => {
  const tasks = [
    exampleTask({ createdAt: '2026-01-01T00:09:59Z' }),
    failedAt('09:50'),
    failedAt('09:40'),
    failedAt('09:30'),
  ];
  const readiness = describeReadiness(stateWith('web', tasks), stack, now);
  const [web] = readiness.services;
  assert.deepEqual(web, { service: 'web', state: 'failing', detail: 'failed 3 times: task: non-zero exit (1)' });
});
