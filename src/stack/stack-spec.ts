// The whole cluster as data: what the Compose file will say, before it is text.
import type { Component } from '../plan/cluster-plan.ts';

export type NetworkName = 'control' | 'data';
/** `data`: Spark, HDFS, drivers. `conductor`: web and scheduler. */
export type ImageName = 'hdfs' | 'spark' | 'conductor' | 'worker' | 'driver';
export type ImageRefs = Readonly<Record<ImageName, string>>;

/** A generated file, mounted read-only as a Swarm config; its name carries a hash of its content. */
export interface ConfigFile {
  /** Unique in the stack, with the hash: `core-site_0f3a…`. */
  readonly name: string;
  /** File name below the Compose folder. */
  readonly file: string;
  readonly content: string;
  readonly hash: string;
}

/** A Swarm secret. The content is never part of a StackSpec; the hash is in `swarmName`. */
export interface SecretRef {
  /** Name of the file in /run/secrets. */
  readonly name: string;
  readonly swarmName: string;
}

export interface ConfigMount {
  readonly config: string;
  readonly target: string;
}

export interface VolumeMount {
  readonly volume: string;
  readonly target: string;
}

export interface Healthcheck {
  readonly test: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
}

export interface ServiceSpec {
  /** `spark-worker-1`: unique in the project, host name and network alias alike. */
  readonly name: string;
  readonly component: Component;
  readonly ordinal: number | null;
  readonly replicas: number;
  readonly image: string;
  readonly command: readonly string[];
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly networks: readonly NetworkName[];
  readonly configs: readonly ConfigMount[];
  /** Names of secrets of the stack. */
  readonly secrets: readonly string[];
  readonly volumes: readonly VolumeMount[];
  /** Host paths bound into the container (the Docker socket of the scheduler only). */
  readonly binds: readonly { readonly source: string; readonly target: string }[];
  /** Published in host mode. */
  readonly ports: readonly { readonly published: number; readonly target: number }[];
  readonly healthcheck: Healthcheck | null;
  readonly limitMiB: number;
  readonly reservationMiB: number;
  /** Node id that the service must stay on, null for a hand deployment on any manager. */
  readonly machineId: string | null;
  readonly stopGraceMs: number;
  /**
   * Hash of all above but `replicas` and `machineId` (changing those restarts no container), and of what the configs
   * contain: equal hash, nothing to do. Stands in the label `sparkplug.spec`.
   */
  readonly hash: string;
}

/** An image that services on other machines pull from the cluster's own registry. */
export interface PublishedImage {
  readonly name: ImageName;
  /** Name in the registry: `10.0.0.5:5000/sparkplug/worker:4f1c…`. */
  readonly ref: string;
  /** The same image on the conductor's engine. */
  readonly source: string;
}

export interface StackSpec {
  readonly projectId: string;
  /** Name given to `docker stack deploy`. */
  readonly namespace: string;
  readonly services: readonly ServiceSpec[];
  readonly configs: readonly ConfigFile[];
  readonly secrets: readonly SecretRef[];
  readonly volumes: readonly string[];
  readonly networks: readonly { readonly name: NetworkName; readonly subnet: string }[];
  /** Absent where all services start from images of one engine. */
  readonly published?: readonly PublishedImage[];
}
