// Which applications of Spark a run started: told by the driver's log as soon as the master has taken one, and by the
// driver's REST API for jobs that log in a way of their own.
import type { RunContext } from './run-context.ts';

/** As the master names them; nothing else comes near a path in HDFS. */
const applicationId = /^app-\d{14}-\d{4,9}$/;
/** What Spark's StandaloneSchedulerBackend writes, at the level that the driver's logging lets through. */
const announcement = /\bStandaloneSchedulerBackend: Connected to Spark cluster with app ID (\S+)\s*$/;

/** The application that a line of a driver's log announces, null for any other line. */
export function announcedApplication(line: string): string | null {
  // Most lines are not: looked for the cheap way first.
  return line.includes('app ID') ? (announcement.exec(line)?.[1] ?? null) : null;
}

/** Adds the application to those of the run, once; what is no id is passed over. */
export function noteApplication(context: RunContext, run: string, application: string): void {
  if (!applicationId.test(application)) return;
  const known = context.runs.get(run)?.applications;
  if (known === undefined || known.includes(application)) return;
  context.runs.update(run, { applications: [...known, application] });
}
