import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ami } from '../../../adapters/ec2/image-calls.ts';
import { type ImagePlan, imageNames } from '../../../images/image-plan.ts';
import { describeOwn, type OwnImage, planMachineImage } from './machine-images.ts';
import { listOld } from './prune-machine-images.ts';

const planOf = (refs: Readonly<Record<string, string>> = {}): ImagePlan =>
  Object.fromEntries(
    imageNames.map((name) => [name, { name, ref: refs[name] ?? `sparkplug/${name}:1` }]),
  ) as unknown as ImagePlan;

test('the name says what goes in: a change of what a follower does not hold leaves its image as it is', () => {
  const names = (plan: ImagePlan) => [
    planMachineImage(plan, 'conductor', 'amd64').name,
    planMachineImage(plan, 'follower', 'amd64').name,
  ];
  const [conductor = '', follower = ''] = names(planOf());
  assert.match(conductor, /^sparkplug-conductor-\S+-amd64-[0-9a-f]{12}$/);
  const [otherConductor, sameFollower] = names(planOf({ registry: 'sparkplug/registry:2' }));
  assert.notEqual(otherConductor, conductor);
  assert.equal(sameFollower, follower);
  assert.notEqual(names(planOf({ spark: 'sparkplug/spark:2' }))[1], follower);
  // An image of the project is in none of them.
  assert.deepEqual(names(planOf({ worker: 'sparkplug/worker:2', driver: 'sparkplug/driver:2' })), [
    conductor,
    follower,
  ]);
});

test('an image that has lost its tags is known by its name; others are not ours', () => {
  const { name, tags, content } = planMachineImage(planOf(), 'follower', 'arm64');
  const known = describeOwn({ name, tags });
  assert.deepEqual(describeOwn({ name, tags: {} }), known);
  assert.deepEqual([known?.role, known?.content], ['follower', content]);
  assert.equal(describeOwn({ name: 'sparkplug-of-somebody', tags: {} }), null);
});

function own(id: string, change: Partial<Ami> = {}, role: OwnImage['role'] = 'conductor'): OwnImage {
  const ami: Ami = {
    id,
    name: id,
    state: 'available',
    arch: 'amd64',
    createdAt: '',
    rootDevice: '/dev/xvda',
    sizeGiB: 20,
    snapshotIds: [],
    tags: {},
    ...change,
  };
  return { ami, role, version: '1', content: 'c' };
}

test('the newest of each role and architecture stay, failed ones go, those on their way stay', () => {
  const images = [
    own('a'),
    own('b', { arch: 'arm64' }),
    own('c', {}, 'follower'),
    own('d', { state: 'pending' }),
    own('e', { state: 'failed' }),
    own('f'),
    own('g'),
  ];
  const idsOf = (keep: number) => listOld(images, keep).map(({ ami }) => ami.id);
  assert.deepEqual(idsOf(2), ['e', 'g']);
  assert.deepEqual(idsOf(1), ['e', 'f', 'g']);
  assert.deepEqual(idsOf(0), ['a', 'b', 'c', 'e', 'f', 'g']);
});
