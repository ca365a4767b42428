// The project's things on AWS as tags tell them, whatever became of an earlier command.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import type { Instance } from '../../adapters/ec2/instance-calls.ts';
import type { SecurityGroup } from '../../adapters/ec2/network-calls.ts';
import type { ScalingGroup } from '../../adapters/ec2/scaling-calls.ts';
import { type FleetWish, parseWish } from './fleet-wish.ts';
import { tagKeys } from './tags.ts';

export interface Fleet {
  /** The security group: made first and removed last, it also remembers the wish. */
  readonly network: SecurityGroup | null;
  readonly conductor: Instance | null;
  /** Given by number, in their order; those of groups are not among them. */
  readonly followers: readonly Instance[];
  readonly groupMembers: readonly Instance[];
  readonly groups: readonly ScalingGroup[];
  /** What it is to be; null where that is not known. */
  readonly wish: FleetWish | null;
}

/** Instances that are ending are none any more. */
export async function findFleet(aws: Pick<Aws, 'ec2' | 'scaling'>, projectId: string): Promise<Fleet> {
  const own = { [tagKeys.project]: projectId };
  const [network = null] = await aws.ec2.findSecurityGroups(own);
  const instances = (await aws.ec2.findInstances(own)).filter(isAlive);
  const groups = await aws.scaling.findGroups(own);
  const ofRole = (role: string) => instances.filter(({ tags }) => tags[tagKeys.role] === role);
  const [conductor = null] = ofRole('conductor').toSorted((a, b) => a.launchedAt.localeCompare(b.launchedAt));
  return {
    network,
    conductor,
    followers: ofRole('follower').toSorted((a, b) => ordinalOf(a) - ordinalOf(b)),
    groupMembers: ofRole('group'),
    groups,
    wish: network === null ? null : parseWish(network.tags[tagKeys.fleet] ?? ''),
  };
}

export function isAlive({ state }: Pick<Instance, 'state'>): boolean {
  return state !== 'shutting-down' && state !== 'terminated';
}

export function ordinalOf({ tags }: Pick<Instance, 'tags'>): number {
  return Number(tags[tagKeys.ordinal] ?? 0);
}

/** One follower of the wish: there already, or still to be launched. */
export interface FollowerSlot {
  readonly ordinal: number;
  readonly type: string;
  readonly spot: boolean;
  /** Null: none yet. */
  readonly instance: Instance | null;
}

export interface FollowerSlots {
  readonly slots: readonly FollowerSlot[];
  /** There and not wished for. */
  readonly surplus: readonly Instance[];
}

/** Finds for each follower of the wish the instance that is it; new ones get the lowest free numbers. Pure. */
export function fillSlots(
  wanted: readonly { readonly type: string; readonly spot: boolean }[],
  existing: readonly Instance[],
): FollowerSlots {
  const free = [...existing];
  const taken = new Set(existing.map(ordinalOf));
  let next = 1;
  const slots = wanted.map(({ type, spot }): FollowerSlot => {
    const index = free.findIndex((instance) => instance.type === type && instance.spot === spot);
    const [instance] = index < 0 ? [] : free.splice(index, 1);
    if (instance !== undefined) return { ordinal: ordinalOf(instance), type, spot, instance };
    while (taken.has(next)) next += 1;
    taken.add(next);
    return { ordinal: next, type, spot, instance: null };
  });
  return { slots, surplus: free };
}
