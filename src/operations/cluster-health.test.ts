import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterState } from '../engine/cluster-state.ts';
import type { Component } from '../plan/cluster-plan.ts';
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';
import { assessHealth, type HealthFacts } from './cluster-health.ts';

const names: readonly (readonly [string, Component])[] = [
  ['web', 'web'],
  ['scheduler', 'scheduler'],
  ['spark-driver', 'spark-driver'],
  ['spark-master', 'spark-master'],
  ['namenode', 'namenode'],
  ['checkpointer', 'checkpointer'],
  ['spark-worker-1', 'spark-worker'],
  ['datanode-1', 'datanode'],
];
const nowMs = Date.parse('2026-03-01T12:00:00Z');

function createStack(): StackSpec {
  const services = names.map(
    ([name, component]) => ({ name, component, replicas: 1, hash: `hash-${name}` }) as unknown as ServiceSpec,
  );
  return { projectId: 'p', namespace: 'p', services, configs: [], secrets: [], volumes: [], networks: [] };
}

function createState(failing: string | null = null): ClusterState {
  const createdAt = new Date(nowMs - 1000).toISOString();
  const services = names.map(([name, component]) => ({
    name,
    component,
    specHash: `hash-${name}`,
    tasks:
      name === failing
        ? [1, 2, 3].map((id) => ({
            id: `${id}`,
            state: 'failed',
            desiredState: 'shutdown',
            error: 'exit 1',
            createdAt,
          }))
        : [{ id: 't', state: 'running', desiredState: 'running', specHash: `hash-${name}`, error: null, createdAt }],
  }));
  return { projectId: 'p', services } as unknown as ClusterState;
}

const gib = 1024 ** 3;
const namenode = {
  safeMode: false,
  live: [
    { host: 'datanode-1', address: '10.2.0.8', adminState: 'In Service', capacityBytes: gib, remainingBytes: gib },
  ],
  capacityBytes: 100 * gib,
  usedBytes: 10 * gib,
  remainingBytes: 60 * gib,
  missingBlocks: 0,
  underReplicatedBlocks: 0,
  corruptBlocks: 0,
  dead: [],
  staleStorages: 0,
};
const master = {
  status: 'ALIVE',
  workers: [{ id: 'w', host: '10.2.0.9', alive: true, cores: 2, coresUsed: 1, memoryMiB: 4096, memoryUsedMiB: 1024 }],
  applications: [],
};

function facts(changes: Partial<HealthFacts> = {}): HealthFacts {
  return {
    stack: createStack(),
    state: createState(),
    nowMs,
    replication: 2,
    namenode,
    master,
    webAnswers: true,
    addresses: new Map([
      ['spark-worker-1', '10.2.0.9'],
      ['datanode-1', '10.2.0.8'],
    ]),
    away: new Map(),
    ...changes,
  };
}

function states(changes: Partial<HealthFacts>): Record<string, string> {
  const { components } = assessHealth(facts(changes));
  return Object.fromEntries(
    components.filter(({ state }) => state !== 'ready').map(({ name, state }) => [name, state]),
  );
}

test('everything answers: ready, with the numbers of Spark and HDFS', () => {
  const health = assessHealth(facts());
  assert.equal(health.ready, true);
  assert.deepEqual(health.warnings, []);
  assert.deepEqual(health.spark, { workers: 1, cores: 2, coresUsed: 1, memoryMiB: 4096, memoryUsedMiB: 1024 });
  assert.equal(health.hdfs?.capacityMiB, 102_400);
});

test('nothing waits for the history server', () => {
  const service = { name: 'history', component: 'history', replicas: 1, hash: 'h' } as unknown as ServiceSpec;
  const stack = { ...createStack(), services: [...createStack().services, service] };
  const health = assessHealth(facts({ stack }));
  assert.equal(health.ready, true);
  assert.equal(health.components.find(({ name }) => name === 'history')?.state, 'missing');
});

test('what is on a machine that is away is not waited for, and the machine is named', () => {
  const services = createStack().services.map((one) => ({
    ...one,
    machineId: one.name === 'datanode-1' ? 'far' : null,
  }));
  const live = { ...namenode, live: [] };
  const away = new Map([['far', { name: 'store-2', reason: 'does not answer' }]]);
  const health = assessHealth(facts({ stack: { ...createStack(), services }, namenode: live, away }));
  assert.equal(health.ready, true);
  assert.deepEqual(
    health.components.find(({ name }) => name === 'datanode-1'),
    { name: 'datanode-1', state: 'away', detail: 'store-2 does not answer' },
  );
  assert.deepEqual(health.warnings, [
    'store-2 does not answer, and with it datanode-1; start it again, or let it go: sparkplug machine remove store-2',
  ]);
  assert.equal(assessHealth(facts({ stack: { ...createStack(), services }, namenode: live })).ready, false);
});

test('a running container that does not answer is only starting', () => {
  assert.deepEqual(states({ namenode: null }), { namenode: 'starting', 'datanode-1': 'starting' });
  assert.deepEqual(states({ master: null }), { 'spark-master': 'starting', 'spark-worker-1': 'starting' });
  assert.deepEqual(states({ webAnswers: false }), { web: 'starting' });
  assert.deepEqual(states({ namenode: { ...namenode, safeMode: true } }), { namenode: 'starting' });
  assert.deepEqual(states({ master: { ...master, status: 'RECOVERING' } }), { 'spark-master': 'starting' });
});

test('a worker or DataNode of which only the one before it is registered is not ready', () => {
  const changed = (name: string, address: string) => new Map([...facts().addresses, [name, address]]);
  assert.deepEqual(states({ addresses: changed('spark-worker-1', '10.2.0.77') }), { 'spark-worker-1': 'starting' });
  assert.deepEqual(states({ addresses: changed('datanode-1', '10.2.0.77') }), { 'datanode-1': 'starting' });
  assert.deepEqual(states({ addresses: new Map() }), { 'spark-worker-1': 'starting', 'datanode-1': 'starting' });
  assert.deepEqual(states({ namenode: { ...namenode, live: [] } }), { 'datanode-1': 'starting' });
});

test('crash loops and missing services have their own names', () => {
  assert.deepEqual(states({ state: createState('checkpointer') }), { checkpointer: 'failing' });
  const state = createState();
  const services = state.services.filter(({ name }) => name !== 'checkpointer');
  assert.deepEqual(states({ state: { ...state, services } }), { checkpointer: 'missing' });
});

test("the drivers' image follows the runs: another definition is no fault", () => {
  const state = createState();
  const services = state.services.map((one) => (one.name === 'spark-driver' ? { ...one, specHash: 'older' } : one));
  assert.deepEqual(states({ state: { ...state, services } }), {});
});

test('warnings: one copy, lost and missing copies, a full disk', () => {
  const sick = { ...namenode, missingBlocks: 2, underReplicatedBlocks: 5, remainingBytes: 5 * gib };
  const { warnings } = assessHealth(facts({ replication: 1, namenode: sick }));
  assert.equal(warnings.length, 4);
  assert.match(warnings.join('\n'), /one copy.*2 blocks.*no live copy.*5 blocks.*5120 MiB left/s);
});
