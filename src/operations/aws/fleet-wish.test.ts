import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FleetFlags, listFollowers, parseWish, renderWish, resolveWish, typesOf } from './fleet-wish.ts';
import { changeWish } from './scale-on-aws.ts';

const none: FleetFlags = { conductor: null, followers: null, group: null, spot: false, diskGiB: null };

test('without flags a conductor; with a kept wish that one', () => {
  const first = resolveWish(none, null);
  assert.deepEqual(first, { conductor: 't3.xlarge', followers: [], group: null, diskGiB: 50 });
  const kept = resolveWish({ ...none, followers: ['2xm6i.large'], group: '0-4', diskGiB: 100 }, null);
  assert.deepEqual(resolveWish(none, kept), kept);
  assert.deepEqual(resolveWish({ ...none, diskGiB: 60 }, kept).followers, kept.followers);
});

test('followers are counted by type; the conductor’s where none is named, spot where it is said', () => {
  const wish = resolveWish({ ...none, followers: ['1', '2xm6i.large:spot', '0xc6i.large'], group: '1-3' }, null);
  assert.deepEqual(listFollowers(wish), [
    { type: 't3.xlarge', spot: false },
    { type: 'm6i.large', spot: true },
    { type: 'm6i.large', spot: true },
  ]);
  assert.deepEqual(wish.group, { min: 1, max: 3, type: 'm6i.large', spot: false });
  assert.deepEqual(typesOf(wish), ['t3.xlarge', 'm6i.large']);
  const all = resolveWish({ ...none, followers: ['1xm6i.large'], group: '0-2', spot: true }, null);
  assert.deepEqual([all.followers[0]?.spot, all.group?.spot], [true, true]);
  assert.equal(resolveWish({ ...none, group: 'none' }, all).group, null);
});

test('the tag’s text is read again as it was, and a text of somebody else’s is none', () => {
  const flags = { ...none, followers: ['2xm6i.large', '1xu-3tb1.56xlarge:spot'], group: '0-8xc6i.large:spot' };
  const wish = resolveWish(flags, null);
  assert.equal(renderWish(wish), 't3.xlarge 2xm6i.large 1xu-3tb1.56xlarge:spot group=0-8xc6i.large:spot disk=50');
  assert.deepEqual(parseWish(renderWish(wish)), wish);
  for (const text of ['', 'large', 't3.xlarge many', 't3.xlarge group=4-2']) assert.equal(parseWish(text), null, text);
});

test('what cannot be is said with its flag', () => {
  const cases: readonly (readonly [Partial<FleetFlags>, string])[] = [
    [{ conductor: 'big' }, '--conductor'],
    [{ followers: ['many'] }, '--followers'],
    [{ followers: ['2m6i.large'] }, '--followers'],
    [{ followers: ['501'] }, '--followers'],
    [{ group: '3-2' }, '--group'],
    [{ group: '0-0' }, '--group'],
    [{ diskGiB: 5 }, '--disk'],
  ];
  for (const [flags, place] of cases) {
    assert.throws(() => resolveWish({ ...none, ...flags }, null), { code: 'USAGE', place });
  }
});

test('scaling takes the last ones away, and adds more of the last one’s kind or of the one named', () => {
  const wish = resolveWish({ ...none, followers: ['2xm6i.large', '1xc6i.large:spot'] }, null);
  const scaled = (...sizes: readonly string[]) => renderWish(changeWish(wish, sizes));
  assert.equal(scaled('followers=1'), 't3.xlarge 1xm6i.large disk=50');
  assert.equal(scaled('followers=4'), 't3.xlarge 2xm6i.large 2xc6i.large:spot disk=50');
  assert.equal(scaled('followers=4xm6i.large'), 't3.xlarge 2xm6i.large 1xc6i.large:spot 1xm6i.large disk=50');
  assert.equal(scaled('followers=0', 'group=0-2xc6i.large'), 't3.xlarge group=0-2xc6i.large disk=50');
  for (const sizes of [[], ['workers=2'], ['followers=-1'], ['followers=two']]) {
    assert.throws(() => changeWish(wish, sizes), { code: 'USAGE', hint: /aws scale followers=3/ });
  }
});
