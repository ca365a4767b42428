import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineInfo, ServiceInspect, SwarmInitRequest, SwarmNode } from '../../adapters/docker/docker.ts';
import { labels } from '../../engine/labels.ts';
import { reachSwarm } from './reach-swarm.ts';

interface Scene {
  readonly state?: 'active' | 'inactive';
  readonly address?: string;
  readonly ours?: boolean;
  readonly projects?: readonly string[];
}

/** An engine whose Swarm is at `address`. */
function open({ state = 'active', address = '127.0.0.1', ours = true, projects = ['geo-abc123'] }: Scene = {}) {
  const calls: string[] = [];
  const docker = {
    info: async () => ({ swarm: { state, nodeId: 'n1', manager: true, error: '' } }) as EngineInfo,
    nodes: async () => [{ id: 'n1', labels: ours ? { [labels.madeSwarm]: 'made' } : {} } as unknown as SwarmNode],
    services: async () =>
      projects.map((id) => ({ name: `${id}_web`, labels: { [labels.project]: id } }) as unknown as ServiceInspect),
    swarmInit: async ({ advertiseAddress, listenAddress }: SwarmInitRequest) =>
      void calls.push(`init ${advertiseAddress} ${listenAddress}`),
    swarmLeave: async () => void calls.push('leave'),
    labelNode: async (_: string, own: object) => void calls.push(`label ${Object.keys(own).join(' ')}`),
    networkSubnets: async () => [],
    run: async (args: readonly string[]) => (args.includes('{{.Swarm.NodeAddr}}') ? address : `${address}:2377 `),
  };
  const reach = (reachable: string | null) =>
    reachSwarm(docker, {
      address: reachable,
      projectId: 'geo-abc123',
      stopCluster: async () => void calls.push('stop'),
      report: () => undefined,
    });
  return { calls, reach };
}

test('a Swarm on loopback is made anew at the address, the cluster stopped before', async () => {
  const { calls, reach } = open();
  assert.deepEqual(await reach('10.0.0.5'), { managerAddress: '10.0.0.5:2377', made: true });
  assert.deepEqual(calls, [
    'stop',
    'leave',
    'init 10.0.0.5 10.0.0.5:2377',
    `label ${labels.madeSwarm} ${labels.reachableSwarm}`,
  ]);
});

test('one that is reachable stays as it is, whoever made it', async () => {
  const { calls, reach } = open({ address: '192.168.1.4', ours: false });
  assert.deepEqual(await reach('10.0.0.5'), { managerAddress: '192.168.1.4:2377', made: false });
  assert.deepEqual(calls, []);
});

test('an interrupted change is finished: where none is left one is made', async () => {
  const { calls, reach } = open({ state: 'inactive' });
  await reach('10.0.0.5');
  assert.deepEqual(calls, ['init 10.0.0.5 10.0.0.5:2377', `label ${labels.madeSwarm} ${labels.reachableSwarm}`]);
});

test('a Swarm of somebody else, other projects and a missing address are told, with nothing changed', async () => {
  const cases = [
    [open({ ours: false }), '10.0.0.5', 'SWARM_UNUSABLE'],
    [open({ projects: ['geo-abc123', 'shop-xyz789'] }), '10.0.0.5', 'SWARM_UNUSABLE'],
    [open(), null, 'SWARM_ADDRESS_NEEDED'],
    [open(), '127.0.0.1', 'SWARM_ADDRESS_NEEDED'],
  ] as const;
  for (const [{ calls, reach }, address, code] of cases) {
    await assert.rejects(reach(address), { code });
    assert.deepEqual(calls, []);
  }
});
