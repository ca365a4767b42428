// Where Spark itself shows a run.
import type { Run } from './api-types.ts';

/**
 * Its driver's page, null while Spark has given it no id. Web leads on to the history server once the application has
 * ended, and waits for whichever of both is about to show it.
 */
export function findSparkPage(run: Pick<Run, 'applications'>): string | null {
  const application = run.applications.at(-1);
  return application === undefined ? null : `/spark/driver/${encodeURIComponent(application)}/`;
}
