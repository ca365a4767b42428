// Which failures are worth another attempt, and when: pure.

/** What lies in the job's own making or in the cluster's state may pass; a configuration does not mend itself. */
const passing: ReadonlySet<string> = new Set(['RUN_FAILED', 'RUN_TIMED_OUT', 'RUN_OUT_OF_MEMORY', 'DRIVER_LOST']);

const firstDelayMs = 5_000;
const longestDelayMs = 5 * 60_000;

/** True when attempt `number` (from 1) that failed with `code` is followed by another one. */
export function isRetried(code: string, number: number, retries: number): boolean {
  return number <= retries && passing.has(code);
}

/** Milliseconds between the end of attempt `number` and the next: 5 s, doubled each time, at most 5 minutes. */
export function retryDelayMs(number: number): number {
  return Math.min(firstDelayMs * 2 ** (number - 1), longestDelayMs);
}
