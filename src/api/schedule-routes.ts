// The scheduler's routes about jobs and their schedules.
import type { FastifyInstance } from 'fastify';
import { runRoutes } from './routes/run-routes.ts';
import type { JobList, Schedule, ScheduleChange, ScheduleList } from './schemas.ts';
import { serveRoute } from './serve-route.ts';

/** Unknown jobs throw JOB_UNKNOWN, jobs without a schedule SCHEDULE_UNKNOWN. */
export interface JobDesk {
  jobs(): JobList;
  schedules(): ScheduleList;
  changeSchedule(job: string, change: ScheduleChange): Schedule;
  /** Null: the file has no schedule for the job. */
  resetSchedule(job: string): Schedule | null;
  pauseSchedule(job: string): Schedule;
  resumeSchedule(job: string): Schedule;
}

export function registerScheduleRoutes(app: FastifyInstance, desk: JobDesk): void {
  serveRoute(app, runRoutes.jobs, () => desk.jobs());
  serveRoute(app, runRoutes.schedules, () => desk.schedules());
  serveRoute(app, runRoutes.changeSchedule, ({ params, body }) => desk.changeSchedule(params.job, body));
  serveRoute(app, runRoutes.resetSchedule, ({ params }, _request, reply) => {
    const schedule = desk.resetSchedule(params.job);
    return schedule === null ? reply.code(204).send() : schedule;
  });
  serveRoute(app, runRoutes.pauseSchedule, ({ params }) => desk.pauseSchedule(params.job));
  serveRoute(app, runRoutes.resumeSchedule, ({ params }) => desk.resumeSchedule(params.job));
}
