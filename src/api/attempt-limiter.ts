// Slows down whoever tries credentials that are not valid: per address, longer with each failure, in bounded memory.
import ipaddr from 'ipaddr.js';

export interface AttemptLimiter {
  /** Milliseconds until this address may try again; 0: now. */
  waitMs(peer: string | undefined): number;
  noteFailure(peer: string | undefined): void;
}

/** Wrong tries without a consequence: a script with an old token, a link clicked twice. */
const freeFailures = 10;
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
/** An address that tries nothing for this long begins anew. */
const forgetMs = 15 * 60_000;
/** Addresses remembered; beyond that the one that failed longest ago is forgotten. */
const mostPeers = 10_000;

interface Record {
  failures: number;
  lastAt: number;
  blockedUntil: number;
}

export function createAttemptLimiter(clock: { now(): number }): AttemptLimiter {
  // In order of the last failure: a Map keeps the order in which keys were added.
  const records = new Map<string, Record>();
  const find = (key: string): Record | null => {
    const record = records.get(key);
    if (record === undefined) return null;
    // Also where the clock was set back: nobody waits longer than the longest wait.
    const age = clock.now() - record.lastAt;
    return age >= 0 && age < forgetMs ? record : null;
  };
  return {
    waitMs: (peer) => Math.max(0, (find(keyOf(peer))?.blockedUntil ?? 0) - clock.now()),
    noteFailure: (peer) => {
      const key = keyOf(peer);
      const failures = (find(key)?.failures ?? 0) + 1;
      const now = clock.now();
      records.delete(key);
      records.set(key, { failures, lastAt: now, blockedUntil: now + waitAfter(failures) });
      const [oldest] = records.keys();
      if (records.size > mostPeers && oldest !== undefined) records.delete(oldest);
    },
  };
}

function waitAfter(failures: number): number {
  if (failures < freeFailures) return 0;
  return Math.min(firstWaitMs * 2 ** Math.min(failures - freeFailures, 30), longestWaitMs);
}

/** One IPv6 customer has a /64 at least, and as many addresses as it likes. */
function keyOf(peer: string | undefined): string {
  if (peer === undefined || !ipaddr.isValid(peer)) return 'unknown';
  const address = ipaddr.process(peer);
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
