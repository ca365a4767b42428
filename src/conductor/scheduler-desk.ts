// The scheduler put together: stores, queue and keeper behind the one desk that the routes ask.
import { createReadStream } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pathExists } from '../adapters/host/path-exists.ts';
import type { WebInternal } from '../adapters/web/web-internal.ts';
import type { SchedulerDesk } from '../api/scheduler-routes.ts';
import type { ClusterStatus, Operation } from '../api/schemas.ts';
import type { ClusterHealth } from '../operations/cluster-health.ts';
import type { LiveCluster } from '../operations/live-cluster.ts';
import { type ChangeSignal, createChangeSignal } from '../runs/change-signal.ts';
import { type Clock, timestamp } from '../runs/clock.ts';
import { createClusterGate } from '../runs/cluster-gate.ts';
import type { DriverHost } from '../runs/driver-host.ts';
import type { RunContext, SparkView } from '../runs/run-context.ts';
import { streamRunEvents } from '../runs/run-events.ts';
import { defaultCapBytes, runLogFile } from '../runs/run-log.ts';
import { createRunQueue, type RunDefaults, type RunQueue, unknownRun } from '../runs/run-queue.ts';
import { type ClusterStore, createClusterStore, operationKey } from '../runs/state/cluster-store.ts';
import { createResultStore } from '../runs/state/result-store.ts';
import { createRunStore, publicRun, type StoredRun } from '../runs/state/run-store.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { type ClusterKeeper, createClusterKeeper, unknownOperation } from './cluster-keeper.ts';

export interface DeskParts {
  readonly database: DatabaseSync;
  readonly store: ClusterStore;
  readonly changes: ChangeSignal;
  readonly cluster: LiveCluster & { health(revision: number, desired: DesiredState): Promise<ClusterHealth> };
  readonly drivers: DriverHost;
  readonly web: WebInternal;
  readonly spark: SparkView;
  readonly clock: Clock;
  readonly logFolder: string;
  readonly projectId: string;
  readonly version: string;
  readonly shutdown: AbortSignal;
}

export interface SchedulerParts {
  readonly desk: SchedulerDesk;
  readonly keeper: ClusterKeeper;
  readonly queue: RunQueue;
}

/** Stores that the desk and the live cluster share. */
export function openStores(database: DatabaseSync): { readonly store: ClusterStore; readonly changes: ChangeSignal } {
  const changes = createChangeSignal();
  return { store: createClusterStore(database, changes), changes };
}

/** Starts nothing: `keeper.adopt`, `queue.start` and `keeper.resume` do. */
export function createScheduler(parts: DeskParts): SchedulerParts {
  const { database, store, changes, clock, shutdown, projectId, version } = parts;
  const gate = createClusterGate(changes);
  const keeper = createClusterKeeper({
    store,
    gate,
    cluster: parts.cluster,
    clock,
    version,
    projectId,
    changed: () => queue.dispatch(),
    shutdown,
  });
  const context: RunContext = {
    runs: createRunStore(database, changes),
    results: createResultStore(database),
    drivers: parts.drivers,
    images: {
      current: () => keeper.currentDriverImage(),
      set: (image, run, signal) => keeper.setDriverImage(image, run, signal),
    },
    gate,
    web: parts.web,
    spark: parts.spark,
    clock,
    changes,
    logFolder: parts.logFolder,
    logCapBytes: defaultCapBytes,
    claimed: new Set(),
    record: (kind, message) => store.addEvent({ at: timestamp(clock), kind, message }),
  };
  const queue: RunQueue = createRunQueue(context, () => readDefaults(keeper), shutdown);
  return { desk: createDesk(parts, context, keeper, queue), keeper, queue };
}

function createDesk(parts: DeskParts, context: RunContext, keeper: ClusterKeeper, queue: RunQueue): SchedulerDesk {
  const { store, changes, clock, cluster, projectId, version } = parts;
  const { runs, results, logFolder } = context;
  const mustRun = (id: string): StoredRun => {
    const run = runs.get(id);
    if (run === null) throw unknownRun(id);
    return run;
  };
  const mustOperation = (id: string): Operation => {
    const operation = store.operation(id);
    if (operation === null) throw unknownOperation(id);
    const { now: _, ...shown } = operation;
    return shown;
  };
  const readStatus = async (): Promise<ClusterStatus> => {
    const { revision, desired } = keeper.current();
    const health = await cluster.health(revision, desired);
    const operation = store.runningOperation()?.id ?? null;
    return { projectId, version, revision, ...health, runs: runs.count(), operation };
  };

  return {
    version,
    status: shareFor(clock, statusMs, readStatus),
    desired: () => keeper.current(),
    submitDesired: (desired, options) => keeper.submit(desired, options),
    operation: mustOperation,
    followOperation: (id, signal) => followOperation(changes, () => mustOperation(id), id, signal),
    cancelOperation: (id) => {
      keeper.cancel(id);
      return mustOperation(id);
    },
    startRun: (request) => queue.submit(request),
    runs: (filter) => runs.list(filter).map(publicRun),
    run: (id) => publicRun(mustRun(id)),
    runLog: async (id) => {
      const file = runLogFile(logFolder, mustRun(id).id);
      // A run that has not started has no log yet.
      return (await pathExists(file)) ? createReadStream(file) : Readable.from([]);
    },
    followRun: (id, from, signal) => streamRunEvents({ runs, changes, logFolder }, id, from, signal),
    cancelRun: (id) => queue.cancel(id),
    events: (limit) => store.events(limit),
    results: () => results.current(),
  };
}

/** A status costs several questions: those who ask within this time share one answer. */
const statusMs = 750;

function shareFor<T>(clock: Clock, milliseconds: number, ask: () => Promise<T>): () => Promise<T> {
  let shared: { readonly until: number; readonly answer: Promise<T> } | null = null;
  return () => {
    if (shared !== null && clock.now() < shared.until) return shared.answer;
    const answer = ask();
    shared = { until: clock.now() + milliseconds, answer };
    answer.catch(() => {
      shared = null;
    });
    return answer;
  };
}

async function* followOperation(
  changes: ChangeSignal,
  read: () => Operation,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<Operation> {
  for (;;) {
    const seen = changes.version(operationKey(id));
    const operation = read();
    yield operation;
    if (operation.state !== 'running') return;
    await changes.after(operationKey(id), seen, signal);
  }
}

function readDefaults(keeper: ClusterKeeper): RunDefaults {
  const { revision, desired } = keeper.current();
  const { config, images } = desired;
  return {
    revision,
    driverImage: images.driver,
    jobs: config.jobs.map(({ name, main, className, args, env, secrets, timeoutMs, retries, results }) => ({
      name,
      main,
      className,
      args: [...args],
      env: { ...env },
      secrets: [...secrets],
      timeoutMs,
      retries,
      results: results.map((result) => ({ ...result })),
    })),
    sparkConf: config.spark.conf,
    parallel: config.runs.parallel,
    keep: config.runs.keep,
  };
}
