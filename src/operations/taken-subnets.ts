// Which address ranges are used already, and a free one for the Swarm's own networks.
import ipaddr from 'ipaddr.js';
import type { Docker } from '../adapters/docker/docker.ts';
import { parseProcRoutes, readHostRoutes } from '../adapters/host/read-host-routes.ts';

/**
 * One /20 is sixteen /24: the ingress network and whatever others create without a subnet of their own. None lies in the
 * range that `chooseSubnets` tries first, nor in Docker's own defaults.
 */
const addressPools = [
  '10.213.0.0/20',
  '10.117.0.0/20',
  '172.30.240.0/20',
  '192.168.208.0/20',
  '100.99.0.0/20',
] as const;

/**
 * CIDRs of the machine's routes and of every network of the engine.
 * @param prober image to read the routes with where the engine is elsewhere; null: those of this computer count
 */
export async function takenSubnets(
  docker: Pick<Docker, 'networkSubnets' | 'run'>,
  prober: string | null = null,
): Promise<string[]> {
  const [routes, networks] = await Promise.all([
    prober === null ? readHostRoutes() : readRemoteRoutes(docker, prober),
    docker.networkSubnets(),
  ]);
  return [...new Set([...routes, ...networks])];
}

/** In the engine's own network. */
async function readRemoteRoutes(docker: Pick<Docker, 'run'>, image: string): Promise<readonly string[]> {
  const read = ['--entrypoint', 'cat', image, '/proc/net/route'];
  return parseProcRoutes(await docker.run(['run', '--rm', '--network', 'host', ...read]));
}

/** The first pool that overlaps nothing taken; null where all do. */
export function chooseAddressPool(taken: readonly string[]): string | null {
  return addressPools.find((pool) => !taken.some((cidr) => overlap(pool, cidr))) ?? null;
}

/** Two ranges overlap when the longer prefix lies within the shorter. IPv6 overlaps nothing of ours. */
export function overlap(a: string, b: string): boolean {
  if (!ipaddr.IPv4.isValidCIDR(a) || !ipaddr.IPv4.isValidCIDR(b)) return false;
  const [first, firstLength] = ipaddr.IPv4.parseCIDR(a);
  const [second, secondLength] = ipaddr.IPv4.parseCIDR(b);
  return first.match(second, Math.min(firstLength, secondLength));
}
