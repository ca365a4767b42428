// What jobs published, through the REST API.
import type { KeyLookup, ResultQuery } from '../api/client.ts';
import type { ResultInfo, ResultPage } from '../api/schemas.ts';
import { withCluster } from './cluster-access.ts';
import type { ProjectChoice } from './open-project.ts';

/** Every result that is served now. */
export async function listResults(choice: ProjectChoice, signal: AbortSignal): Promise<readonly ResultInfo[]> {
  return await withCluster(choice, (api) => api.results({ signal }));
}

/** One page of a result's rows. */
export async function readResult(choice: ProjectChoice, name: string, query: ResultQuery): Promise<ResultPage> {
  return await withCluster(choice, (api) => api.result(name, query));
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
