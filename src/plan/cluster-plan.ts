// What goes where: the pure answer to "this config on these machines".
import type { WorkerShape } from '../config/cluster-config.ts';

/**
 * `ready` takes containers. `away`: its engine or its link is down; it keeps its DataNodes, which wait for it, and gets
 * nothing else. `drained`: it keeps nothing (but the conductor, which stands nowhere else).
 */
export type MachineState = 'ready' | 'away' | 'drained';

/** A physical or simulated host as the planner sees it. */
export interface Machine {
  /** Swarm's node id, or the name for a machine one only thinks of. */
  readonly id: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  /** Memory reserved there by services that are not this project's. */
  readonly othersMemoryMiB: number;
  /** True where the conductor's containers live; exactly one machine. */
  readonly conductor: boolean;
  /** True for the computer the user also works on: `auto` leaves half of its memory by default. */
  readonly shared: boolean;
  /** False: compute only. It gets no DataNodes, since it may go at any moment and its disk with it. */
  readonly storage: boolean;
  /** Never `away` for the conductor: the planner runs there. */
  readonly state: MachineState;
}

/** Components with one container each; workers and DataNodes are planned by number, an agent stands on each further machine. */
export type FixedComponent =
  | 'web'
  | 'scheduler'
  | 'spark-driver'
  | 'spark-master'
  | 'namenode'
  | 'checkpointer'
  | 'history'
  | 'registry';
export type Component = FixedComponent | 'spark-worker' | 'datanode' | 'agent';

/** Memory of one container. `heapMiB` is the JVM's -Xmx (0 where there is no JVM at rest). */
export interface Sizing {
  readonly limitMiB: number;
  readonly reservationMiB: number;
  readonly heapMiB: number;
}

export interface WorkerPlan extends WorkerShape {
  /** Heap of one executor (`spark.executor.memory`). */
  readonly heapMiB: number;
  /** Heap of the worker daemon itself. */
  readonly daemonHeapMiB: number;
}

/** One follower service: `spark-worker-3` on machine X. Ordinals start at 1. */
export interface Placement {
  readonly ordinal: number;
  readonly machineId: string;
  readonly machineName: string;
}

/** DataNodes are sized by their machine, so that a weaker one that joins restarts none of the others. */
export interface DatanodePlacement extends Placement {
  readonly sizing: Sizing;
}

/** What stands now, as far as it is known. */
export interface CurrentPlacements {
  readonly workers: readonly Placement[];
  readonly datanodes: readonly Placement[];
}

/** What keeps further workers off a machine. `requested`: nothing does, the file wants no more. */
export type LimitedBy = 'cores' | 'memory' | 'requested' | 'away' | 'drained';

export interface MachinePlan {
  readonly id: string;
  readonly name: string;
  readonly state: MachineState;
  readonly cores: number;
  readonly memoryMiB: number;
  /** Left alone: the system's share, other projects' and what `auto` leaves to the user. */
  readonly reservedMiB: number;
  readonly workers: number;
  readonly datanodes: number;
  readonly conductor: boolean;
  /** False: compute only, no DataNodes. */
  readonly storage: boolean;
  readonly left: { readonly cores: number; readonly memoryMiB: number };
  readonly limitedBy: LimitedBy;
  /** One sentence: "1.5 GiB left, one worker needs 2 GiB; memory ran out first". */
  readonly explanation: string;
}

/** Whether the history server stands on the conductor machine, and why. */
export interface HistoryPlan {
  readonly planned: boolean;
  /** One sentence: "left out: …". */
  readonly explanation: string;
}

export interface ClusterPlan {
  readonly machines: readonly MachinePlan[];
  readonly worker: WorkerPlan;
  readonly workers: readonly Placement[];
  readonly datanodes: readonly DatanodePlacement[];
  readonly totalWorkers: number;
  /** Workers that the file asks for and that find no room while a machine is away; else 0. */
  readonly missingWorkers: number;
  readonly replication: number;
  readonly history: HistoryPlan;
  readonly sizing: Readonly<Record<Exclude<Component, 'datanode'>, Sizing>>;
  /** All workers' cores divided by `runs.parallel`. */
  readonly coresPerRun: number;
  /** Replicas of spark-driver. */
  readonly parallelRuns: number;
}
