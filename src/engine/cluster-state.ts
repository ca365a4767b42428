// What is there: services, their tasks and containers, as Docker tells.

export interface ObservedTask {
  readonly id: string;
  readonly state: string;
  readonly desiredState: string;
  readonly error: string | null;
  readonly containerId: string | null;
  readonly exitCode: number | null;
  readonly machineId: string | null;
  /** Hash of the ServiceSpec it was made from; empty for a task of someone else's. */
  readonly specHash: string;
  readonly createdAt: string;
}

export interface ObservedService {
  readonly id: string;
  /** Name inside the project: `spark-worker-1`. */
  readonly name: string;
  readonly component: string;
  /** Hash in the label `sparkplug.spec`: which ServiceSpec it was made from. */
  readonly specHash: string;
  readonly image: string;
  readonly namespace: string;
  /** Of each of its containers, in MiB. */
  readonly memoryLimitMiB: number;
  /** Tasks that should run. */
  readonly replicas: number;
  /** Machine it was told to stay on; null where any manager will do. */
  readonly machineId: string | null;
  /** Newest first. */
  readonly tasks: readonly ObservedTask[];
}

export interface ClusterState {
  readonly projectId: string;
  readonly services: readonly ObservedService[];
}
