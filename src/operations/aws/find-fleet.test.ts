import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../../adapters/ec2/instance-calls.ts';
import { fillSlots } from './find-fleet.ts';
import { tagKeys } from './tags.ts';

function follower(ordinal: number, type: string, spot = false): Instance {
  return {
    ...{ id: `i-${ordinal}`, type, spot, state: 'running', tags: { [tagKeys.ordinal]: String(ordinal) } },
    ...{ imageId: '', zone: '', subnetId: '', publicAddress: '', privateAddress: '', hostname: '' },
    ...{ keyName: '', stateReason: '', launchedAt: '' },
  };
}

test('each of the wish is one that there is, or a new one with a number that is free', () => {
  const wanted = [
    { type: 'm6i.large', spot: false },
    { type: 'm6i.large', spot: false },
    { type: 'm6i.large', spot: true },
  ];
  const { slots, surplus } = fillSlots(wanted, [follower(2, 'm6i.large'), follower(4, 'c6i.large')]);
  assert.deepEqual(
    slots.map(({ ordinal, instance }) => [ordinal, instance?.id ?? null]),
    [
      [2, 'i-2'],
      [1, null],
      [3, null],
    ],
  );
  assert.deepEqual(
    surplus.map(({ id }) => id),
    ['i-4'],
  );
});
