// Time as the queue sees it: injected, so that tests turn the hands themselves.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  wait: async (milliseconds, signal) => {
    // setTimeout counts in 32 bits: longer waits are cut into pieces.
    for (let left = milliseconds; left > 0; left -= longestTimerMs) {
      await delay(Math.min(left, longestTimerMs), undefined, signal === undefined ? {} : { signal });
    }
  },
};

const longestTimerMs = 2 ** 31 - 1;

/** ISO 8601 in UTC, as stored and shown. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
