import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedService, ObservedTask } from '../engine/cluster-state.ts';
import { SparkPlugError } from '../errors.ts';
import { describeByDocker, explainSilentEngine } from './status.ts';

const nowMs = Date.parse('2026-01-01T00:01:00Z');

const task = (state: string, error: string | null = null): ObservedTask => ({
  id: 't',
  state,
  desiredState: state === 'running' ? 'running' : 'shutdown',
  error,
  containerId: null,
  exitCode: null,
  machineId: null,
  specHash: '',
  createdAt: '2026-01-01T00:00:30Z',
});

const service = (name: string, tasks: readonly ObservedTask[]): ObservedService => ({
  id: name,
  name,
  component: name,
  specHash: '',
  image: '',
  namespace: '',
  memoryLimitMiB: 0,
  replicas: 1,
  machineId: null,
  tasks,
});

test('without a conductor nothing is called ready, and a crash loop is called failing', () => {
  const dead = task('failed', 'task: non-zero exit (1)');
  const report = describeByDocker(
    'shop-abc123',
    [service('web', [task('starting'), dead, dead, dead]), service('namenode', [task('running')]), service('x', [])],
    nowMs,
  );
  assert.equal(report.ready, false);
  assert.equal(report.reachable, false);
  assert.deepEqual(
    report.components.map(({ name, state }) => [name, state]),
    [
      ['web', 'failing'],
      ['namenode', 'starting'],
      ['x', 'missing'],
    ],
  );
});

test('with the engine stopped as well the cluster cannot be reached: exit 3, with the fix of the engine', () => {
  const cause = new SparkPlugError('DOCKER_NOT_RUNNING', 'the Docker engine does not answer', { hint: 'start it' });
  const error = explainSilentEngine(cause);
  assert.ok(error instanceof SparkPlugError);
  assert.deepEqual([error.code, error.exitCode, error.hint], ['CLUSTER_UNREACHABLE', 3, 'start it']);
  assert.match(error.message, /the Docker engine does not answer \(DOCKER_NOT_RUNNING\)/);
  const other = new SparkPlugError('DOCKER_FAILED', 'no');
  assert.equal(explainSilentEngine(other), other);
});
