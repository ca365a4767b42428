import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { exampleEngine, exampleNode, exampleService, exampleTaskOf } from '../../test/fixtures/docker-objects.ts';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { ServiceInspect } from '../adapters/docker/docker.ts';
import type { Execution } from '../engine/execute-change-set.ts';
import { SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import { applyDesired, type DesiredChange, planStack } from './apply-desired.ts';

const { desired } = defaultCluster;

interface ComposeService {
  readonly image: string;
  readonly deploy: { readonly replicas: number; readonly labels: Readonly<Record<string, string>> };
}

/** A Swarm of one machine that takes Compose files and runs every service at once. */
function fakeSwarm() {
  const swarm = { services: [] as ServiceInspect[], deploys: 0, broken: false };
  const docker = {
    info: async () => exampleEngine(),
    nodes: async () => [exampleNode('node1')],
    services: async () => swarm.services,
    tasks: async () => swarm.services.map((service) => exampleTaskOf(service)),
    stackDeploy: async ({ namespace, composeFile }: { namespace: string; composeFile: string }) => {
      if (swarm.broken) throw new SparkPlugError('DOCKER_NOT_RUNNING', 'gone');
      swarm.deploys += 1;
      const compose = parse(await readFile(composeFile, 'utf8'), { version: '1.1' });
      const services: Record<string, ComposeService> = compose.services;
      swarm.services = Object.entries(services).map(([name, service]) => toInspect(namespace, name, service));
    },
    configs: async () => [],
    removeConfig: async () => {},
    secrets: async () => [],
    removeSecret: async () => {},
    restartService: async () => {},
  };
  return { swarm, docker };
}

function toInspect(namespace: string, name: string, { image, deploy }: ComposeService): ServiceInspect {
  const labels = { ...deploy.labels, 'com.docker.stack.namespace': namespace };
  return exampleService({ id: name, name: `${namespace}_${name}`, labels, image, replicas: deploy.replicas });
}

const change: DesiredChange = {
  desired,
  previous: null,
  stack: { bootstrap: null },
  situation: { runActive: false, now: false },
};

function execution(events: ProgressEvent[] = []): Execution {
  return {
    secrets: { secrets: 'external' },
    report: (event) => events.push(event),
    waitUntilReady: async () => {},
    waitUntilIdle: async () => {},
    drain: async () => {},
    discard: async () => {},
    replicate: async () => {},
  };
}

test('the first time everything is created, the second time nothing is done', async () => {
  const { swarm, docker } = fakeSwarm();
  const first = await applyDesired(docker, change, execution());
  assert.equal(swarm.services.length, first.stack.services.length);
  const events: ProgressEvent[] = [];
  const second = await applyDesired(docker, { ...change, previous: first.changeSet.result }, execution(events));
  assert.equal(swarm.deploys, 1);
  assert.deepEqual([second.changeSet.empty, events], [true, [{ kind: 'note', text: 'no change' }]]);
});

test('a deploy that failed is made up for by the same call', async () => {
  const { swarm, docker } = fakeSwarm();
  swarm.broken = true;
  await assert.rejects(applyDesired(docker, change, execution()), { code: 'DOCKER_NOT_RUNNING' });
  swarm.broken = false;
  await applyDesired(docker, change, execution());
  assert.ok(swarm.services.length > 0);
});

test('fewer DataNodes are drained first; where that is refused nothing has changed', async () => {
  const { swarm, docker } = fakeSwarm();
  const three = { ...desired, config: { ...desired.config, hdfs: { datanodes: 3, replication: 'auto' } as const } };
  const { changeSet } = await applyDesired(docker, { ...change, desired: three }, execution());
  const one = { ...desired, config: { ...desired.config, hdfs: { datanodes: 1, replication: 'auto' } as const } };
  const fewer = { ...change, desired: one, previous: changeSet.result };
  const drain = async () => {
    throw new SparkPlugError('HDFS_NO_ROOM', 'full');
  };
  await assert.rejects(applyDesired(docker, fewer, { ...execution(), drain }), { code: 'HDFS_NO_ROOM' });
  assert.equal(swarm.deploys, 1);
  await applyDesired(docker, fewer, execution());
  assert.equal(swarm.services.filter(({ id }) => id.startsWith('datanode')).length, 1);
});

test('DataNodes that were asked for by number stay under `auto`', async () => {
  const { swarm, docker } = fakeSwarm();
  const three = { ...desired, config: { ...desired.config, hdfs: { datanodes: 3, replication: 'auto' } as const } };
  const { changeSet } = await applyDesired(docker, { ...change, desired: three }, execution());
  const again = await applyDesired(docker, { ...change, previous: changeSet.result }, execution());
  assert.deepEqual(again.plan.datanodes.length, 3);
  assert.equal(swarm.deploys, 1);
});

test('a driver that is kept during a run is brought up to date by the next call', async () => {
  const { swarm, docker } = fakeSwarm();
  const first = await applyDesired(docker, change, execution());
  const newer = { ...desired, images: { ...desired.images, driver: 'demo/driver:new' } };
  const imageOf = (name: string) => swarm.services.find((service) => service.id === name)?.image;
  const during = {
    ...change,
    desired: newer,
    previous: first.changeSet.result,
    situation: { runActive: true, now: false },
  };
  const kept = await applyDesired(docker, during, execution());
  assert.equal(imageOf('spark-driver'), desired.images.driver);
  await applyDesired(docker, { ...change, desired: newer, previous: kept.changeSet.result }, execution());
  assert.equal(imageOf('spark-driver'), 'demo/driver:new');
});

test('the planned stack depends on nothing but its arguments', async () => {
  const machines = [
    {
      id: 'node1',
      name: 'laptop',
      cores: 4,
      memoryMiB: 16_384,
      othersMemoryMiB: 0,
      conductor: true,
      shared: true,
      storage: true,
      state: 'ready' as const,
    },
  ];
  assert.deepEqual(
    planStack(desired, machines, { bootstrap: null }),
    planStack(desired, machines, { bootstrap: null }),
  );
});
