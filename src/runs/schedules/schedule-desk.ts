// Schedules as the API shows and changes them. Before each change the ticks that have come are decided by the old rule.
import type { Schedule, ScheduleChange, ScheduleRule } from '../../api/schemas.ts';
import { createCronTimes } from '../../cron.ts';
import { SparkPlugError } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import { unknownJob } from '../run-queue.ts';
import type { ScheduleStore, StoredSchedule } from '../state/schedule-store.ts';
import { describeRule, type FileRules, unscheduled } from './adopt-rules.ts';
import { checkRule, isSameRule } from './check-rule.ts';
import type { ScheduleKeeper } from './schedule-keeper.ts';

export interface ScheduleDesk {
  /** Every job with a schedule, in the order of the file. */
  list(): Schedule[];
  /** Null for a job without one. */
  get(job: string): Schedule | null;
  /**
   * Sets another rule than the file's; what is left out stays as it is.
   * @throws SparkPlugError JOB_UNKNOWN, REQUEST_INVALID
   */
  change(job: string, change: ScheduleChange): Schedule;
  /** The file's own rule holds again; null where it has none. @throws SparkPlugError SCHEDULE_UNKNOWN */
  reset(job: string): Schedule | null;
  /** @throws SparkPlugError SCHEDULE_UNKNOWN */
  pause(job: string): Schedule;
  /** Ticks that passed meanwhile are not made up for. @throws SparkPlugError SCHEDULE_UNKNOWN */
  resume(job: string): Schedule;
}

interface DeskParts {
  readonly store: ScheduleStore;
  readonly keeper: ScheduleKeeper;
  readonly clock: Clock;
  readonly record: (kind: string, message: string) => void;
}

const shownTicks = 5;

export function createScheduleDesk({ store, keeper, clock, record }: DeskParts): ScheduleDesk {
  /** All that is stored of a job. */
  const find = (job: string, fileRules: FileRules): StoredSchedule => {
    if (!fileRules.has(job)) throw unknownJob(job, [...fileRules.keys()]);
    return store.get(job) ?? unscheduled(job);
  };
  const mustFind = (job: string): StoredSchedule & { readonly rule: ScheduleRule } => {
    const schedule = find(job, keeper.look());
    const { rule } = schedule;
    if (rule !== null) return { ...schedule, rule };
    throw new SparkPlugError('SCHEDULE_UNKNOWN', `job ${job} has no schedule`, {
      met: job,
      hint: `give it \`schedule:\` in sparkplug.yaml, or: sparkplug schedule set ${job} --cron "0 3 * * *"`,
    });
  };
  const save = (schedule: StoredSchedule, message: string): Schedule | null => {
    store.atomically(() => {
      store.put(schedule);
      record('schedule', `schedule of ${schedule.job}: ${message}`);
    });
    keeper.wake();
    return show(schedule);
  };
  const show = ({ job, rule, override, paused }: StoredSchedule): Schedule | null => {
    if (rule === null) return null;
    const last = store.lastTick(job);
    return {
      job,
      rule,
      overridden: override !== null,
      paused,
      next: paused ? [] : nextTicks(rule, clock.now()),
      last: last === null ? null : { at: new Date(last.at).toISOString(), outcome: last.outcome, run: last.run },
    };
  };
  const mustShow = (schedule: Schedule | null): Schedule => {
    if (schedule === null) throw new Error('a schedule with a rule is shown');
    return schedule;
  };
  const setPaused = (job: string, paused: boolean): Schedule => {
    const schedule = mustFind(job);
    if (schedule.paused === paused) return mustShow(show(schedule));
    return mustShow(save({ ...schedule, paused, settledTo: clock.now() }, paused ? 'paused' : 'resumed'));
  };

  return {
    list: () => {
      const stored = new Map(store.list().map((schedule) => [schedule.job, schedule]));
      return [...keeper.fileRules().keys()].flatMap((job) => show(stored.get(job) ?? unscheduled(job)) ?? []);
    },
    get: (job) => show(find(job, keeper.fileRules())),
    change: (job, change) => {
      const fileRules = keeper.look();
      const schedule = find(job, fileRules);
      const rule = changeRule(job, schedule.rule, change);
      checkRule(rule);
      if (isSameRule(rule, schedule.rule)) return mustShow(show(schedule));
      const fileRule = fileRules.get(job) ?? null;
      const override = isSameRule(rule, fileRule) ? null : rule;
      return mustShow(
        save({ ...schedule, rule, override, fileRule, settledTo: clock.now() }, `set to ${describeRule(rule)}`),
      );
    },
    reset: (job) => {
      const { override, ...schedule } = mustFind(job);
      if (override === null) return show({ ...schedule, override });
      const rule = schedule.fileRule;
      return save(
        { ...schedule, rule, override: null, settledTo: clock.now() },
        `as in the file: ${describeRule(rule)}`,
      );
    },
    pause: (job) => setPaused(job, true),
    resume: (job) => setPaused(job, false),
  };
}

/** The rule with the change; a job without a schedule needs a cron rule at least. */
function changeRule(job: string, rule: ScheduleRule | null, change: ScheduleChange): ScheduleRule {
  const cron = change.cron ?? rule?.cron;
  if (cron === undefined) {
    const message = `job ${job} has no schedule yet: the change must name its cron rule`;
    throw new SparkPlugError('REQUEST_INVALID', message, { place: 'body.cron', hint: '{"cron": "0 3 * * *"}' });
  }
  return {
    cron,
    timezone: change.timezone ?? rule?.timezone ?? 'UTC',
    overlap: change.overlap ?? rule?.overlap ?? 'skip',
    missed: change.missed ?? rule?.missed ?? 'skip',
  };
}

function nextTicks(rule: ScheduleRule, now: number): string[] {
  const times = createCronTimes(rule.cron, rule.timezone);
  const found: string[] = [];
  for (let at = times.next(now); at !== null && found.length < shownTicks; at = times.next(at)) {
    found.push(new Date(at).toISOString());
  }
  return found;
}
