// Use case `aws plan`: which machines, what stands on them, what they cost; changes nothing.

import { findProject } from '../../config/find-project.ts';
import { readProjectState } from '../../config/project-state.ts';
import { openConfig, type ProjectChoice } from '../open-project.ts';
import type { PlanJson } from '../plan.ts';
import type { AwsParts } from './aws-parts.ts';
import { findFleet } from './find-fleet.ts';
import { type FleetFlags, renderWish, resolveWish } from './fleet-wish.ts';
import { findPlace } from './open-aws.ts';
import type { FleetPrice } from './plan-fleet.ts';
import { planWished } from './plan-wished.ts';

export interface AwsPlanReport {
  readonly account: string;
  readonly region: string;
  /** As `aws status` shows it: `t3.xlarge 2xm6i.large disk=50`. */
  readonly fleet: string;
  readonly price: FleetPrice;
  readonly plan: PlanJson;
}

/** @throws SparkPlugError USAGE, AWS_TYPE_UNKNOWN, AWS_QUOTA, NO_ROOM, CONFIG_INVALID */
export async function planOnAws(choice: ProjectChoice, flags: FleetFlags, parts: AwsParts): Promise<AwsPlanReport> {
  const dir = await findProject(choice.fromDir);
  const config = await openConfig(dir, choice.overrides);
  const { account, region } = await findPlace(parts);
  const state = await readProjectState(dir);
  const kept = state === null ? null : (await findFleet(parts.aws, state.id)).wish;
  const asked = { config, wish: resolveWish(flags, kept), region };
  const [wish, { plan, price }] = await planWished(parts, asked, flags, kept);
  return { account, region, fleet: renderWish(wish), price, plan };
}
