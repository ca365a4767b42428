// The end of a run as it is told to others: whom, and in what words. Pure.
import type { Notification, NotifyTarget } from '../../api/schemas.ts';
import type { StoredRun } from '../state/run-store.ts';

/** Whom the end of this run concerns, null for nobody; cancelling is neither a failure nor a success. */
export function chooseTarget({ state, definition }: StoredRun): NotifyTarget | null {
  if (state === 'failed') return definition.onFailure ?? null;
  return state === 'succeeded' ? (definition.onSuccess ?? null) : null;
}

export function buildNotification(run: StoredRun, project: string): Notification {
  const { startedAt, finishedAt } = run;
  const durationMs = startedAt === null || finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(startedAt);
  return {
    version: 1,
    event: run.state === 'succeeded' ? 'run.succeeded' : 'run.failed',
    project,
    job: run.job,
    run: run.id,
    state: run.state,
    trigger: run.trigger,
    queuedAt: run.queuedAt,
    startedAt,
    finishedAt,
    durationSeconds: durationMs === null ? null : Math.max(0, durationMs) / 1000,
    attempts: run.attempts.length,
    failure: run.failure,
    results: run.published,
    link: `/runs/${encodeURIComponent(run.id)}`,
  };
}
