import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { exampleEngine, exampleNode, exampleService, exampleTaskOf } from '../../test/fixtures/docker-objects.ts';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { ServiceInspect } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import { createChangeSignal } from '../runs/change-signal.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { createClusterStore } from '../runs/state/cluster-store.ts';
import { openDatabase } from '../runs/state/database.ts';
import type { DrainParts } from './carry-out-drains.ts';
import type { ComponentProbes } from './cluster-health.ts';
import { createLiveCluster } from './live-cluster.ts';
import { createFakeNameNode } from './name-node.fixture.ts';

const { desired } = defaultCluster;

const errors: Readonly<Record<string, string>> = {
  failed: 'task: non-zero exit (1)',
  rejected: 'No such image: x',
};

/** A Swarm of one machine whose tasks are all in one state. */
function createSwarm(taskState: () => string, now: () => number) {
  let services: ServiceInspect[] = [];
  let deploys = 0;
  const toTask = (service: ServiceInspect, slot: number) =>
    exampleTaskOf(service, {
      ...{ id: `${service.id}.${slot}`, slot, state: taskState(), error: errors[taskState()] ?? null },
      createdAt: new Date(now()).toISOString(),
    });
  const docker = {
    info: async () => exampleEngine(),
    nodes: async () => [exampleNode('node1')],
    services: async (filter: Readonly<Record<string, string | null>>) =>
      services.filter(({ labels }) => Object.entries(filter).every(([name, value]) => labels[name] === value)),
    tasks: async (ids: readonly string[]) =>
      services
        .filter(({ id }) => ids.includes(id))
        .flatMap((service) => [1, 2, 3].map((slot) => toTask(service, slot))),
    stackDeploy: async ({ namespace, composeFile }: { namespace: string; composeFile: string }) => {
      deploys += 1;
      const compose = parse(readFileSync(composeFile, 'utf8'), { version: '1.1' });
      services = Object.entries<{ image: string; deploy: { labels: Record<string, string> } }>(compose.services).map(
        ([id, { image, deploy }]) => {
          const labels = { ...deploy.labels, 'com.docker.stack.namespace': namespace };
          return exampleService({ id, name: id, image, labels });
        },
      );
    },
    configs: async () => [],
    removeConfig: async () => undefined,
    secrets: async () => [],
    removeSecret: async () => undefined,
    restartService: async () => undefined,
  };
  const lose = (name: string): void => {
    services = services.filter(({ id }) => id !== name);
  };
  const has = (name: string): boolean => services.some(({ id }) => id === name);
  return { docker, lose, has, deploys: () => deploys };
}

/** A NameNode with three DataNodes, workers without executors, and volumes. */
function createFakeDrains() {
  const names = ['datanode-1', 'datanode-2', 'datanode-3'];
  const nameNode = createFakeNameNode(names);
  const calls: string[] = [];
  const parts: DrainParts = {
    nameNode: nameNode.admin,
    host: {
      signal: async (service, signal) => {
        calls.push(`${signal} ${service}`);
        return 'sent';
      },
    },
    runningExecutors: async () => 0,
    removeVolume: async (machineId, volume) => {
      calls.push(`remove ${volume} on ${machineId}`);
      if (calls.includes('volumes are stuck')) throw new SparkPlugError('DOCKER_FAILED', 'in use');
    },
  };
  return { parts, nameNode, calls };
}

function open(taskState: () => string = () => 'running') {
  const clock = createFakeClock();
  const swarm = createSwarm(taskState, () => clock.now());
  const database = openDatabase(join(mkdtempSync(join(tmpdir(), 'sparkplug-live-')), 'state.db'));
  const store = createClusterStore(database, createChangeSignal());
  const shutdown = new AbortController().signal;
  const node = { host: '10.0.0.1', address: '10.0.0.1', adminState: 'In Service', capacityBytes: 1, remainingBytes: 1 };
  const worker = { id: 'w', host: '10.0.0.1', alive: true, cores: 1, coresUsed: 0, memoryMiB: 1, memoryUsedMiB: 0 };
  const probes: ComponentProbes = {
    namenode: async () => ({
      safeMode: false,
      live: [node],
      capacityBytes: 1,
      usedBytes: 0,
      remainingBytes: 1,
      missingBlocks: 0,
      underReplicatedBlocks: 0,
      corruptBlocks: 0,
      dead: [],
      staleStorages: 0,
    }),
    master: async () => ({ status: 'ALIVE', workers: [worker], applications: [] }),
    web: async () => true,
    address: async () => '10.0.0.1',
  };
  const { projectId } = desired;
  const drains = createFakeDrains();
  const cluster = createLiveCluster({
    docker: { ...swarm.docker, removeNode: async () => undefined },
    drains: drains.parts,
    store,
    probes,
    clock,
    projectId,
    shutdown,
  });
  const progress = {
    report: () => undefined,
    waitUntilIdle: async () => undefined,
    letRunsStart: <T>(work: () => Promise<T>) => work(),
    look: async () => ({ driverImage: null, runActive: false }),
    signal: shutdown,
  };
  return { swarm, store, clock, cluster, progress, drains };
}

