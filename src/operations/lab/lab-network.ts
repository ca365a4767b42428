// The private network of a lab: a bridge of its own, in a range that nobody uses.
import ipaddr from 'ipaddr.js';
import type { Docker, NetworkInspect } from '../../adapters/docker/docker.ts';
import { withFileLock } from '../../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../../adapters/host/user-folders.ts';
import { labels } from '../../engine/labels.ts';
import { SparkPlugError } from '../../errors.ts';
import { overlap, takenSubnets } from '../taken-subnets.ts';

/** Neither Docker's own defaults, in which the engines inside make their bridges, nor ranges for clusters and Swarms. */
const firstNet = 64;
const lastNet = 95;
/** The bridge itself is .1. */
const firstAddress = 10;

/** @throws SparkPlugError NO_SUBNET */
export async function ensureLabNetwork(docker: Docker, projectId: string): Promise<NetworkInspect> {
  const [found] = await docker.networks({ [labels.lab]: projectId });
  if (found !== undefined) return found;
  // Two labs at once would choose the same range.
  const lock = `${await makeCacheFolder('locks')}/lab-networks`;
  return await withFileLock(lock, () => makeNetwork(docker, projectId));
}

async function makeNetwork(docker: Docker, projectId: string): Promise<NetworkInspect> {
  const subnet = chooseLabSubnet(await takenSubnets(docker));
  if (subnet === null) {
    throw new SparkPlugError('NO_SUBNET', 'No private address range is free for the network of the lab.', {
      met: `10.214.${firstNet}.0/24 to 10.214.${lastNet}.0/24`,
      hint: 'Remove networks that nobody needs: docker network prune',
    });
  }
  const label = `${labels.lab}=${projectId}`;
  const name = `${projectId}-lab`;
  await docker.run(['network', 'create', '--driver', 'bridge', '--subnet', subnet, '--label', label, name]);
  const [made] = await docker.networks({ [labels.lab]: projectId });
  if (made === undefined) throw new Error(`the network ${name} was made but is not there`);
  return made;
}

/** The first free /24; null where all overlap something. */
export function chooseLabSubnet(taken: readonly string[]): string | null {
  for (let net = firstNet; net <= lastNet; net += 1) {
    const subnet = `10.214.${net}.0/24`;
    if (!taken.some((cidr) => overlap(subnet, cidr))) return subnet;
  }
  return null;
}

/** Address of the machine at a position (from 0) of the lab. */
export function addressOf(subnet: string, index: number): string {
  const bytes = ipaddr.IPv4.networkAddressFromCIDR(subnet).toByteArray();
  return [...bytes.slice(0, 3), firstAddress + index].join('.');
}
