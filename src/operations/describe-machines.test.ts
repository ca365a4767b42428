import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleNode } from '../../test/fixtures/docker-objects.ts';
import { fullCluster } from '../../test/fixtures/example-clusters.ts';
import type { ObservedService } from '../engine/cluster-state.ts';
import { buildStack } from '../stack/build-stack.ts';
import { describeMachines, type MachineSurvey } from './describe-machines.ts';

const node = (id: string, hostname: string, ready = true) =>
  exampleNode(id, { hostname, ready, manager: id === 'node1' });

function survey(changes: Partial<MachineSurvey> = {}): MachineSurvey {
  const { desired, plan } = fullCluster;
  return {
    conductorId: 'node1',
    nodes: [node('node2', 'a-small'), node('node1', 'big')],
    state: { projectId: desired.projectId, services: [] },
    stack: buildStack(desired, plan, { bootstrap: 'x' }),
    plan,
    ...changes,
  };
}

const observed = (name: string, machineId: string): ObservedService =>
  ({
    name,
    machineId: null,
    tasks: [{ desiredState: 'running', state: 'running', machineId }],
  }) as unknown as ObservedService;

test('the conductor first, each container where the plan puts it, with its share', () => {
  const machines = describeMachines(survey(), [{ name: 'web', state: 'ready', detail: '' }], []);
  assert.deepEqual(
    machines.map(({ name, conductor }) => [name, conductor]),
    [
      ['big', true],
      ['a-small', false],
    ],
  );
  const [big, small] = machines;
  assert.deepEqual(
    small?.containers.map(({ service }) => service),
    ['spark-worker-2', 'datanode-2'],
  );
  const web = big?.containers.find(({ service }) => service === 'web');
  assert.deepEqual([web?.state, web?.cores, web?.memoryMiB, web?.coresUsed], ['ready', 0, 224, null]);
  const worker = small?.containers[0];
  assert.deepEqual([worker?.cores, worker?.component, worker?.state], [4, 'spark-worker', 'missing']);
});

test('every driver of parallel runs is a container of its own, with what it uses', () => {
  const load = { component: 'spark-driver', cpuSeconds: 9, memoryLimitBytes: 0 };
  const [big] = describeMachines(
    survey(),
    [],
    [
      { ...load, service: 'spark-driver', replica: 2, coresUsed: 1.5, memoryBytes: 300 * 1024 ** 2 },
      { ...load, service: 'gone', replica: 1, coresUsed: 1, memoryBytes: 1 },
    ],
  );
  const drivers = big?.containers.filter(({ service }) => service === 'spark-driver');
  assert.deepEqual(
    drivers?.map(({ coresUsed, memoryUsedMiB }) => [coresUsed, memoryUsedMiB]),
    [
      [null, null],
      [1.5, 300],
    ],
  );
});

test('a container that Swarm moved is drawn where it is, a machine that is away is shown without being reachable', () => {
  const moved = survey({
    nodes: [node('node1', 'big'), node('node2', 'small', false)],
    state: { projectId: 'p', services: [observed('spark-worker-2', 'node1')] },
  });
  const [big, small] = describeMachines(moved, [], []);
  assert.ok(big?.containers.some(({ service }) => service === 'spark-worker-2'));
  assert.ok(!small?.containers.some(({ service }) => service === 'spark-worker-2'));
  assert.equal(small?.reachable, false);
});

test('a machine that has just joined is there, still empty', () => {
  const machines = describeMachines(survey({ nodes: [node('node1', 'big'), node('node9', 'new')] }), [], []);
  assert.deepEqual([machines[1]?.name, machines[1]?.containers, machines[1]?.reservedMiB], ['new', [], 0]);
});

test('what is no longer planned is shown where it stands until it is gone', () => {
  const { state } = survey();
  const leaving = { ...observed('datanode-9', 'node2'), component: 'datanode', memoryLimitMiB: 256 };
  const machines = describeMachines(survey({ state: { ...state, services: [leaving] } }), [], []);
  const shown = machines.find(({ name }) => name === 'a-small')?.containers.at(-1);
  assert.deepEqual([shown?.service, shown?.state, shown?.memoryMiB], ['datanode-9', 'ready', 256]);
  const nodes = [node('node1', 'big'), node('node2', 'a-small', false)];
  const [, small] = describeMachines(survey({ nodes, state: { ...state, services: [leaving] } }), [], []);
  assert.equal(small?.containers.at(-1)?.state, 'away');
});
