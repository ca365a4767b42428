// What the cluster should be: submitted by the CLI, numbered and kept by the scheduler.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import type { ImageRefs, SecretRef } from './stack-spec.ts';

/** Where the other machines of a Swarm get the cluster's images, and what they trust it by. */
export interface ClusterRegistry {
  /** Its image on the conductor's engine. */
  readonly image: string;
  /** `IP:PORT`, as the machines reach it. */
  readonly address: string;
  /** PEM: certificate of the authority that vouches for the registry and the agents; no secret. */
  readonly caCertificate: string;
}

/** Everything `planCluster` and `buildStack` need besides the machines; JSON, stored as a revision. */
export interface DesiredState {
  /** Version of SparkPlug that wrote it. */
  readonly version: string;
  readonly projectId: string;
  readonly namespace: string;
  readonly config: ClusterConfig;
  readonly images: ImageRefs;
  /** `worker: auto` resolved once, at the first `up`. */
  readonly workerShape: WorkerShape;
  /** Published port of `web`. */
  readonly webPort: number;
  readonly subnets: { readonly control: string; readonly data: string };
  /** Group id of the Docker socket on the conductor machine. */
  readonly socketGid: number;
  readonly secrets: readonly SecretRef[];
  /** There once the Swarm has had several machines. */
  readonly registry?: ClusterRegistry;
}
