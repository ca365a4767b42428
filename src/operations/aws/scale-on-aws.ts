// Use case `aws scale`: more followers, or fewer, which are drained before they are terminated.
import { SparkPlugError } from '../../errors.ts';
import { step } from '../../progress.ts';
import { removeMachines } from '../machines/remove-machines.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { AwsParts } from './aws-parts.ts';
import { type AwsUpOptions, addressOf } from './aws-run.ts';
import { createEc2Provider } from './ec2-provider.ts';
import { fillSlots, findFleet, ordinalOf } from './find-fleet.ts';
import { type FleetWish, type FollowerWish, listFollowers, parseGroup, renderWish } from './fleet-wish.ts';
import { noCluster, openAws, openGate } from './open-aws.ts';
import { tagKeys } from './tags.ts';
import { type AwsUpReport, bringUpOnAws } from './up-on-aws.ts';

export interface AwsScaleOptions extends Omit<AwsUpOptions, 'flags' | 'takeOver'> {
  /** `followers=3`, `followers=3xm6i.large`, `group=0-8`. */
  readonly sizes: readonly string[];
  /** Do not wait for running jobs. */
  readonly now: boolean;
  /** Go on where data would be lost. */
  readonly force: boolean;
}

export interface AwsScaleReport {
  /** Host names of machines that are gone. */
  readonly removed: readonly string[];
  readonly up: AwsUpReport;
}

/**
 * Brings the fleet to these numbers. What goes is drained first, then forgotten by the Swarm, then terminated; an
 * interrupted call is finished by the same again.
 * @throws SparkPlugError USAGE, AWS_NO_CLUSTER, and what `aws up` and a drain throw
 */
export async function scaleOnAws(
  choice: ProjectChoice,
  options: AwsScaleOptions,
  parts: AwsParts,
): Promise<AwsScaleReport> {
  const { aws } = parts;
  const { projectId, region } = await openAws(choice, parts);
  const fleet = await findFleet(aws, projectId);
  if (fleet.network === null || fleet.conductor === null || fleet.wish === null) throw noCluster(region);
  const wish = changeWish(fleet.wish, options.sizes);
  const surplus = [
    ...fillSlots(listFollowers(wish), fleet.followers).surplus.toSorted((a, b) => ordinalOf(b) - ordinalOf(a)),
    ...fleet.groupMembers.slice(wish.group?.max ?? 0),
  ];
  const up = async (flags: FleetWish) =>
    await bringUpOnAws(choice, { ...options, takeOver: null, flags: toFlags(flags) }, parts);
  if (surplus.length === 0) return { removed: [], up: await up(wish) };
  // It has to be up to be drained, and to let the caller in; as large as it is, so that nothing new is launched.
  await up({ ...fleet.wish, followers: groupAlike(fleet.followers) });
  const { report, signal, identityFile } = options;
  const { conductor, network } = fleet;
  const gate = await openGate(parts, { choice, projectId, identityFile, conductorId: conductor.id, report, signal });
  await gate.reach(addressOf((await findFleet(aws, projectId)).conductor ?? conductor));
  const inGroup = new Set(fleet.groupMembers.map(({ id }) => id));
  const provider = createEc2Provider({
    ...{ aws, projectId, network, report, signal },
    types: [],
    subnets: [],
    conductorAddress: conductor.privateAddress,
    shapeOf: async () => {
      throw new Error('nothing is launched where machines go');
    },
  });
  const release: typeof provider.release = async (machines) => {
    // From now on the tag says fewer: whoever finishes this removes them.
    await aws.ec2.setTags([network.id], { [tagKeys.fleet]: renderWish(wish) });
    for (const { name, max, desired } of fleet.groups) {
      await aws.scaling.resizeGroup(name, { min: wish.group?.min ?? 0, max, desired });
    }
    for (const { key } of machines.filter((one) => inGroup.has(one.key))) await aws.scaling.endInstance(key);
    return await provider.release(machines.filter(({ key }) => !inGroup.has(key)));
  };
  // The Swarm knows machines by their host names.
  const names = surplus.map(({ hostname }) => hostname);
  const many = `${names.length} ${names.length === 1 ? 'follower' : 'followers'}`;
  const removal = await step(report, `drain and terminate ${many}`, () =>
    removeMachines(choice, { list: provider.list, release }, names, options, gate.leaving),
  );
  const refused = removal.machines.find(({ failure }) => failure !== null)?.failure ?? null;
  if (refused !== null) throw refused.error;
  return { removed: names, up: await up(wish) };
}

/** @throws SparkPlugError USAGE */
export function changeWish(wish: FleetWish, sizes: readonly string[]): FleetWish {
  if (sizes.length === 0) throw notASize('');
  let { followers, group } = wish;
  for (const text of sizes) {
    const [, key, value = ''] = /^(followers|group)=(.+)$/.exec(text) ?? [];
    if (key === undefined) throw notASize(text);
    if (key === 'followers') followers = resizeFollowers(wish, text, value);
    else group = parseGroup(value, group?.type ?? followers.at(-1)?.type ?? wish.conductor, group?.spot === true);
  }
  return { ...wish, followers, group };
}

/** Fewer: the last ones of the wish go. More: of the type given, else of the last one's. */
function resizeFollowers(wish: FleetWish, text: string, value: string): readonly FollowerWish[] {
  const [, digits, type, spot] = /^(\d{1,3})(?:x([a-z][a-z0-9-]*\.[a-z0-9-]+))?(:spot)?$/.exec(value) ?? [];
  if (digits === undefined) throw notASize(text);
  const wanted = Number(digits);
  const present = listFollowers(wish);
  const last = present.at(-1) ?? { type: wish.conductor, spot: false };
  const kind = { type: type ?? last.type, spot: spot === undefined ? type === undefined && last.spot : true };
  const more = Array.from({ length: Math.max(0, wanted - present.length) }, () => kind);
  return groupAlike([...present.slice(0, wanted), ...more]);
}

function groupAlike(followers: readonly Pick<FollowerWish, 'type' | 'spot'>[]): readonly FollowerWish[] {
  const grouped: FollowerWish[] = [];
  for (const { type, spot } of followers) {
    const before = grouped.at(-1);
    if (before?.type === type && before.spot === spot)
      grouped[grouped.length - 1] = { ...before, count: before.count + 1 };
    else grouped.push({ count: 1, type, spot });
  }
  return grouped;
}

function toFlags(wish: FleetWish): AwsUpOptions['flags'] {
  const spotted = (spot: boolean) => (spot ? ':spot' : '');
  return {
    conductor: wish.conductor,
    followers: wish.followers.map(({ count, type, spot }) => `${count}x${type}${spotted(spot)}`),
    group:
      wish.group === null
        ? 'none'
        : `${wish.group.min}-${wish.group.max}x${wish.group.type}${spotted(wish.group.spot)}`,
    spot: false,
    diskGiB: wish.diskGiB,
  };
}

function notASize(text: string): SparkPlugError {
  return new SparkPlugError('USAGE', text === '' ? 'which numbers?' : 'this is no size of a fleet', {
    ...(text === '' ? {} : { met: text }),
    hint: 'sparkplug aws scale followers=3, followers=3xm6i.large, group=0-8, group=none',
  });
}
