// The client's calls about schedules.
import { type CallOptions, signalOf } from './exchange.ts';
import type { components } from './openapi.d.ts';
import { Schedule, type ScheduleChange, ScheduleList } from './schemas.ts';
import { readData, settled, type TypedClient } from './typed-client.ts';

export interface ScheduleCalls {
  schedules(options?: CallOptions): Promise<Schedule[]>;
  /** What is left out stays as it is. */
  changeSchedule(job: string, change: ScheduleChange, options?: CallOptions): Promise<Schedule>;
  /** The file's own rule; null where it has none. */
  resetSchedule(job: string, options?: CallOptions): Promise<Schedule | null>;
  pauseSchedule(job: string, options?: CallOptions): Promise<Schedule>;
  resumeSchedule(job: string, options?: CallOptions): Promise<Schedule>;
}

export function scheduleCalls(api: TypedClient): ScheduleCalls {
  const of = (job: string) => ({ path: { job } });
  return {
    schedules: async (call) =>
      (await readData(ScheduleList, api.GET('/api/v1/schedules', { ...signalOf(call) }))).schedules,
    changeSchedule: (job, change, call) => {
      const body = change as components['schemas']['ScheduleChange'];
      return readData(Schedule, api.PUT('/api/v1/schedules/{job}', { params: of(job), body, ...signalOf(call) }));
    },
    resetSchedule: async (job, call) => {
      const resetting = api.DELETE('/api/v1/schedules/{job}', { params: of(job), ...signalOf(call) });
      return (await settled(resetting)).response.status === 204 ? null : readData(Schedule, resetting);
    },
    pauseSchedule: (job, call) =>
      readData(Schedule, api.POST('/api/v1/schedules/{job}/pause', { params: of(job), ...signalOf(call) })),
    resumeSchedule: (job, call) =>
      readData(Schedule, api.POST('/api/v1/schedules/{job}/resume', { params: of(job), ...signalOf(call) })),
  };
}
