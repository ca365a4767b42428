// What the end of a run leaves behind, in the same transaction: its counts, and the notification that waits to be sent.
import { randomUUID } from 'node:crypto';
import { buildNotification, chooseTarget } from './notify/build-notification.ts';
import type { CounterStore } from './state/counter-store.ts';
import type { OutboxStore } from './state/outbox-store.ts';
import type { StoredRun } from './state/run-store.ts';

/** Upper bounds of the run durations' histogram, seconds: from a trivial job to half a day. */
export const durationBuckets: readonly number[] = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200];

export interface RunEndParts {
  readonly counters: CounterStore;
  readonly outbox: OutboxStore;
  /** The project's name now. */
  readonly project: () => string;
}

/** To be given to the run store. */
export function recordRunEnd({ counters, outbox, project }: RunEndParts): (run: StoredRun) => void {
  return (run) => {
    count(counters, run);
    const target = chooseTarget(run);
    if (target === null) return;
    const notification = buildNotification(run, project());
    const { event } = notification;
    outbox.add({ id: randomUUID(), run: run.id, event, target, body: JSON.stringify(notification) });
  };
}

function count(counters: CounterStore, { job, state, startedAt, finishedAt }: StoredRun): void {
  counters.add('runs', { job, state });
  // Cancelled in the queue: it has no duration.
  if (startedAt === null || finishedAt === null) return;
  const seconds = Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
  const bucket = durationBuckets.find((bound) => seconds <= bound);
  counters.add('run_seconds', { job, state, le: bucket === undefined ? '+Inf' : String(bucket) });
  counters.add('run_seconds_sum', { job, state }, seconds);
}
