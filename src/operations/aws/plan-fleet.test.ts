import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveWish } from './fleet-wish.ts';
import { plannedMemoryMiB, thinkMachines } from './plan-fleet.ts';

const typeOf = (type: string) => ({ type, cores: 4, memoryMiB: 16_384, arch: 'amd64' as const });

test('machines are thought of as Linux will see them, and hold blocks only where they stay', () => {
  const followers = ['1xm6i.xlarge', '1xc6i.xlarge:spot'];
  const flags = { conductor: null, followers, group: '1-4', spot: false, diskGiB: null };
  const machines = thinkMachines(resolveWish(flags, null), typeOf);
  assert.deepEqual(
    machines.map(({ name, conductor, storage }) => [name, conductor, storage]),
    [
      ['conductor', true, true],
      ['follower-1', false, true],
      ['follower-2', false, false],
      ['follower-3', false, false],
    ],
  );
  assert.deepEqual(new Set(machines.map(({ memoryMiB }) => memoryMiB)), new Set([15_728]));
});

test('a plan counts 96 % of a type’s memory', () => {
  // Debian on a type of 16 GiB shows some 15.6 GiB, on one of 2 GiB some 1.92.
  assert.ok(plannedMemoryMiB(16_384) < 15.6 * 1024);
  assert.equal(plannedMemoryMiB(2_048), 1_966);
});
