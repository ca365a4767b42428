// The plan for a wish, with a conductor that is large enough where nobody has named one.
import { SparkPlugError } from '../../errors.ts';
import type { AwsParts } from './aws-parts.ts';
import { defaultConductor, type FleetFlags, type FleetWish } from './fleet-wish.ts';
import { type FleetPlan, planFleet } from './plan-fleet.ts';

/** Larger ones for a project that has no room on the usual one. */
const largerConductors = ['t3.2xlarge', 'm6i.4xlarge'] as const;

/** A conductor that nobody has named is as large as the project needs it. */
export async function planWished(
  { aws }: AwsParts,
  asked: Parameters<typeof planFleet>[1],
  flags: FleetFlags,
  kept: FleetWish | null,
): Promise<readonly [FleetWish, FleetPlan]> {
  const { wish } = asked;
  const others =
    flags.conductor !== null || kept !== null || wish.conductor !== defaultConductor ? [] : largerConductors;
  for (const [index, conductor] of [wish.conductor, ...others].entries()) {
    const tried = { ...wish, conductor };
    try {
      return [tried, await planFleet(aws, { ...asked, wish: tried })];
    } catch (error) {
      if (!(error instanceof SparkPlugError) || error.code !== 'NO_ROOM' || index === others.length) throw error;
    }
  }
  throw new Error('the last attempt gives a plan or throws');
}
