// Keeps the newest runs; older ones go with their logs, and with their results unless those are still served.
import { rmSync } from 'node:fs';
import type { RunContext } from './run-context.ts';
import { runLogFile } from './run-log.ts';

/** Removes what lies beyond the newest `keep` finished runs. Versions that web cannot remove now go the next time. */
export async function pruneRuns(context: RunContext, keep: number, shutdown: AbortSignal): Promise<void> {
  const old = context.runs.beyond(keep);
  context.runs.remove(old);
  for (const run of old) rmSync(runLogFile(context.logFolder, run), { force: true });
  const orphans = context.results.orphans();
  if (orphans.length === 0) return;
  try {
    await context.web.removeVersions(orphans, shutdown);
  } catch {
    return;
  }
  context.results.remove(orphans);
}
