// What the cluster should be: submitted by the CLI, numbered and kept by the scheduler.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import type { ImageRefs, SecretRef } from './stack-spec.ts';

/** A number that `scale` set instead of the file's. */
export interface ScaleOverride {
  readonly value: number;
  /** What the file said then: the override lasts until the file says something else. */
  readonly over: 'auto' | number;
}

/** Where the other machines of a Swarm get the cluster's images, and what they trust it by. */
export interface ClusterRegistry {
  /** Its image on the conductor's engine. */
  readonly image: string;
  /** `IP:PORT`, as the machines reach it. */
  readonly address: string;
  /** PEM: certificate of the authority that vouches for the registry and the agents; no secret. */
  readonly caCertificate: string;
}

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
  /** Numbers set by `scale`; the scheduler's own, never the command line's. */
  readonly scale?: { readonly workers?: ScaleOverride; readonly datanodes?: ScaleOverride };
  /** Ids of machines that were drained: nothing of the project stands there. The scheduler's own as well. */
  readonly drained?: readonly string[];
  /** There once the Swarm has had several machines. */
  readonly registry?: ClusterRegistry;
}
