import assert from 'node:assert/strict';
import { test } from 'node:test';
import { severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import type { ChangeSet } from '../engine/change-set.ts';
import type { ProgressEvent } from '../progress.ts';
import { buildStack } from '../stack/build-stack.ts';
import { askNewMachines, type FleetAccess } from './ask-new-machines.ts';

const { desired, plan } = severalCluster;
const stack = buildStack(desired, plan, { bootstrap: null });
const prepared = { plan, stack, changeSet: {} as ChangeSet };

function fakeFleet(known: readonly string[]) {
  const calls: string[] = [];
  const nodes = ['node1', 'node2', 'node3'].map((id) => {
    const labels = known.includes(id) ? { 'sparkplug.socket-gid': '1' } : {};
    return { id, hostname: `host-${id}`, ready: true, active: true, labels } as unknown as SwarmNode;
  });
  const docker: FleetAccess['docker'] = {
    nodes: async () => nodes,
    imageId: async (ref) => ref,
    tag: async (source, target) => void calls.push(`tag ${source} ${target}`),
    push: async (ref) => void calls.push(`push ${ref}`),
    pull: async () => undefined,
    run: async (args) => (args[1] === 'logs' ? '998\n' : 'service'),
    tasks: async () => [{ state: 'complete' } as unknown as TaskInspect],
    removeService: async () => undefined,
    labelNode: async (id, labels) => void calls.push(`label ${id} ${Object.values(labels).join()}`),
  };
  return { fleet: { docker, login: { address: '10.0.0.5:5000', user: 'u', password: 'p' } }, calls };
}

test('machines that came are asked with an image that is in the registry by then; the conductor is not', async () => {
  const { fleet, calls } = fakeFleet(['node2']);
  const told: ProgressEvent[] = [];
  assert.equal(await askNewMachines(desired, prepared, { fleet, report: (event) => told.push(event) }), true);
  const ref = '10.0.0.5:5000/sparkplug/conductor:3333';
  assert.deepEqual(calls, [`tag sparkplug/conductor:3333 ${ref}`, `push ${ref}`, 'label node3 998']);
  assert.deepEqual(told[0], {
    kind: 'step-started',
    step: 'look at host-node3',
    cause: 'an agent needs the group of the Docker socket',
  });
});

test('nothing is asked where all are known, or where there is one machine', async () => {
  const report = () => undefined;
  const { fleet, calls } = fakeFleet(['node2', 'node3']);
  assert.equal(await askNewMachines(desired, prepared, { fleet, report }), false);
  const { registry: _, ...alone } = desired;
  assert.equal(await askNewMachines(alone, prepared, { fleet: fakeFleet([]).fleet, report }), false);
  assert.equal(await askNewMachines(desired, prepared, { fleet: null, report }), false);
  assert.deepEqual(calls, []);
});
