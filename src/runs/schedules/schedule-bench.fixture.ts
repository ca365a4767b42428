// For tests: schedules around the bench of the run queue, with a project file that can be edited.
import type { JobDefinition, ScheduleRule } from '../../api/schemas.ts';
import { type Bench, createBench, defineJob } from '../run-bench.fixture.ts';
import type { StoredRun } from '../state/run-store.ts';
import { createScheduleStore, type ScheduleStore } from '../state/schedule-store.ts';
import { createScheduleDesk, type ScheduleDesk } from './schedule-desk.ts';
import { createScheduleKeeper, type ScheduleKeeper } from './schedule-keeper.ts';

export interface ScheduleBench {
  readonly bench: Bench;
  readonly store: ScheduleStore;
  readonly keeper: ScheduleKeeper;
  readonly desk: ScheduleDesk;
  /** Job → its rule in the file; to be edited. */
  readonly file: Map<string, unknown>;
  /** The cluster's history, through all restarts. */
  readonly notes: string[];
  /** Runs that a schedule asked for, oldest first. */
  runs(): readonly StoredRun[];
  /** `JOB MM-DDTHH:MM` of those runs. */
  ticks(): string[];
  /** All jobs that are at work or queued end well. */
  finishAll(): Promise<void>;
  stop(): Promise<void>;
  /** A new scheduler over the database of this one, which was stopped. */
  reopen(): ScheduleBench;
}

/** 03:00 in UTC, each day. */
export const nightly: ScheduleRule = { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip' };

export function every(minutes: number, changes: Partial<ScheduleRule> = {}): ScheduleRule {
  return { ...nightly, cron: `*/${minutes} * * * *`, ...changes };
}

export function createScheduleBench(
  rules: Readonly<Record<string, unknown>>,
  job: Partial<JobDefinition> = {},
  options: { readonly runsStart: boolean } = { runsStart: true },
): ScheduleBench {
  const jobs = Object.keys(rules).map((name) => defineJob(name, job));
  return open(createBench({ jobs, keep: 10_000 }), new Map(Object.entries(rules)), [], options.runsStart);
}

function open(bench: Bench, file: Map<string, unknown>, notes: string[], runsStart: boolean): ScheduleBench {
  const { context, queue, database } = bench;
  const { clock, changes, runs } = context;
  const shutdown = new AbortController();
  const store = createScheduleStore(database);
  const record = (_kind: string, message: string): void => void notes.push(message);
  const keeper = createScheduleKeeper({
    store,
    runs,
    queue: runsStart ? queue : { enqueue: queue.enqueue, dispatch: () => undefined },
    jobs: () => [...file].map(([name, schedule]) => ({ name, schedule })),
    clock,
    changes,
    record,
    shutdown: shutdown.signal,
  });
  const scheduled = (): readonly StoredRun[] =>
    runs
      .list({ limit: 10_000 })
      .runs.filter(({ trigger }) => trigger === 'schedule')
      .reverse();
  return {
    bench,
    store,
    keeper,
    desk: createScheduleDesk({ store, keeper, clock, record }),
    file,
    notes,
    runs: scheduled,
    ticks: () => scheduled().map(({ job, tick }) => `${job} ${tick?.slice(5, 16)}`),
    finishAll: async () => {
      for (let left = runs.unfinished(); left.length > 0; left = runs.unfinished()) {
        for (const run of left.filter(({ state }) => state === 'running')) bench.drivers.finish(run.id, 0);
        await bench.clock.advance(1000);
      }
    },
    stop: async () => {
      shutdown.abort(new Error('the scheduler stops'));
      await bench.stop();
    },
    reopen: () => open(bench.reopen(), file, notes, runsStart),
  };
}
