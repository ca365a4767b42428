// Where this computer sends packets to: networks of our own must not cover any of it.
import { readFile } from 'node:fs/promises';
import { runProgram } from './run-program.ts';

/** CIDRs of this computer's IPv4 routes but the default one; empty where they cannot be read. */
export async function readHostRoutes(): Promise<readonly string[]> {
  const { exitCode, stdout } = await runProgram('ip', ['-j', '-4', 'route', 'show', 'table', 'all']);
  if (exitCode === 0) {
    const routes = parseIpRoutes(stdout);
    if (routes.length > 0) return routes;
  }
  try {
    return parseProcRoutes(await readFile('/proc/net/route', 'utf8'));
  } catch {
    return [];
  }
}

/** Reads the output of `ip -j route`. A single address becomes a /32. */
export function parseIpRoutes(text: string): readonly string[] {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(entries)) return [];
  const targets = entries.map((entry: { dst?: unknown }) => entry.dst).filter((dst) => typeof dst === 'string');
  const cidrs = targets.map((dst) => (dst.includes('/') ? dst : `${dst}/32`));
  return [...new Set(cidrs)].filter((cidr) => /^\d+\.\d+\.\d+\.\d+\/[1-9]\d*$/.test(cidr));
}

/** Reads /proc/net/route: addresses and masks as little-endian hexadecimal. */
export function parseProcRoutes(text: string): readonly string[] {
  const routes = text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination, , , , , , mask] = line.trim().split(/\s+/);
      if (destination === undefined || mask === undefined || /^0+$/.test(mask)) return [];
      return [`${toDotted(destination)}/${countBits(mask)}`];
    });
  return [...new Set(routes)];
}

function toDotted(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  return bytes
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

function countBits(hex: string): number {
  return Number.parseInt(hex, 16).toString(2).replaceAll('0', '').length;
}
