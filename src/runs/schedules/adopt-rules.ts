// An edit of the project file takes effect: which rule holds for each job, without losing a pause or the ticks so far.
import type { ScheduleRule } from '../../api/schemas.ts';
import type { Clock } from '../clock.ts';
import type { ScheduleStore, StoredSchedule } from '../state/schedule-store.ts';
import { isSameRule } from './check-rule.ts';

/** Every job of the file with its own rule, null for a job without a schedule. */
export type FileRules = ReadonlyMap<string, ScheduleRule | null>;

interface ChosenRule {
  readonly rule: ScheduleRule | null;
  readonly override: ScheduleRule | null;
}

/** The override holds until the file's own value is another than when it was set. Pure. */
export function chooseRule({ job, override, fileRule }: StoredSchedule, fileRules: FileRules): ChosenRule {
  const own = fileRules.get(job);
  if (own === undefined) return { rule: null, override: null };
  const kept = isSameRule(fileRule, own) ? override : null;
  return { rule: kept ?? own, override: kept };
}

/** Stores the rule in effect of every job; the ticks of a new one count from now on. */
export function adoptRules({ store, clock, record }: AdoptingParts, fileRules: FileRules): void {
  const known = store.list();
  const added = [...fileRules].filter(([job, rule]) => rule !== null && known.every((one) => one.job !== job));
  const fresh = added.map(([job]) => ({ ...unscheduled(job), fileRule: fileRules.get(job) ?? null }));
  for (const schedule of [...known, ...fresh]) {
    const { rule, override } = chooseRule(schedule, fileRules);
    const isDropped = schedule.override !== null && override === null;
    if (isSameRule(rule, schedule.rule) && !isDropped) continue;
    store.atomically(() => {
      store.put({
        ...schedule,
        rule,
        override,
        fileRule: fileRules.get(schedule.job) ?? null,
        settledTo: isSameRule(rule, schedule.rule) ? schedule.settledTo : clock.now(),
      });
      const ended = isDropped ? '; its override is dropped, the file has changed' : '';
      record('schedule', `schedule of ${schedule.job}: ${describeRule(rule)}${ended}`);
    });
  }
}

interface AdoptingParts {
  readonly store: ScheduleStore;
  readonly clock: Clock;
  readonly record: (kind: string, message: string) => void;
}

/** A job of which nothing is stored yet. */
export function unscheduled(job: string): StoredSchedule {
  return { job, paused: false, rule: null, override: null, fileRule: null, settledTo: 0 };
}

/** `0 3 * * * (Europe/Zurich)`. */
export function describeRule(rule: ScheduleRule | null): string {
  return rule === null ? 'none' : `${rule.cron} (${rule.timezone})`;
}
