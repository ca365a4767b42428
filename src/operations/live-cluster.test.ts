import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { EngineInfo, ServiceInspect, SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import { createChangeSignal } from '../runs/change-signal.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { createClusterStore } from '../runs/state/cluster-store.ts';
import { openDatabase } from '../runs/state/database.ts';
import type { ComponentProbes } from './cluster-health.ts';
import { createLiveCluster } from './live-cluster.ts';

const { desired } = defaultCluster;
const none = { cores: 0, memoryMiB: 0 };

/** A Swarm of one machine whose tasks are all in one state. */
function createSwarm(taskState: () => string, now: () => number) {
  let services: ServiceInspect[] = [];
  let deploys = 0;
  const toTask = (service: ServiceInspect, slot: number): TaskInspect => ({
    id: `${service.id}.${slot}`,
    serviceId: service.id,
    slot,
    nodeId: 'node1',
    state: taskState(),
    desiredState: 'running',
    message: '',
    error: taskState() === 'failed' ? 'task: non-zero exit (1)' : null,
    containerId: null,
    exitCode: null,
    image: service.image,
    labels: service.labels,
    reservations: none,
    createdAt: new Date(now()).toISOString(),
    stateAt: new Date(now()).toISOString(),
  });
  const engine = { name: 'laptop', swarm: { state: 'active', nodeId: 'node1', manager: true, error: '' } };
  const node = {
    id: 'node1',
    hostname: 'laptop',
    cores: 4,
    memoryMiB: 16_384,
    labels: {},
    manager: true,
    ready: true,
    active: true,
  };
  const docker = {
    info: async () => engine as EngineInfo,
    nodes: async (): Promise<SwarmNode[]> => [node],
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
        ([id, { image, deploy }]) => ({
          id,
          name: id,
          image,
          labels: { ...deploy.labels, 'com.docker.stack.namespace': namespace },
          constraints: [],
          reservations: none,
          limits: none,
          replicas: 1,
          publishedPorts: [],
          updateState: null,
          createdAt: '',
          updatedAt: '',
        }),
      );
    },
    configs: async () => [],
    removeConfig: async () => undefined,
    secrets: async () => [],
    removeSecret: async () => undefined,
  };
  const lose = (name: string): void => {
    services = services.filter(({ id }) => id !== name);
  };
  return { docker, lose, deploys: () => deploys };
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
      deadDataNodes: 0,
      staleStorages: 0,
    }),
    master: async () => ({ status: 'ALIVE', workers: [worker], applications: [] }),
    web: async () => true,
    address: async () => '10.0.0.1',
  };
  const { projectId } = desired;
  const docker = { ...swarm.docker, removeNode: async () => undefined };
  const cluster = createLiveCluster({ docker, store, probes, clock, projectId, shutdown });
  const progress = {
    report: () => undefined,
    waitUntilIdle: async () => undefined,
    letRunsStart: <T>(work: () => Promise<T>) => work(),
    signal: shutdown,
  };
  return { swarm, store, clock, cluster, progress };
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

test('one that never answers ends it after five minutes', async () => {
  const { clock, cluster, progress } = open(() => 'starting');
  await assert.rejects(finish(cluster.apply(change, progress), clock), { code: 'CLUSTER_NOT_READY' });
});
