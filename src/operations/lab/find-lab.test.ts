import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleContainer } from '../../../test/fixtures/docker-objects.ts';
import { findLab, pickMachine } from './find-lab.ts';

const containerOf = (name: string) =>
  exampleContainer({
    labels: {
      'sparkplug.lab': 'shop-abc123',
      'sparkplug.lab.machine': name,
      'sparkplug.lab.cores': '8',
      'sparkplug.lab.memory-mib': '4096',
      'sparkplug.lab.core-scale': '4',
      'sparkplug.lab.address': '10.214.64.10',
    },
  });

const docker = {
  containers: async (query: { readonly labels: Readonly<Record<string, string | null>>; readonly all?: boolean }) => {
    assert.deepEqual(query, { labels: { 'sparkplug.lab': 'shop-abc123' }, all: true });
    return ['follower-10', 'follower-2', 'conductor', 'follower-1'].map(containerOf);
  },
};

test('machines are found by label, stopped ones too, in the order of their numbers', async () => {
  const machines = await findLab(docker, 'shop-abc123');
  assert.deepEqual(
    machines.map(({ name }) => name),
    ['conductor', 'follower-1', 'follower-2', 'follower-10'],
  );
  const { cores, memoryMiB, coreScale, address } = pickMachine(machines, 'follower-2');
  assert.deepEqual([cores, memoryMiB, coreScale, address], [8, 4096, 4, '10.214.64.10']);
});

test('a machine that there is not is refused with those that there are; no lab with the way to one', async () => {
  const machines = await findLab(docker, 'shop-abc123');
  assert.throws(() => pickMachine(machines, 'follower-3'), { code: 'LAB_MACHINE_UNKNOWN', hint: /follower-10/ });
  assert.throws(() => pickMachine([], 'conductor'), { code: 'LAB_MISSING', hint: /sparkplug lab up/ });
});
