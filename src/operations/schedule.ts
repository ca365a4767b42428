// Schedules, through the REST API.
import type { Schedule, ScheduleChange } from '../api/schemas.ts';
import { withCluster } from './cluster-access.ts';
import type { ProjectChoice } from './open-project.ts';

/** In the order of the project file. */
export async function listSchedules(choice: ProjectChoice, signal: AbortSignal): Promise<readonly Schedule[]> {
  return await withCluster(choice, (api) => api.schedules({ signal }));
}

/** Paused: no tick starts a run, and none is made up for after `resumeSchedule`. */
export async function pauseSchedule(choice: ProjectChoice, job: string, signal: AbortSignal): Promise<Schedule> {
  return await withCluster(choice, (api) => api.pauseSchedule(job, { signal }));
}

export async function resumeSchedule(choice: ProjectChoice, job: string, signal: AbortSignal): Promise<Schedule> {
  return await withCluster(choice, (api) => api.resumeSchedule(job, { signal }));
}

/** Sets another rule than the file's; it lasts until the file's own value changes. */
export async function setSchedule(
  choice: ProjectChoice,
  job: string,
  change: ScheduleChange,
  signal: AbortSignal,
): Promise<Schedule> {
  return await withCluster(choice, (api) => api.changeSchedule(job, change, { signal }));
}

/** Back to the file's own rule; null where it has none. */
export async function resetSchedule(choice: ProjectChoice, job: string, signal: AbortSignal): Promise<Schedule | null> {
  return await withCluster(choice, (api) => api.resetSchedule(job, { signal }));
}
