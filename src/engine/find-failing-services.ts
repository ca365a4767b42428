// Crash loops: a service that fails again and again reads `1/1` half of the time, so its history is asked.
import type { ClusterState, ObservedService, ObservedTask } from './cluster-state.ts';

export interface FailingService {
  readonly service: string;
  readonly failures: number;
  /** What Docker says about the newest failure: `task: non-zero exit (1)`, `No such image: …`. */
  readonly error: string;
  /** Container of the newest failure that had one: its log says why. */
  readonly containerId: string | null;
}

/** This many failures are no accident. */
const failuresOfALoop = 3;
/** Older failures are history: a crash loop restarts within seconds. */
const recentMs = 120_000;

/** A container that has run for this long is past what failed before: an image that came late, a dead neighbour. */
const settledMs = 15_000;

/** Finds services that failed at least three times in the two minutes before `nowMs`, and whose container is none that stays. */
export function findFailingServices(state: ClusterState, nowMs: number): readonly FailingService[] {
  return state.services.flatMap((service) => {
    const failed = service.tasks.filter(
      (task) => isFailure(task, service) && nowMs - Date.parse(task.createdAt) < recentMs,
    );
    const newest = failed[0];
    if (newest === undefined || failed.length < failuresOfALoop || hasSettled(service, nowMs)) return [];
    const withContainer = failed.find((task) => task.containerId !== null);
    return [
      {
        service: service.name,
        failures: failed.length,
        error: newest.error ?? `exit code ${newest.exitCode ?? 'unknown'}`,
        containerId: withContainer?.containerId ?? null,
      },
    ];
  });
}

function hasSettled({ tasks }: ObservedService, nowMs: number): boolean {
  const [newest] = tasks;
  return newest?.state === 'running' && nowMs - Date.parse(newest.createdAt) >= settledMs;
}

function isFailure(task: ObservedTask, service: ObservedService): boolean {
  if (task.state === 'rejected') return true;
  // A driver's container ends with its job's exit code: what failed is the job.
  return task.state === 'failed' && service.component !== 'spark-driver';
}
