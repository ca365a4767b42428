import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateOf } from '../../test/fixtures/cluster-states.ts';
import { defaultCluster, severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import type { ProgressEvent } from '../progress.ts';
import { buildStack } from '../stack/build-stack.ts';
import { removeFarVolumes } from './remove-far-volumes.ts';

const { desired, plan, socketGids } = severalCluster;
const before = stateOf(buildStack(desired, plan, { bootstrap: null, socketGids }));
const signal = new AbortController().signal;

function fakeSwarm({ failing, away }: { readonly failing?: string; readonly away?: string } = {}) {
  const created: string[] = [];
  const node = (id: string, gid: number) =>
    ({
      id,
      hostname: `host-${id}`,
      ready: id !== away,
      labels: { 'sparkplug.socket-gid': String(gid) },
    }) as unknown as SwarmNode;
  const docker = {
    nodes: async () => [node('node1', 1), node('node2', 998), node('node3', 0)],
    run: async (args: readonly string[]) => {
      if (args[1] === 'logs') return `${args.at(-1)?.replace('clear', 'volume')}\n`;
      const machine = args.find((text) => text.startsWith('node.id=='))?.slice('node.id=='.length) ?? '';
      created.push(`${machine} as ${args[args.indexOf('--user') + 1]}: ${args.at(-1)}`);
      return machine;
    },
    tasks: async ([id = '']: readonly string[]) => [
      { state: id === failing ? 'rejected' : 'complete', error: 'away', message: '' } as unknown as TaskInspect,
    ],
    removeService: async () => undefined,
  };
  return { docker, created };
}

test('each further machine removes its own, with the rights of the agent that it had', async () => {
  const { docker, created } = fakeSwarm();
  const removed = await removeFarVolumes(docker, before, { report: () => undefined, signal });
  assert.deepEqual(created.toSorted(), [
    'node2 as 10001:998: sparkplug.project=demo-a1b2c3',
    'node3 as 10001:0: sparkplug.project=demo-a1b2c3',
  ]);
  assert.deepEqual(removed, ['demo-a1b2c3_volume-node2', 'demo-a1b2c3_volume-node3']);
});

test('a machine that cannot is named, and the others are cleared all the same', async () => {
  const { docker } = fakeSwarm({ failing: 'node2' });
  const told: ProgressEvent[] = [];
  const removed = await removeFarVolumes(docker, before, { report: (event) => told.push(event), signal });
  assert.deepEqual(removed, ['demo-a1b2c3_volume-node3']);
  const warning = told.find((event) => event.kind === 'warning');
  assert.match(warning?.text ?? '', /left on host-node2/);
});

test('a machine that does not answer is named at once', async () => {
  const { docker, created } = fakeSwarm({ away: 'node2' });
  const told: ProgressEvent[] = [];
  await removeFarVolumes(docker, before, { report: (event) => told.push(event), signal });
  assert.equal(created.length, 1);
  assert.match(told.find((event) => event.kind === 'warning')?.text ?? '', /left on host-node2: .* does not answer/);
});

test('one machine has no further ones', async () => {
  const { docker, created } = fakeSwarm();
  const alone = stateOf(buildStack(defaultCluster.desired, defaultCluster.plan, { bootstrap: null }));
  assert.deepEqual(await removeFarVolumes(docker, alone, { report: () => undefined, signal }), []);
  assert.deepEqual(created, []);
});
