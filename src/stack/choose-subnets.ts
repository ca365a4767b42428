// Two address ranges for the overlays that nothing on this host uses yet.
import ipaddr from 'ipaddr.js';
import { SparkPlugError } from '../errors.ts';

/** Wider than /24: a dnsrr overlay keeps an address per task, old ones included, and 1,022 are plenty. */
const prefixLength = 22;
const subnetSize = 2 ** (32 - prefixLength);

/** Private ranges in the order tried; the first is the least used by routers, clouds and Docker itself. */
const pools = ['10.90.0.0/15', '10.128.0.0/9', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'] as const;

interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Chooses the subnets of both overlays. `taken` lists CIDRs of the host's routes and of every network of the engine;
 * a default route (`0.0.0.0/0`), IPv6 and anything that is no CIDR are passed over.
 * @throws SparkPlugError NO_SUBNET where every private range is taken.
 */
export function chooseSubnets(taken: readonly string[]): { readonly control: string; readonly data: string } {
  const ranges = taken.flatMap(toRange);
  const [control, data] = [...freeSubnets(ranges, 2)];
  if (control === undefined || data === undefined) {
    throw new SparkPlugError('NO_SUBNET', `No two free /${prefixLength} networks in ${pools.join(', ')}.`, {
      met: taken.join(', '),
      hint: 'Remove unused Docker networks (`docker network prune`) or a route that covers all private addresses.',
    });
  }
  return { control, data };
}

function* freeSubnets(taken: readonly Range[], count: number): Generator<string> {
  let found = 0;
  for (const pool of pools.flatMap(toRange)) {
    let first = pool.first;
    while (found < count && first + subnetSize - 1 <= pool.last) {
      const last = first + subnetSize - 1;
      const obstacle = taken.find((range) => range.first <= last && first <= range.last);
      if (obstacle === undefined) {
        found += 1;
        yield `${toText(first)}/${prefixLength}`;
      }
      // Past the whole obstacle at once: a /8 has 16,384 subnets of ours.
      first = obstacle === undefined ? last + 1 : Math.ceil((obstacle.last + 1) / subnetSize) * subnetSize;
    }
  }
}

function toRange(cidr: string): Range[] {
  if (!ipaddr.IPv4.isValidCIDR(cidr)) return [];
  const [address, length] = ipaddr.IPv4.parseCIDR(cidr);
  if (length === 0) return [];
  const size = 2 ** (32 - length);
  const first = Math.floor(toNumber(address) / size) * size;
  return [{ first, last: first + size - 1 }];
}

function toNumber(address: ipaddr.IPv4): number {
  return address.octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
