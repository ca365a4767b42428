import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { AgentClients } from '../adapters/agent/agent-client.ts';
import type { ContainerUse } from '../adapters/docker/container-stats.ts';
import type { PipedOutput, ServiceInspect, TaskInspect } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import { type ContainerHostParts, createContainerHost } from './fleet.ts';

const away = () => new SparkPlugError('AGENT_AWAY', 'away');
const use = (id: string): ContainerUse => ({
  ...{ id, labels: {}, readAtMs: 0, cpuSeconds: 0, memoryBytes: 0, memoryLimitBytes: 0 },
});

/** Services by name: component and machine; `big` has an agent that answers, `mute` one that does not, `bare` none. */
const placed: Readonly<Record<string, readonly [component: string, machine: string]>> = {
  'datanode-1': ['datanode', 'own'],
  'datanode-2': ['datanode', 'big'],
  'datanode-3': ['datanode', 'bare'],
  'datanode-4': ['datanode', 'mute'],
  'agent-big': ['agent', 'big'],
  'agent-mute': ['agent', 'mute'],
};

function open(changes: Partial<ContainerHostParts> = {}) {
  const calls: string[] = [];
  const labelsOf = (name: string, [component, machine]: readonly [string, string]) => ({
    ...{ 'sparkplug.project': 'app-abc123', 'sparkplug.service': name },
    ...{ 'sparkplug.component': component, 'sparkplug.machine': machine },
  });
  const services = Object.entries(placed).map(
    ([name, where]) =>
      ({ id: name, name, labels: labelsOf(name, where), limits: {}, replicas: 1 }) as unknown as ServiceInspect,
  );
  async function* output(what: string): AsyncGenerator<PipedOutput> {
    calls.push(what);
    yield { kind: 'exit', exitCode: 0 };
  }
  const image = (tags: readonly string[]) => ({ id: tags[0] ?? '', tags }) as never;
  const docker = {
    info: async () => ({ swarm: { nodeId: 'own' } }) as never,
    nodes: async () => [{ id: 'bare', hostname: 'bare.example.com' }] as never,
    services: async (filter: Readonly<Record<string, string | null>>) => {
      // As with every process: not within this turn.
      await setImmediate();
      return services.filter(({ labels }) => Object.entries(filter).every(([name, value]) => labels[name] === value));
    },
    tasks: async (ids: readonly string[]) =>
      ids.map((id) => {
        const [, nodeId = ''] = placed[id] ?? [];
        const task = { id, serviceId: id, nodeId, state: 'running', desiredState: 'running', containerId: `c-${id}` };
        return { ...task, labels: {}, createdAt: '' } as unknown as TaskInspect;
      }),
    execPiped: (id: string, command: readonly string[]) => output(`own exec ${id} ${command.join(' ')}`),
    kill: async (id: string, signal: string) => void calls.push(`own kill ${id} ${signal}`),
    volumes: async () => [{ name: 'ours' }] as never,
    removeVolume: async (name: string) => void calls.push(`own remove ${name}`),
    listImages: async () => [
      image(['r:5000/sparkplug/hdfs:old', 'sparkplug/hdfs:1']),
      image(['r:5000/sparkplug/hdfs:new']),
    ],
    removeImage: async (tag: string) => {
      calls.push(`own untag ${tag}`);
      return 'removed' as const;
    },
  };
  const agents: AgentClients = {
    connect: (machine, url) => ({
      uses: async () => {
        if (machine === 'mute') throw away();
        return [use(`c-${machine}`)];
      },
      exec: (id, command) => output(`${url} exec ${id} ${command.join(' ')}`),
      signal: async (id, signal) => {
        if (machine === 'mute') throw away();
        calls.push(`${machine} signal ${id} ${signal}`);
      },
      removeVolume: async (name) => void calls.push(`${machine} remove ${name}`),
      notice: async () => null,
      images: async () => [],
      pruneImages: async (keep) => {
        if (machine === 'mute') throw away();
        calls.push(`${machine} prune but ${keep.join(' ')}`);
        return [];
      },
    }),
    close: async () => undefined,
  };
  const containerStats = { read: async () => [use('c-own')], close: async () => undefined };
  const host = createContainerHost({ docker, agents, containerStats, projectId: 'app-abc123', ...changes });
  return { host, calls };
}

async function run(output: AsyncIterable<PipedOutput>): Promise<void> {
  for await (const _ of output);
}

test('what runs on the conductor machine is reached directly, what runs elsewhere by the agent there', async () => {
  const { host, calls } = open();
  await host.signal('datanode-1', 'PWR');
  await host.signal('datanode-2', 'PWR');
  await run(host.exec('datanode-1', ['ls']));
  await run(host.exec('datanode-2', ['ls', '-l']));
  await host.removeVolume('own', 'ours');
  await host.removeVolume('own', 'not-ours');
  await host.removeVolume('big', 'v');
  assert.deepEqual(calls, [
    'own kill c-datanode-1 PWR',
    'big signal c-datanode-2 PWR',
    'own exec c-datanode-1 ls',
    'https://agent-big:7443 exec c-datanode-2 ls -l',
    'own remove ours',
    'big remove v',
  ]);
});

test('a machine without an agent is named; an unknown component too', async () => {
  const { host } = open();
  await assert.rejects(host.signal('datanode-3', 'PWR'), { code: 'AGENT_AWAY', place: 'bare.example.com' });
  assert.equal(await host.signal('datanode-9', 'PWR'), 'absent');
  await assert.rejects(host.signal('datanode-4', 'PWR'), { code: 'AGENT_AWAY' });
  await assert.rejects(open({ agents: null }).host.signal('datanode-2', 'PWR'), { code: 'AGENT_AWAY' });
});

test('a machine whose agent is silent is left out of what is measured', async () => {
  const ids = (uses: readonly ContainerUse[]) => uses.map(({ id }) => id);
  assert.deepEqual(ids(await open().host.stats()), ['c-own', 'c-big']);
  assert.deepEqual(ids(await open({ agents: null }).host.stats()), ['c-own']);
});

test('old names of images go everywhere, and one silent agent stops nobody', async () => {
  const { host, calls } = open();
  await host.pruneImages('r:5000', ['r:5000/sparkplug/hdfs:new']);
  assert.deepEqual(calls, ['own untag r:5000/sparkplug/hdfs:old', 'big prune but r:5000/sparkplug/hdfs:new']);
});

test('an engine that is too busy to be measured fails the reading alone, not the process', async () => {
  const containerStats = {
    read: async () => {
      throw new Error('no answer in time');
    },
    close: async () => undefined,
  };
  await assert.rejects(open({ containerStats }).host.stats(), /no answer in time/);
});
