// The history of runs, through the REST API.
import { createInterface } from 'node:readline';
import type { RunQuery } from '../api/client.ts';
import type { Run } from '../api/schemas.ts';
import { streamFromCluster, withCluster } from './cluster-access.ts';
import type { ProjectChoice } from './open-project.ts';

/** Newest first. */
export async function listRuns(choice: ProjectChoice, query: RunQuery): Promise<readonly Run[]> {
  return await withCluster(choice, (api) => api.runs(query));
}

export async function showRun(choice: ProjectChoice, id: string, signal: AbortSignal): Promise<Run> {
  return await withCluster(choice, (api) => api.run(id, { signal }));
}

/** Asks for the end of a run; one that has ended already stays as it is. */
export async function cancelRun(choice: ProjectChoice, id: string, signal: AbortSignal): Promise<Run> {
  return await withCluster(choice, (api) => api.cancelRun(id, { signal }));
}

/** The lines of one log of a run, by default its driver's; with `follow` until the run ends. */
export function readRunLogs(
  choice: ProjectChoice,
  id: string,
  options: { readonly follow: boolean; readonly source?: string; readonly signal: AbortSignal },
): AsyncIterable<string> {
  const { follow, source, signal } = options;
  return streamFromCluster(choice, async function* (api) {
    if (!follow) {
      const input = await api.runLogs(id, { source, signal });
      yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
      return;
    }
    for await (const { event } of api.followRun(id, { signal })) {
      if (event.kind === 'log') yield event.line;
    }
  });
}
