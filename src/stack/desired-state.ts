// What the cluster should be: submitted by the CLI, numbered and kept by the scheduler.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import type { ImageRefs, SecretRef } from './stack-spec.ts';

/** The project file with what depends on machines settled. */
export type DesiredConfig = ClusterConfig & { readonly web: { readonly listen: 'local' | 'all' } };

/** Everything `planCluster` and `buildStack` need besides the machines; JSON, stored as a revision. */
export interface DesiredState {
  /** Version of SparkPlug that wrote it. */
  readonly version: string;
  readonly projectId: string;
  readonly namespace: string;
  readonly config: DesiredConfig;
  readonly images: ImageRefs;
  /** `worker: auto` resolved once, at the first `up`. */
  readonly workerShape: WorkerShape;
  /** Published port of `web`. */
  readonly webPort: number;
  readonly subnets: { readonly control: string; readonly data: string };
  /** Group id of the Docker socket on the conductor machine. */
  readonly socketGid: number;
  readonly secrets: readonly SecretRef[];
}
