// Which moments of a rule are to be decided now, and what becomes of each. Pure.
import type { ScheduleRule } from '../../api/schemas.ts';
import type { CronTimes } from '../../cron.ts';

/** A tick that is later than this was missed: a restart of the scheduler takes seconds. */
export const punctualMs = 120_000;

/** `due` starts as if it were on time; `missed` stands for all ticks from `since` to `at`. Milliseconds since 1970. */
export type FoundTick =
  | { readonly kind: 'due'; readonly at: number }
  | { readonly kind: 'missed'; readonly at: number; readonly since: number };

/** The ticks after `settledTo` up to `now`, oldest first; those that were missed as one. */
export function findTicks(times: CronTimes, settledTo: number, now: number): readonly FoundTick[] {
  const punctualFrom = now - punctualMs;
  const since = times.next(settledTo);
  if (since === null || since > now) return [];
  const found: FoundTick[] = [];
  if (since < punctualFrom) found.push({ kind: 'missed', at: times.previous(punctualFrom) ?? since, since });
  const firstDue = times.next(Math.max(settledTo, punctualFrom - 1));
  for (let at = firstDue; at !== null && at <= now; at = times.next(at)) found.push({ kind: 'due', at });
  return found;
}

/** `queued`: a run is made; `skipped`: a run of the job is queued or at work; `missed`: nobody was there. */
export type TickOutcome = 'queued' | 'skipped' | 'missed';

/** @param busy a run of the job is queued or at work */
export function chooseOutcome(kind: FoundTick['kind'], rule: ScheduleRule, busy: boolean): TickOutcome {
  if (kind === 'missed' && rule.missed === 'skip') return 'missed';
  return busy && rule.overlap === 'skip' ? 'skipped' : 'queued';
}
