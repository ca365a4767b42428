// Before anything is bought: what the machines would be, what would stand on them, and what they cost by the list.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import type { InstanceType } from '../../adapters/ec2/instance-calls.ts';
import type { ClusterConfig } from '../../config/cluster-config.ts';
import { SparkPlugError } from '../../errors.ts';
import type { Machine } from '../../plan/cluster-plan.ts';
import { describePlanFor, type PlanJson } from '../plan.ts';
import { type FleetWish, listFollowers, typesOf } from './fleet-wish.ts';

export interface FleetPrice {
  /** US dollars an hour by the list, without disks, addresses and traffic; null where a price is not told. */
  readonly hourly: number | null;
  readonly machines: readonly {
    readonly name: string;
    readonly type: string;
    readonly count: number;
    readonly spot: boolean;
    readonly hourlyEach: number | null;
  }[];
}

export interface FleetPlan {
  readonly types: readonly InstanceType[];
  readonly arch: 'amd64' | 'arm64';
  readonly plan: PlanJson;
  readonly price: FleetPrice;
}

/** Of what a type has, Linux sees so much: firmware and kernel keep 2 to 4 %. A plan for less than is there holds. */
const visibleShare = 0.96;

export function plannedMemoryMiB(memoryMiB: number): number {
  return Math.floor(memoryMiB * visibleShare);
}

/**
 * Asks AWS for types, quota and prices, and the planner for what would stand where. Changes nothing.
 * @throws SparkPlugError AWS_TYPE_UNKNOWN, AWS_QUOTA, USAGE for machines of several architectures, NO_ROOM
 */
export async function planFleet(
  aws: Aws,
  { config, wish, region }: { readonly config: ClusterConfig; readonly wish: FleetWish; readonly region: string },
): Promise<FleetPlan> {
  const types = await aws.ec2.describeTypes(typesOf(wish));
  const typeOf = (name: string): InstanceType => {
    const found = types.find(({ type }) => type === name);
    if (found !== undefined) return found;
    throw new SparkPlugError('AWS_TYPE_UNKNOWN', 'there is no instance type of this name in the region', {
      met: name,
      hint: 'aws ec2 describe-instance-types lists them',
    });
  };
  const { arch } = typeOf(wish.conductor);
  const other = types.find((type) => type.arch !== arch);
  if (other !== undefined) {
    throw new SparkPlugError('USAGE', 'all machines of a cluster have one architecture', {
      met: `${wish.conductor} is ${arch}, ${other.type} is ${other.arch}`,
      hint: 'images are built once, for all machines: take types of one kind',
    });
  }
  await checkQuota(aws, wish, typeOf);
  const machines = thinkMachines(wish, typeOf);
  return { types, arch, plan: describePlanFor(config, machines), price: await priceFleet(aws, wish, region) };
}

/** The machines as the planner is to see them; of a group the least that it has. */
export function thinkMachines(wish: FleetWish, typeOf: (type: string) => InstanceType): readonly Machine[] {
  const group = wish.group;
  const followers = [
    ...listFollowers(wish).map(({ type, spot }) => ({ type, storage: !spot })),
    ...Array.from({ length: group?.min ?? 0 }, () => ({ type: group?.type ?? '', storage: false })),
  ];
  const digits = String(followers.length).length;
  const machine = (name: string, type: string, conductor: boolean, storage: boolean): Machine => {
    const { cores, memoryMiB } = typeOf(type);
    const seen = plannedMemoryMiB(memoryMiB);
    return {
      id: name,
      name,
      cores,
      memoryMiB: seen,
      othersMemoryMiB: 0,
      conductor,
      shared: false,
      state: 'ready',
      storage,
    };
  };
  return [
    machine('conductor', wish.conductor, true, true),
    ...followers.map(({ type, storage }, index) =>
      machine(`follower-${String(index + 1).padStart(digits, '0')}`, type, false, storage),
    ),
  ];
}

/** Quotas of EC2 count virtual cores of the families A, C, D, H, I, M, R, T and Z together. */
const standardFamily = /^[acdhimrtz]\d/;
const quotaCodes = { onDemand: 'L-1216C47A', spot: 'L-34B43A08' } as const;

/** @throws SparkPlugError AWS_QUOTA */
async function checkQuota(aws: Aws, wish: FleetWish, typeOf: (type: string) => InstanceType): Promise<void> {
  const wanted = [
    { count: 1, type: wish.conductor, spot: false },
    ...wish.followers,
    ...(wish.group === null ? [] : [{ ...wish.group, count: wish.group.min }]),
  ].filter(({ type }) => standardFamily.test(type));
  for (const spot of [false, true]) {
    const cores = wanted
      .filter((one) => one.spot === spot)
      .reduce((sum, { count, type }) => sum + count * typeOf(type).cores, 0);
    if (cores === 0) continue;
    const quota = await aws.prices.coreQuota(spot ? quotaCodes.spot : quotaCodes.onDemand);
    if (quota === null || cores <= quota) continue;
    throw new SparkPlugError('AWS_QUOTA', `the machines need ${cores} virtual cores; the account may use ${quota}`, {
      place: `${spot ? 'All Standard Spot Instance Requests' : 'Running On-Demand Standard instances'} (${spot ? quotaCodes.spot : quotaCodes.onDemand})`,
      met: String(quota),
      hint: `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${spot ? quotaCodes.spot : quotaCodes.onDemand} --desired-value ${cores}, or fewer and smaller machines`,
    });
  }
}

/** By the price service and the market for spot; what is not told is null, and so is a sum with it. */
export async function priceFleet(aws: Aws, wish: FleetWish, region: string): Promise<FleetPrice> {
  const orders = [
    { name: 'conductor', type: wish.conductor, count: 1, spot: false },
    ...wish.followers.map((follower) => ({ name: 'followers', ...follower })),
    ...(wish.group === null
      ? []
      : [{ name: 'group', type: wish.group.type, count: wish.group.min, spot: wish.group.spot }]),
  ];
  const asked = new Map<string, Promise<number | null>>();
  const ask = (type: string, spot: boolean): Promise<number | null> => {
    const key = `${type} ${spot}`;
    const known = asked.get(key) ?? (spot ? askSpot(aws, type) : aws.prices.hourly(type, region));
    asked.set(key, known);
    return known;
  };
  const machines: FleetPrice['machines'][number][] = [];
  for (const order of orders) machines.push({ ...order, hourlyEach: await ask(order.type, order.spot) });
  const hourly = machines.reduce<number | null>(
    (sum, { count, hourlyEach }) => (sum === null || hourlyEach === null ? null : sum + count * hourlyEach),
    0,
  );
  return { hourly, machines };
}

async function askSpot(aws: Aws, type: string): Promise<number | null> {
  try {
    return await aws.ec2.spotPrice(type);
  } catch (error) {
    if (error instanceof SparkPlugError) return null;
    throw error;
  }
}
