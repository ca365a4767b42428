// Use case `aws status`: the project's machines as AWS tells them, and which projects there are.
import type { ProjectChoice } from '../open-project.ts';
import type { AwsParts } from './aws-parts.ts';
import { findFleet } from './find-fleet.ts';
import { renderWish } from './fleet-wish.ts';
import { readNotedState } from './noted-state.ts';
import { findPlace } from './open-aws.ts';
import { type FleetPrice, priceFleet } from './plan-fleet.ts';
import { tagKeys } from './tags.ts';

export interface AwsMachineStatus {
  readonly name: string;
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly spot: boolean;
  readonly zone: string;
  readonly address: string;
  readonly hostname: string;
}

export interface AwsStatusReport {
  readonly account: string;
  readonly region: string;
  /** Ids of all projects of the account and region. */
  readonly projects: readonly string[];
  /** This folder's; null where it has none, or has nothing here. */
  readonly project: {
    readonly id: string;
    readonly wish: string | null;
    readonly machines: readonly AwsMachineStatus[];
    readonly groups: readonly {
      readonly name: string;
      readonly min: number;
      readonly max: number;
      readonly running: number;
    }[];
    readonly price: FleetPrice | null;
  } | null;
}

/** Changes nothing; works outside of a project's folder, too. @throws SparkPlugError AWS_NO_REGION, AWS_NO_CREDENTIALS */
export async function readAwsStatus(choice: ProjectChoice, parts: AwsParts): Promise<AwsStatusReport> {
  const { aws } = parts;
  const { account, region } = await findPlace(parts);
  const projects = await aws.ec2.listTagValues(tagKeys.project);
  const id = (await readNotedState(choice))?.id ?? null;
  if (id === null) return { account, region, projects, project: null };
  const { network, conductor, followers, groupMembers, groups, wish } = await findFleet(aws, id);
  if (network === null && conductor === null && followers.length === 0)
    return { account, region, projects, project: null };
  const named = [
    ...(conductor === null ? [] : [{ name: 'conductor', instance: conductor }]),
    ...followers.map((instance) => ({ name: `follower-${instance.tags[tagKeys.ordinal] ?? ''}`, instance })),
    ...groupMembers.map((instance) => ({ name: 'group', instance })),
  ];
  const machines = named.map(({ name, instance }): AwsMachineStatus => {
    const { type, state, spot, zone, hostname, publicAddress } = instance;
    return { name, id: instance.id, type, state, spot, zone, address: publicAddress, hostname };
  });
  const price = wish === null ? null : await priceFleet(aws, wish, region);
  const sizes = groups.map(({ name, min, max, instanceIds }) => ({ name, min, max, running: instanceIds.length }));
  return {
    account,
    region,
    projects,
    project: { id, wish: wish === null ? null : renderWish(wish), machines, groups: sizes, price },
  };
}
