// The scheduler's answers about jobs and their schedules.
import type { JobDesk } from '../api/schedule-routes.ts';
import type { JobConfig } from '../config/cluster-config.ts';
import type { ScheduleDesk } from '../runs/schedules/schedule-desk.ts';
import { publicRun, type RunStore } from '../runs/state/run-store.ts';

interface JobDeskParts {
  /** Those of the last `up`. */
  readonly jobs: () => readonly JobConfig[];
  readonly runs: Pick<RunStore, 'list'>;
  readonly schedules: ScheduleDesk;
}

export function createJobDesk({ jobs, runs, schedules }: JobDeskParts): JobDesk {
  return {
    jobs: () => ({
      jobs: jobs().map(({ name, main, args, results }) => {
        const [lastRun] = runs.list({ job: name, limit: 1 }).runs;
        return {
          name,
          main,
          args: [...args],
          results: results.map((result) => result.name),
          schedule: schedules.get(name),
          lastRun: lastRun === undefined ? null : publicRun(lastRun),
        };
      }),
    }),
    schedules: () => ({ schedules: schedules.list() }),
    changeSchedule: (job, change) => schedules.change(job, change),
    resetSchedule: (job) => schedules.reset(job),
    pauseSchedule: (job) => schedules.pause(job),
    resumeSchedule: (job) => schedules.resume(job),
  };
}
