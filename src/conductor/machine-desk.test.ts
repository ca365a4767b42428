import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateOf } from '../../test/fixtures/cluster-states.ts';
import { severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { SwarmNode } from '../adapters/docker/docker.ts';
import { buildStack } from '../stack/build-stack.ts';
import type { ClusterKeeper } from './cluster-keeper.ts';
import { createMachineDesk } from './machine-desk.ts';

const { desired, plan, socketGids } = severalCluster;
const stack = buildStack(desired, plan, { bootstrap: null, socketGids });
const state = stateOf(stack);
const nodes = ['node1', 'node2'].map((id) => ({ id, hostname: `host-${id}` }) as unknown as SwarmNode);
const isOn = (machineId: string) => (one: { readonly machineId: string | null }) => one.machineId === machineId;

/** The plan has nothing on node2 any more; `stands`: a drain that was refused has left its containers there. */
function open({ drained, stands }: { readonly drained: boolean; readonly stands: boolean }) {
  const removed: string[] = [];
  const keeper = {
    current: () => ({ revision: 1, desired: { ...desired, ...(drained ? { drained: ['node2'] } : {}) } }),
  } as unknown as ClusterKeeper;
  const services = state.services.filter((one) => stands || !isOn('node2')(one));
  const emptied = { ...stack, services: stack.services.filter((one) => !isOn('node2')(one)) };
  const desk = createMachineDesk({
    keeper,
    survey: async () => ({ conductorId: 'node1', nodes, state: { ...state, services }, stack: emptied, plan }),
    removeNode: async (id) => void removed.push(id),
    record: () => undefined,
  });
  return { desk, removed };
}

test('a machine is removed once it is drained and nothing of the project stands on it, whatever is planned', async () => {
  for (const scene of [
    { drained: true, stands: true },
    { drained: false, stands: false },
  ]) {
    const { desk, removed } = open(scene);
    await assert.rejects(desk.removeMachine('host-node2'), { code: 'MACHINE_IN_USE' });
    assert.deepEqual(removed, []);
  }
  const { desk, removed } = open({ drained: true, stands: false });
  await desk.removeMachine('host-node2');
  assert.deepEqual(removed, ['node2']);
});

test('the conductor and an unknown machine are refused', async () => {
  const { desk, removed } = open({ drained: true, stands: false });
  await assert.rejects(desk.removeMachine('host-node1'), { code: 'MACHINE_IS_CONDUCTOR' });
  await assert.rejects(desk.removeMachine('host-node9'), { code: 'MACHINE_UNKNOWN' });
  assert.deepEqual(removed, []);
});
