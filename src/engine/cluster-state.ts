// What is there: services, their tasks and containers, as Docker tells.

export interface ObservedTask {
  readonly id: string;
  readonly state: string;
  readonly desiredState: string;
  readonly error: string | null;
  readonly containerId: string | null;
  readonly exitCode: number | null;
  readonly machineId: string | null;
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
  /** Newest first. */
  readonly tasks: readonly ObservedTask[];
}

export interface ClusterState {
  readonly projectId: string;
  readonly services: readonly ObservedService[];
}
