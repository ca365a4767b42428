import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Docker, EngineInfo, SwarmInitRequest, SwarmState } from '../adapters/docker/docker.ts';
import { ensureSwarm, leaveSwarmIfOurs } from './ensure-swarm.ts';
import { removeImages } from './remove-images.ts';
import { refuseOldEngine } from './set-up-engine.ts';
import { chooseAddressPool } from './taken-subnets.ts';

interface Situation {
  readonly state: SwarmState;
  readonly manager?: boolean;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly nodes?: number;
  readonly services?: number;
}

function makeDocker(situation: Situation) {
  const calls: string[] = [];
  let { state, manager = false } = situation;
  const labels = { ...situation.nodeLabels };
  const docker = {
    info: async () => ({ swarm: { state, manager, nodeId: 'n0', error: '' } }) as unknown as EngineInfo,
    nodes: async () => Array.from({ length: situation.nodes ?? 1 }, (_, index) => ({ id: `n${index}`, labels })),
    services: async () => Array.from({ length: situation.services ?? 0 }, () => ({})),
    networkSubnets: async () => ['172.17.0.0/16'],
    swarmInit: async (request: SwarmInitRequest) => {
      calls.push(`init ${request.advertiseAddress} ${request.listenAddress}`);
      state = 'active';
      manager = true;
    },
    labelNode: async (id: string, added: Readonly<Record<string, string>>) => {
      calls.push(`label ${id} ${Object.keys(added).join()}`);
    },
    swarmLeave: async () => {
      calls.push('leave');
    },
  } as unknown as Docker;
  return { docker, calls };
}

const silent = () => undefined;

test('an engine in no Swarm gets one on loopback, marked as ours', async () => {
  const { docker, calls } = makeDocker({ state: 'inactive' });
  const info = await ensureSwarm(docker, silent);
  assert.equal(info.swarm.state, 'active');
  assert.deepEqual(calls, ['init 127.0.0.1 127.0.0.1:2377', 'label n0 sparkplug.swarm']);
});

test('a Swarm that is there is left as it is', async () => {
  const { docker, calls } = makeDocker({ state: 'active', manager: true });
  await ensureSwarm(docker, silent);
  assert.deepEqual(calls, []);
});

test('a worker, a locked and a broken Swarm are refused', async () => {
  for (const state of ['active', 'locked', 'error', 'pending'] as const) {
    await assert.rejects(ensureSwarm(makeDocker({ state }).docker, silent), { code: 'SWARM_UNUSABLE' });
  }
});

test('only our own empty Swarm of one machine is left', async () => {
  const ours = { state: 'active', manager: true, nodeLabels: { 'sparkplug.swarm': 'made' } } as const;
  const cases: readonly [Situation, boolean][] = [
    [ours, true],
    [{ ...ours, services: 1 }, false],
    [{ ...ours, nodes: 2 }, false],
    [{ ...ours, nodeLabels: {} }, false],
    [{ state: 'inactive' }, false],
  ];
  for (const [situation, left] of cases) {
    const { docker, calls } = makeDocker(situation);
    assert.equal(await leaveSwarmIfOurs(docker), left);
    assert.deepEqual(calls, left ? ['leave'] : []);
  }
});

test('the Swarm’s own networks keep clear of what is taken', () => {
  assert.equal(chooseAddressPool(['172.17.0.0/16']), '10.213.0.0/20');
  assert.equal(chooseAddressPool(['10.0.0.0/8']), '172.30.240.0/20');
  assert.equal(chooseAddressPool(['10.213.7.0/24', 'fd00::/8', 'nonsense']), '10.117.0.0/20');
  assert.equal(chooseAddressPool(['0.0.0.0/1', '128.0.0.0/1']), null);
});

test('engines before 20.10 are refused', () => {
  for (const version of ['20.10.24+dfsg1', '26.1.5', '29.0.0-rc.1']) refuseOldEngine({ version });
  for (const version of ['19.03.15', '20.9.1', ''])
    assert.throws(() => refuseOldEngine({ version }), { code: 'DOCKER_TOO_OLD' });
});

test('images are removed before those they stand on, and only counted when they went', async () => {
  const image = (name: string) => ({ tags: [`s/${name}:1`], labels: { 'sparkplug.image': name } });
  const asked: string[] = [];
  const docker = {
    listImages: async () => ['debian', 'base', 'driver', 'spark'].map(image),
    removeImage: async (ref: string) => {
      asked.push(ref);
      return ref === 's/spark:1' ? 'in-use' : 'removed';
    },
  } as unknown as Docker;
  assert.deepEqual(await removeImages(docker), ['s/driver:1', 's/base:1', 's/debian:1']);
  assert.deepEqual(asked, ['s/driver:1', 's/spark:1', 's/base:1', 's/debian:1']);
});
