// Where Spark itself shows a run.
import type { Run } from './api-types.ts';
import { isFinished } from './run-states.ts';

/** Its driver's page while it runs, the history server's afterwards; null while Spark has given it no id. */
export function findSparkPage(run: Pick<Run, 'state' | 'applications'>): string | null {
  const application = run.applications.at(-1);
  if (application === undefined) return null;
  const id = encodeURIComponent(application);
  return isFinished(run) ? `/spark/history/${id}/jobs/` : `/spark/driver/${id}/`;
}
