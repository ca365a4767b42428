// What jobs published, through the REST API.
import type { KeyLookup, ResultQuery } from '../api/client.ts';
import type { ResultInfo, ResultPage } from '../api/schemas.ts';
import { streamFromCluster, withCluster } from './cluster-access.ts';
import type { ProjectChoice } from './open-project.ts';

/** Every result that is served now. */
export async function listResults(choice: ProjectChoice, signal: AbortSignal): Promise<readonly ResultInfo[]> {
  return await withCluster(choice, (api) => api.results({ signal }));
}

/** One page of a result's rows. */
export async function readResult(choice: ProjectChoice, name: string, query: ResultQuery): Promise<ResultPage> {
  return await withCluster(choice, (api) => api.result(name, query));
}

/** Matching rows as CSV text or an Arrow IPC stream, in pieces as they arrive. */
export function streamResult(
  choice: ProjectChoice,
  name: string,
  format: 'csv' | 'arrow',
  query: ResultQuery,
): AsyncIterable<Uint8Array> {
  return streamFromCluster(choice, async function* (api) {
    yield* (await api.resultRows(name, format, query)) as AsyncIterable<Uint8Array>;
  });
}

/** The row of one key, or its rows where keys repeat. */
export async function readResultByKey(
  choice: ProjectChoice,
  name: string,
  key: string,
  query: Pick<ResultQuery, 'run' | 'signal'>,
): Promise<KeyLookup> {
  return await withCluster(choice, (api) => api.resultByKey(name, key, query));
}
