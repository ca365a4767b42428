import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleEngine, exampleNode, exampleService, exampleTaskOf } from '../../test/fixtures/docker-objects.ts';
import type { ServiceInspect, SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import { labels } from './labels.ts';
import { observeCluster } from './observe-cluster.ts';
import { swarmMachines } from './swarm-machines.ts';

const service = (id: string, own: Record<string, string>) => exampleService({ id, name: `x_${id}`, labels: own });

function task(serviceId: string, changes: Partial<TaskInspect> = {}): TaskInspect {
  const own = { id: `task-${serviceId}`, nodeId: 'n1', labels: { [labels.spec]: 'abc' } };
  return exampleTaskOf(exampleService({ id: serviceId }), {
    ...own,
    reservations: { cores: 0, memoryMiB: 512 },
    ...changes,
  });
}

const node = (id: string, changes: Partial<SwarmNode> = {}) => exampleNode(id, { memoryMiB: 8000, ...changes });

interface Content {
  readonly services: readonly ServiceInspect[];
  readonly tasks: readonly TaskInspect[];
  readonly nodes?: readonly SwarmNode[];
}

function fakeDocker({ services, tasks, nodes = [node('n1')] }: Content) {
  const info = exampleEngine({ swarm: { state: 'active', nodeId: 'n1', manager: true, error: '' } });
  return {
    info: async () => info,
    nodes: async () => nodes,
    services: async (filter: Readonly<Record<string, string | null>>) =>
      services.filter((one) => Object.entries(filter).every(([label, value]) => one.labels[label] === value)),
    tasks: async (ids: readonly string[]) => tasks.filter((one) => ids.includes(one.serviceId)),
  };
}

const mine = {
  [labels.project]: 'demo-a1b2c3',
  [labels.service]: 'datanode-1',
  [labels.component]: 'datanode',
  [labels.spec]: 'abc',
  [labels.machine]: 'n1',
  'com.docker.stack.namespace': 'x',
};

test("a project's services with their tasks, newest first; nobody else's", async () => {
  const services = [service('s1', mine), service('s2', { [labels.project]: 'other-d4e5f6' })];
  const older = task('s1', { id: 'older', createdAt: '2025-12-31T00:00:00Z', state: 'failed' });
  const state = await observeCluster(fakeDocker({ services, tasks: [older, task('s1'), task('s2')] }), 'demo-a1b2c3');
  assert.deepEqual(
    state.services.map((one) => [one.name, one.component, one.specHash, one.namespace, one.machineId, one.replicas]),
    [['datanode-1', 'datanode', 'abc', 'x', 'n1', 1]],
  );
  assert.deepEqual(
    state.services[0]?.tasks.map((one) => [one.id, one.specHash]),
    [
      ['task-s1', 'abc'],
      ['older', 'abc'],
    ],
  );
});

test('a project that has nothing is an empty state', async () => {
  const state = await observeCluster(fakeDocker({ services: [], tasks: [] }), 'demo-a1b2c3');
  assert.deepEqual(state, { projectId: 'demo-a1b2c3', services: [] });
});

test("a Swarm of one is shared with its user; others' running reservations count, no other ones", async () => {
  const services = [service('s1', mine), service('s2', { [labels.project]: 'other-d4e5f6' }), service('s3', {})];
  const tasks = [
    task('s1'),
    task('s2'),
    task('s3'),
    task('s3', { desiredState: 'shutdown' }),
    task('s3', { nodeId: 'n2' }),
  ];
  assert.deepEqual(await swarmMachines(fakeDocker({ services, tasks }), 'demo-a1b2c3'), [
    {
      id: 'n1',
      name: 'n1',
      cores: 4,
      memoryMiB: 8000,
      othersMemoryMiB: 1024,
      conductor: true,
      shared: true,
      storage: true,
      state: 'ready',
    },
  ]);
});

test('a Swarm of one that was made for further machines stays no computer shared with its user', async () => {
  const nodes = [node('n1', { labels: { [labels.reachableSwarm]: 'yes' } })];
  const [machine] = await swarmMachines(fakeDocker({ services: [], tasks: [], nodes }), 'demo-a1b2c3');
  assert.equal(machine?.shared, false);
});

test('several machines: in a stable order, each with its state, none shared', async () => {
  const nodes = [
    node('n3', { hostname: 'a', manager: false }),
    node('n1', { hostname: 'b' }),
    node('n2', { hostname: 'a' }),
    node('n4', { ready: false }),
    node('n5', { active: false }),
  ];
  const machines = await swarmMachines(fakeDocker({ services: [], tasks: [], nodes }), 'demo-a1b2c3');
  assert.deepEqual(
    machines.map((machine) => [machine.id, machine.conductor, machine.shared, machine.state]),
    [
      ['n2', false, false, 'ready'],
      ['n3', false, false, 'ready'],
      ['n1', true, false, 'ready'],
      ['n4', false, false, 'away'],
      ['n5', false, false, 'drained'],
    ],
  );
});