const change = { desired, driverImage: null, runActive: false, now: false, force: false, defer: false };

/** A changed scheduler is given a minute to be replaced: the clock is turned past it. */
async function finish(work: Promise<void>, clock: ReturnType<typeof createFakeClock>): Promise<void> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  ended.catch(() => undefined);
  while (!done) {
    await settle();
    await clock.advance(20_000);
  }
  await ended;
}

test('a deploy is waited for, its stack remembered, and then nothing differs', async () => {
  const { swarm, store, clock, cluster, progress } = open();
  assert.equal((await cluster.health(1, desired)).ready, false);
  assert.equal(await cluster.driverImage(), null);
  await finish(cluster.apply(change, progress), clock);
  assert.equal((await cluster.health(1, desired)).ready, true);
  assert.equal(await cluster.driverImage(), desired.images.driver);
  assert.deepEqual(await cluster.compare(change), []);
  assert.equal(JSON.parse(store.setting('stack') ?? '').projectId, desired.projectId);
  swarm.lose('checkpointer');
  assert.deepEqual(await cluster.compare(change), ['create checkpointer: not there yet']);
});

test("a run's image changes the drivers alone, and is no difference while it is asked for", async () => {
  const { swarm, clock, cluster, progress } = open();
  await finish(cluster.apply(change, progress), clock);
  const deploys = swarm.deploys();
  const other = { ...change, driverImage: 'app:other' };
  await finish(cluster.apply(other, progress), clock);
  assert.deepEqual([swarm.deploys() - deploys, await cluster.driverImage()], [1, 'app:other']);
  assert.deepEqual(await cluster.compare(other), []);
  assert.equal((await cluster.compare(change)).length, 1);
});

test('a service that fails again and again ends the change', async () => {
  const { clock, cluster, progress } = open(() => 'failed');
  await assert.rejects(finish(cluster.apply(change, progress), clock), { code: 'COMPONENT_CRASHING' });
});

test('an image that cannot be pulled is no crash: it is waited for a while, then the machine is named', async () => {
  const { clock, cluster, progress } = open(() => 'rejected');
  const startedAt = clock.now();
  await assert.rejects(finish(cluster.apply(change, progress), clock), {
    code: 'MACHINE_UNUSABLE',
    message: /cannot pull the image of .*: failed 3 times: No such image: x/,
    hint: /logs registry/,
  });
  assert.ok(clock.now() - startedAt >= 60_000);
});

test('one that never answers ends it after five minutes', async () => {
  const { clock, cluster, progress } = open(() => 'starting');
  await assert.rejects(finish(cluster.apply(change, progress), clock), { code: 'CLUSTER_NOT_READY' });
});

const withHdfs = (datanodes: number, replication: 'auto' | number = 'auto') => ({
  ...change,
  desired: { ...desired, config: { ...desired.config, hdfs: { datanodes, replication } } },
});

test('fewer DataNodes: drained, removed, their volumes gone and their names free again', async () => {
  const { swarm, store, clock, cluster, progress, drains } = open();
  await finish(cluster.apply(withHdfs(3), progress), clock);
  drains.nameNode.files.push({ path: '/a', replication: 2, bytes: 1, holders: new Set(['datanode-3', 'datanode-2']) });
  await finish(cluster.apply(withHdfs(2), progress), clock);
  assert.deepEqual([...(drains.nameNode.files[0]?.holders ?? [])].sort(), ['datanode-1', 'datanode-2', 'datanode-3']);
  assert.deepEqual(drains.calls, [`remove ${desired.projectId}_datanode-3 on node1`]);
  assert.deepEqual([drains.nameNode.entries, store.setting('leaving')], [[], null]);
  assert.equal(swarm.has('datanode-3'), false);
  await finish(cluster.apply(withHdfs(3), progress), clock);
  assert.deepEqual([drains.nameNode.files[0]?.replication, swarm.has('datanode-3')], [3, true]);
});

