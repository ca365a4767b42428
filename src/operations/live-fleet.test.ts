// A cluster of one machine that gets a second: who publishes, in which order, and that a replaced scheduler goes on.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { exampleEngine, exampleNode, exampleService, exampleTaskOf } from '../../test/fixtures/docker-objects.ts';
import { defaultCluster, severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { ServiceInspect, TaskInspect } from '../adapters/docker/docker.ts';
import { createChangeSignal } from '../runs/change-signal.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { createClusterStore } from '../runs/state/cluster-store.ts';
import { openDatabase } from '../runs/state/database.ts';
import type { DrainParts } from './carry-out-drains.ts';
import type { ComponentProbes } from './cluster-health.ts';
import { createLiveCluster, type FleetParts } from './live-cluster.ts';

function createSwarm(now: () => number) {
  const calls: string[] = [];
  let services: ServiceInspect[] = [];
  let known = new Map<string, string>();
  const gids = new Map<string, string>();
  const machines = ['node1'];
  const toNode = (id: string) =>
    exampleNode(id, {
      ...{ hostname: `host-${id}`, manager: id === 'node1' },
      labels: gids.has(id) ? { 'sparkplug.socket-gid': gids.get(id) ?? '' } : {},
    });
  const toTask = (service: ServiceInspect) =>
    exampleTaskOf(service, {
      nodeId: service.labels['sparkplug.machine'] ?? null,
      createdAt: new Date(now()).toISOString(),
    });
  const docker = {
    info: async () => exampleEngine(),
    nodes: async () => machines.map(toNode),
    services: async (filter: Readonly<Record<string, string | null>>) =>
      services.filter(({ labels }) => Object.entries(filter).every(([name, value]) => labels[name] === value)),
    tasks: async (ids: readonly string[]) =>
      ids.includes('job')
        ? [{ state: 'complete', error: null, message: '' } as unknown as TaskInspect]
        : services.filter(({ id }) => ids.includes(id)).map(toTask),
    stackDeploy: async ({ composeFile, dockerConfig }: { composeFile: string; dockerConfig?: string | undefined }) => {
      const compose = parse(readFileSync(composeFile, 'utf8'), { version: '1.1' });
      const entries = Object.entries<{ image: string; deploy: { labels: Record<string, string> } }>(compose.services);
      const specs = new Map(entries.map(([id, { deploy }]) => [id, deploy.labels['sparkplug.spec'] ?? '']));
      const changed = [...specs].filter(([id, spec]) => known.get(id) !== spec).map(([id]) => id);
      const lost = [...known.keys()].filter((id) => !specs.has(id));
      assert.deepEqual(lost, [], 'a deploy removes nothing');
      calls.push(`deploy${dockerConfig === undefined ? '' : ' with log-in'}: ${changed.join(' ')}`);
      known = specs;
      services = entries.map(([id, { image, deploy }]) => {
        const labels = { ...deploy.labels, 'com.docker.stack.namespace': 'demo' };
        return exampleService({ id, name: id, image, labels });
      });
    },
    configs: async () => [],
    removeConfig: async () => undefined,
    secrets: async () => [],
    removeSecret: async () => undefined,
    restartService: async () => undefined,
    imageId: async (ref: string) => ref,
    tag: async () => undefined,
    push: async (ref: string) => void calls.push(`push ${ref}`),
    pull: async () => undefined,
    run: async (args: readonly string[]) => (args[1] === 'logs' ? '998\n' : 'job'),
    removeService: async () => undefined,
    removeNode: async () => undefined,
    labelNode: async (id: string, labels: Readonly<Record<string, string>>) => {
      calls.push(`label ${id}`);
      gids.set(id, labels['sparkplug.socket-gid'] ?? '');
    },
  };
  return { docker, calls, join: (id: string) => machines.push(id) };
}

/** Everything answers at once; what a component says about itself is not the question here. */
const probes: ComponentProbes = {
  namenode: async () => ({
    ...{ safeMode: false, capacityBytes: 1, usedBytes: 0, remainingBytes: 1, missingBlocks: 0, corruptBlocks: 0 },
    ...{ underReplicatedBlocks: 0, deadDataNodes: 0, dead: [], staleStorages: 0 },
    live: [{ host: 'a', address: 'a', adminState: 'In Service', capacityBytes: 1, remainingBytes: 1 }],
  }),
  master: async () => ({
    status: 'ALIVE',
    workers: [{ id: 'w', host: 'a', alive: true, cores: 1, coresUsed: 0, memoryMiB: 1, memoryUsedMiB: 0 }],
    applications: [],
  }),
  web: async () => true,
  address: async () => 'a',
};

/** Nothing is drained here; the files of a DataNode that joins get their replicas. */
const drains = { nameNode: { setReplication: async () => 0 } } as unknown as DrainParts;

test('one machine gets a second: the scheduler is given its password, and its successor publishes and asks', async () => {
  const clock = createFakeClock();
  const swarm = createSwarm(() => clock.now());
  const store = createClusterStore(
    openDatabase(join(mkdtempSync(join(tmpdir(), 'sparkplug-fleet-')), 'state.db')),
    createChangeSignal(),
  );
  const { docker, calls } = swarm;
  const { projectId } = defaultCluster.desired;
  const shutdown = new AbortController().signal;
  const open = (fleet: FleetParts | null) =>
    createLiveCluster({ docker, drains, store, probes, clock, projectId, shutdown, fleet });
  const apply = async (cluster: ReturnType<typeof open>, desired: typeof defaultCluster.desired, signal = shutdown) => {
    const change = { desired, driverImage: null, runActive: false, now: false, force: false, defer: false };
    let done = false;
    const work = cluster
      .apply(change, {
        report: () => undefined,
        waitUntilIdle: async () => undefined,
        letRunsStart: (work) => work(),
        look: async () => ({ driverImage: null, runActive: false }),
        signal,
      })
      .finally(() => {
        done = true;
      });
    work.catch(() => undefined);
    while (!done) {
      await settle();
      await clock.advance(20_000);
    }
    await work;
  };

  await apply(open(null), defaultCluster.desired);
  calls.length = 0;
  swarm.join('node2');
  // The old scheduler ends as it is replaced: here its wait for that is cut off.
  const replaced = new AbortController();
  const ending = {
    ...docker,
    stackDeploy: async (request: Parameters<typeof docker.stackDeploy>[0]) => {
      await docker.stackDeploy(request);
      replaced.abort(new Error('replaced'));
    },
  };
  const old = createLiveCluster({ docker: ending, drains, store, probes, clock, projectId, shutdown, fleet: null });
  await assert.rejects(apply(old, severalCluster.desired, replaced.signal), /replaced/);
  assert.deepEqual(calls, ['deploy: scheduler']);

  calls.length = 0;
  const retirement = {
    registry: { tags: async () => [], remove: async () => false },
    containers: { signal: async () => 'sent' as const, pruneImages: async () => undefined },
  };
  const successor = open({ docker, password: 'secret', retirement });
  await apply(successor, severalCluster.desired);
  const at = '10.0.0.5:5000/sparkplug';
  assert.equal(calls[0], 'deploy with log-in: registry');
  assert.deepEqual(calls.slice(1, 4), [`push ${at}/hdfs:1111`, `push ${at}/worker:4444`, `push ${at}/conductor:3333`]);
  assert.ok(calls[4]?.startsWith('deploy with log-in: ') && /datanode-2/.test(calls[4]), calls[4]);
  const asked = calls.indexOf('label node2');
  assert.ok(asked > 4);
  assert.equal(calls.at(-1), 'deploy with log-in: agent-host-node2');
  const change = {
    desired: severalCluster.desired,
    driverImage: null,
    runActive: false,
    now: false,
    force: false,
    defer: false,
  };
  assert.equal((await successor.compare(change)).length > 0, false);
  // One that joins later is a difference, even before anything is planned on it.
  swarm.join('node3');
  assert.equal((await successor.compare(change)).length > 0, true);
});
