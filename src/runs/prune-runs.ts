// Keeps the newest runs; older ones go with their logs, with Spark's event logs, and with their results unless those are
// still served.
import { rmSync } from 'node:fs';
import type { RunContext } from './run-context.ts';
import { runLogFile } from './run-log.ts';

/**
 * Removes what lies beyond the newest `keep` finished runs. What web or HDFS cannot remove now goes the next time: a
 * scheduler prunes when it starts and after every run. Files go before their rows, so that one that is killed in between
 * begins again.
 */
export async function pruneRuns(context: RunContext, keep: number, shutdown: AbortSignal): Promise<void> {
  const old = context.runs.beyond(keep);
  for (const run of old) {
    rmSync(runLogFile(context.logFolder, run), { force: true });
    context.executorLogs.remove(run);
  }
  const applications = old.flatMap((run) => context.runs.get(run)?.applications ?? []);
  context.runs.remove(old);
  await Promise.all([pruneResults(context, shutdown), pruneEventLogs(context, applications, shutdown)]);
}

async function pruneResults(context: RunContext, shutdown: AbortSignal): Promise<void> {
  const orphans = context.results.orphans();
  if (orphans.length === 0) return;
  try {
    await context.web.removeVersions(orphans, shutdown);
  } catch {
    return;
  }
  context.results.remove(orphans);
}

/** The sweep finds what could not be removed earlier; it needs no memory of its own. */
async function pruneEventLogs(
  context: RunContext,
  applications: readonly string[],
  shutdown: AbortSignal,
): Promise<void> {
  const { applications: kept, oldest } = context.runs.kept();
  try {
    await context.eventLogs.remove(applications, shutdown);
    // Without a dropped run nothing can be left over; what lies there then is not of this history.
    if (oldest === null || oldest.number === 1) return;
    await context.eventLogs.sweep(kept, Date.parse(oldest.startedAt ?? oldest.queuedAt), shutdown);
  } catch {
    // HDFS is away.
  }
}