test('broken off before the volume was gone, the next change clears it away', async () => {
  const { store, clock, cluster, progress, drains } = open();
  await finish(cluster.apply(withHdfs(3), progress), clock);
  drains.calls.push('volumes are stuck');
  await assert.rejects(finish(cluster.apply(withHdfs(2), progress), clock), { code: 'DOCKER_FAILED' });
  assert.equal(store.setting('leaving'), '["datanode-3"]');
  drains.calls.length = 0;
  await finish(cluster.apply(withHdfs(2), progress), clock);
  assert.deepEqual(drains.calls, [`remove ${desired.projectId}_datanode-3 on node1`]);
  assert.deepEqual([drains.nameNode.entries, store.setting('leaving')], [[], null]);
});

test('one that stays after all is put back in service', async () => {
  const { store, clock, cluster, progress, drains } = open();
  await finish(cluster.apply(withHdfs(3), progress), clock);
  drains.nameNode.files.push({ path: '/a', replication: 2, bytes: 1, holders: new Set(['datanode-3', 'datanode-2']) });
  drains.nameNode.failAfter = 7;
  await assert.rejects(finish(cluster.apply(withHdfs(2), progress), clock), /killed/);
  drains.nameNode.failAfter = null;
  assert.equal(drains.nameNode.entries.length, 1);
  await finish(cluster.apply(withHdfs(3), progress), clock);
  assert.deepEqual([drains.nameNode.entries, store.setting('leaving')], [[], null]);
  assert.deepEqual([drains.nameNode.files[0]?.replication, drains.calls], [3, []]);
});

test('forced, nothing is waited for and what is lost is told', async () => {
  const { clock, cluster, progress, drains } = open();
  await finish(cluster.apply(withHdfs(3), progress), clock);
  drains.nameNode.files.push({ path: '/a', replication: 1, bytes: 5, holders: new Set(['datanode-3']) });
  const told: string[] = [];
  const report = (event: ProgressEvent) => void (event.kind === 'warning' && told.push(event.text));
  await finish(cluster.apply({ ...withHdfs(2), force: true }, { ...progress, report }), clock);
  assert.deepEqual(told, ['lost with datanode-3: 1 blocks of 1 files (5 bytes): /a']);
  assert.deepEqual(drains.calls, [`remove ${desired.projectId}_datanode-3 on node1`]);
});

test('a worker that was drained for a change that failed starts anew when it stays', async () => {
  const { store, clock, cluster, progress, drains } = open();
  const workers = (count: number) => ({
    ...change,
    desired: { ...desired, config: { ...desired.config, spark: { ...desired.config.spark, workers: count } } },
  });
  await finish(cluster.apply(workers(2), progress), clock);
  const failing = { ...drains.parts.host };
  drains.parts.host.signal = async (service, signal) => {
    await failing.signal(service, signal);
    throw new SparkPlugError('DOCKER_FAILED', 'the engine broke off');
  };
  await assert.rejects(finish(cluster.apply(workers(1), progress), clock), { code: 'DOCKER_FAILED' });
  assert.equal(store.setting('leaving'), '["spark-worker-2"]');
  drains.parts.host.signal = failing.signal;
  await finish(cluster.apply(workers(2), progress), clock);
  assert.deepEqual(drains.calls, ['PWR spark-worker-2', 'TERM spark-worker-2']);
  await finish(cluster.apply(workers(1), progress), clock);
  assert.deepEqual([drains.calls.at(-1), store.setting('leaving')], ['PWR spark-worker-2', null]);
});

test('a worker that stays and cannot be told, its machine being away, stops no change and is told by a later one', async () => {
  const { store, clock, cluster, progress, drains } = open();
  const { signal } = drains.parts.host;
  await finish(cluster.apply(change, progress), clock);
  store.set('leaving', '["spark-worker-1"]');
  drains.parts.host.signal = async () => {
    throw new SparkPlugError('AGENT_AWAY', 'the agent on box does not answer');
  };
  await finish(cluster.apply({ ...change, driverImage: 'app:other' }, progress), clock);
  assert.equal(store.setting('leaving'), '["spark-worker-1"]');
  drains.parts.host.signal = signal;
  await finish(cluster.apply({ ...change, driverImage: 'app:third' }, progress), clock);
  assert.deepEqual([drains.calls, store.setting('leaving')], [['TERM spark-worker-1'], null]);
});

test('replicas that are owed are a difference, and given back once', async () => {
  const { store, clock, cluster, progress, drains } = open();
  await finish(cluster.apply(withHdfs(3), progress), clock);
  drains.nameNode.files.push({ path: '/a', replication: 2, bytes: 1, holders: new Set(['datanode-1', 'datanode-2']) });
  store.set('replicas-owed', 'yes');
  assert.deepEqual(await cluster.compare(withHdfs(3)), ['replicate namenode: a DataNode that was away is back']);
  await finish(cluster.apply(withHdfs(3), progress), clock);
  assert.deepEqual([drains.nameNode.files[0]?.replication, await cluster.compare(withHdfs(3))], [3, []]);
});
