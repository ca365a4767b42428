// What every part of the queue works with, handed in once: the stores, the engine, Spark, web, and the clock.

import type { SparkExecutor, SparkStage } from '../adapters/spark/spark-driver.ts';
import type { MasterState } from '../adapters/spark/spark-master.ts';
import type { ExecutorOutput, WorkerExecutor } from '../adapters/spark/spark-worker.ts';
import type { WebInternal } from '../adapters/web/web-internal.ts';
import type { ChangeSignal } from './change-signal.ts';
import type { Clock } from './clock.ts';
import type { ClusterGate } from './cluster-gate.ts';
import type { DriverHost } from './driver-host.ts';
import type { EventLogs } from './event-logs.ts';
import type { ExecutorLogs } from './executor-logs.ts';
import type { ResultStore } from './state/result-store.ts';
import type { RunStore } from './state/run-store.ts';

/** Spark's own view; every call is short and may throw. */
export interface SparkView {
  master(signal: AbortSignal): Promise<MasterState>;
  /** True once the driver at this address has its monitoring port open; costs the job nothing. */
  listening(address: string, signal: AbortSignal): Promise<boolean>;
  /** Application id of the driver at this address; null while it has none. */
  application(address: string, signal: AbortSignal): Promise<string | null>;
  stages(address: string, application: string, signal: AbortSignal): Promise<readonly SparkStage[]>;
  settings(address: string, application: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  executors(address: string, application: string, signal: AbortSignal): Promise<readonly SparkExecutor[]>;
  /** Executors that the worker at this address has or had. */
  workerExecutors(worker: string, signal: AbortSignal): Promise<readonly WorkerExecutor[]>;
  /** The last `bytes` that an executor wrote; null where its worker has it no longer. */
  executorOutput(
    worker: string,
    executor: WorkerExecutor,
    stream: 'stdout' | 'stderr',
    bytes: number,
    signal: AbortSignal,
  ): Promise<ExecutorOutput | null>;
}

/** The image of the waiting drivers. */
export interface DriverImages {
  /** What the service is set to now; null when there is none. */
  current(signal: AbortSignal): Promise<string | null>;
  /** Sets the service to `image`; `run` is why. */
  set(image: string, run: string, signal: AbortSignal): Promise<void>;
}

/** What a run gets of the cluster as it is when an attempt starts. */
export interface RunShare {
  /** `spark.cores.max`; null: every core, and those of workers that join while it runs. */
  readonly coresMax: number | null;
  /** `dfs.replication`: copies of what it writes. */
  readonly replication: number;
  /** A history server is there to read its event log. */
  readonly eventLog: boolean;
}

export interface RunContext {
  readonly runs: RunStore;
  readonly results: ResultStore;
  readonly drivers: DriverHost;
  readonly images: DriverImages;
  readonly gate: ClusterGate;
  readonly share: () => Promise<RunShare>;
  readonly web: WebInternal;
  readonly spark: SparkView;
  readonly eventLogs: EventLogs;
  readonly executorLogs: ExecutorLogs;
  readonly clock: Clock;
  readonly changes: ChangeSignal;
  readonly logFolder: string;
  /** Largest log of one run in bytes. */
  readonly logCapBytes: number;
  /** Containers that are given to a run now; shared by parallel runs. */
  readonly claimed: Set<string>;
  /** Adds a line to the cluster's history. */
  readonly record: (kind: string, message: string) => void;
}

/** The limits of waiting, in milliseconds. */
export const limits = {
  /** Between two looks for a waiting driver. */
  driverPollMs: 200,
  /** A new driver container starts within seconds, unless its image has to be brought to the machine first. */
  driverWaitMs: 180_000,
  /** After SIGTERM; the driver itself ends a deaf job after 8 s. */
  stopGraceMs: 15_000,
  /** Between two looks at a running job. */
  watchMs: 1_000,
  /**
   * From the opening of a driver's monitoring port to the first question after its stages, which costs it a second of a
   * core (Jersey starts): jobs that take less than this are spared.
   */
  progressDelayMs: 6_000,
  /** Spark offers resources within a second: an application that is refused for this long stays refused. */
  impossibleExecutorsMs: 3_000,
  /** A restarted worker registers within about 10 s. */
  noWorkersMs: 20_000,
  /** Times and pause of asking web again when it does not answer (it may be restarting). */
  publishTries: 12,
  publishPauseMs: 5_000,
} as const;
