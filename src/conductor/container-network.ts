// The container's own view of its networks: which addresses are whose, and where the machine itself comes in.
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** IPv4 addresses of this container. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address);
}

/** True for an IPv4 address inside the CIDR. */
export function isInside(address: string, subnet: string): boolean {
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(subnet));
}

/** The machine as the container sees it: requests to the published port come from this address. */
export async function defaultGateway(routeFile = '/proc/net/route'): Promise<string | null> {
  return parseDefaultGateway(await readFile(routeFile, 'utf8').catch(() => ''));
}

/** From the kernel's table: destination and gateway are hexadecimal, in the machine's (little-endian) byte order. */
export function parseDefaultGateway(table: string): string | null {
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway, , , , , mask] = line.trim().split(/\s+/);
    if (destination !== '00000000' || mask !== '00000000' || gateway === undefined || gateway === '00000000') continue;
    const bytes = gateway.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
    return bytes.reverse().join('.');
  }
  return null;
}
