// Starts the runs of schedules: takes up the file's rules, waits for their ticks, decides each of them once.
import type { ScheduleRule } from '../../api/schemas.ts';
import { createCronTimes } from '../../cron.ts';
import type { ChangeSignal } from '../change-signal.ts';
import type { Clock } from '../clock.ts';
import { toFailure } from '../failure.ts';
import type { RunQueue } from '../run-queue.ts';
import type { RunStore } from '../state/run-store.ts';
import type { ScheduleStore } from '../state/schedule-store.ts';
import { adoptRules, chooseRule, type FileRules, unscheduled } from './adopt-rules.ts';
import { readFileRule } from './check-rule.ts';
import { chooseOutcome, type FoundTick, findTicks, type TickOutcome } from './find-ticks.ts';

export interface ScheduleParts {
  readonly store: ScheduleStore;
  readonly runs: Pick<RunStore, 'unfinished'>;
  readonly queue: Pick<RunQueue, 'enqueue' | 'dispatch'>;
  /** The jobs of the last `up`; `schedule` is what its desired state says. */
  readonly jobs: () => readonly { readonly name: string; readonly schedule?: unknown }[];
  readonly clock: Clock;
  readonly changes: ChangeSignal;
  /** Adds a line to the cluster's history. */
  readonly record: (kind: string, message: string) => void;
  readonly shutdown: AbortSignal;
}

export interface ScheduleKeeper {
  /** Looks now, and from then on at each tick, until `shutdown`. */
  start(): void;
  /** Looks again soon: the file or a schedule has changed. */
  wake(): void;
  /** Decides every tick that has come, then takes up the file's rules; gives those. */
  look(): FileRules;
  /** The rules of the last `up`, whether they are taken up yet or not. */
  fileRules(): FileRules;
}

/** A clock that is set to another time is noticed within this time; it also keeps far below a timer's 2³¹ ms. */
const longestWaitMs = 60_000;
const key = 'schedules';

export function createScheduleKeeper(parts: ScheduleParts): ScheduleKeeper {
  const { store, clock, changes, shutdown } = parts;
  const complain = createComplaints(parts.record);

  const readFileRules = (): FileRules => {
    const fileRules = new Map<string, ScheduleRule | null>();
    for (const { name, schedule } of parts.jobs()) {
      try {
        fileRules.set(name, readFileRule(schedule));
      } catch (error) {
        fileRules.set(name, null);
        complain(`schedule of ${name}`, error);
      }
    }
    return fileRules;
  };
  const look = (): FileRules => {
    const fileRules = readFileRules();
    decideTicks(parts, fileRules);
    adoptRules(parts, fileRules);
    return fileRules;
  };
  const untilNextMs = (): number => {
    const now = clock.now();
    const waits = store.list().map(({ rule, paused, settledTo }) => {
      if (rule === null || paused) return longestWaitMs;
      return (createCronTimes(rule.cron, rule.timezone).next(settledTo) ?? Number.POSITIVE_INFINITY) - now;
    });
    return Math.max(1, Math.min(longestWaitMs, ...waits));
  };
  const lookOrComplain = (): number => {
    try {
      look();
      return untilNextMs();
    } catch (error) {
      complain('schedules', error);
      return longestWaitMs;
    }
  };
  const keep = async (): Promise<void> => {
    while (!shutdown.aborted) {
      const seen = changes.version(key);
      const waitMs = lookOrComplain();
      const over = new AbortController();
      const signal = AbortSignal.any([shutdown, over.signal]);
      try {
        await Promise.race([clock.wait(waitMs, signal), changes.after(key, seen, signal)]);
      } catch (error) {
        if (!shutdown.aborted) throw error;
      } finally {
        over.abort();
      }
    }
  };
  return { start: () => void keep(), wake: () => changes.changed(key), look, fileRules: readFileRules };
}

/** Each complaint is recorded once, not every minute. */
function createComplaints(record: ScheduleParts['record']): (subject: string, error: unknown) => void {
  const last = new Map<string, string>();
  return (subject, error) => {
    const { message } = toFailure(error);
    if (last.get(subject) === message) return;
    try {
      record('problem', `${subject}: ${message}`);
      last.set(subject, message);
    } catch {
      // The disk is full, say: the next look tries again.
    }
  };
}

function decideTicks(parts: ScheduleParts, fileRules: FileRules): void {
  const { store, clock, queue } = parts;
  const now = clock.now();
  const stored = new Map(store.list().map((schedule) => [schedule.job, schedule]));
  const due = [...fileRules.keys()].flatMap((job) => {
    const schedule = stored.get(job) ?? unscheduled(job);
    const { rule, paused, settledTo } = schedule;
    if (rule === null || paused || chooseRule(schedule, fileRules).rule === null) return [];
    if (now < settledTo) store.turnBack(job, now);
    const ticks = findTicks(createCronTimes(rule.cron, rule.timezone), settledTo, now);
    return ticks.map((tick) => ({ job, rule, tick }));
  });
  due.sort((a, b) => a.tick.at - b.tick.at);
  const outcomes = due.map(({ job, rule, tick }) => decideTick(parts, job, rule, tick));
  if (outcomes.includes('queued')) queue.dispatch();
}

/** One transaction: the tick, that it is decided, and its run are there together or not at all. */
function decideTick(parts: ScheduleParts, job: string, rule: ScheduleRule, tick: FoundTick): TickOutcome | null {
  const { store, runs, queue, record } = parts;
  return store.atomically(() => {
    // Known already where the clock was set back.
    if (store.hasTick(job, tick.at)) {
      store.settle(job, tick.at);
      return null;
    }
    const isBusy = runs.unfinished().some((run) => run.job === job);
    const outcome = chooseOutcome(tick.kind, rule, isBusy);
    const request = { job, newRun: {}, trigger: 'schedule', tick: formatTick(tick.at), idempotencyKey: null } as const;
    const run = outcome === 'queued' ? queue.enqueue(request).id : null;
    store.addTick({ job, at: tick.at, outcome, run });
    const note = describeTick(tick, outcome, run);
    if (note !== null) record('schedule', `schedule of ${job}: ${note}`);
    return outcome;
  });
}

/** What the history says; null for a tick that simply starts its run. */
function describeTick(tick: FoundTick, outcome: TickOutcome, run: string | null): string | null {
  const at = formatTick(tick.at);
  const isBusy = 'a run of the job is not over (overlap: skip)';
  if (tick.kind === 'due') return outcome === 'skipped' ? `the tick of ${at} was left out, ${isBusy}` : null;
  const missed =
    tick.since === tick.at
      ? `the tick of ${at} was missed`
      : `ticks from ${formatTick(tick.since)} to ${at} were missed`;
  if (outcome === 'queued') return `${missed}; run ${run} makes up for it (missed: once)`;
  return `${missed}; ${outcome === 'skipped' ? isBusy : 'left out (missed: skip)'}`;
}

function formatTick(at: number): string {
  return new Date(at).toISOString();
}
