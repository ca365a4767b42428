// Use case `scale`: other numbers of workers and DataNodes than the file's.
import type { ScaleChange } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { withCluster } from './cluster-access.ts';
import { followSubmission } from './follow-operation.ts';
import type { ProjectChoice } from './open-project.ts';

export interface FollowedChange {
  /** Do not wait for running jobs. */
  readonly now: boolean;
  /** Go on where data would be lost. */
  readonly force: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface ScaleReport {
  /** False: the cluster was like that already. */
  readonly changed: boolean;
  readonly workers: number;
  readonly datanodes: number;
}

/** Reads `workers=3 datanodes=file`. @throws SparkPlugError USAGE */
export function parseScale(texts: readonly string[]): ScaleChange {
  const change: { workers?: number | 'file'; datanodes?: number | 'file' } = {};
  for (const text of texts) {
    const [, key, value] = /^(workers|datanodes)=(file|[1-9]\d{0,5})$/.exec(text) ?? [];
    if (key !== 'workers' && key !== 'datanodes') throw notANumber(text);
    if (change[key] !== undefined) throw twice(key);
    change[key] = value === 'file' ? 'file' : Number(value);
  }
  if (texts.length === 0) throw notANumber('');
  return change;
}

/**
 * Brings the cluster to these numbers and returns when it is there; what goes is drained first.
 * @throws SparkPlugError NO_ROOM, REPLICATION_IMPOSSIBLE, CLUSTER_BUSY, and what stops the operation
 */
export async function scaleCluster(
  choice: ProjectChoice,
  change: ScaleChange,
  { now, force, report, signal }: FollowedChange,
): Promise<ScaleReport> {
  return await withCluster(choice, async (api) => {
    const submission = await api.scale(change, { now, force, signal });
    const changed = await followSubmission(submission, { api, report, signal });
    const { components } = await api.clusterStatus({ signal });
    const count = (component: string) => components.filter(({ name }) => name.startsWith(`${component}-`)).length;
    return { changed, workers: count('spark-worker'), datanodes: count('datanode') };
  });
}

function notANumber(text: string): SparkPlugError {
  return new SparkPlugError('USAGE', text === '' ? 'which numbers?' : 'this is no number of followers', {
    ...(text === '' ? {} : { met: text }),
    hint: 'sparkplug scale workers=3 datanodes=2; `workers=file` goes back to the project file',
  });
}

function twice(key: string): SparkPlugError {
  return new SparkPlugError('USAGE', `\`${key}\` was given twice`, { met: key, hint: 'give each number once' });
}
