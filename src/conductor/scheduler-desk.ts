// The scheduler put together: stores, queue and keeper behind the one desk that the routes ask.
import type { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import type { AgentClients } from '../adapters/agent/agent-client.ts';
import type { Hdfs } from '../adapters/hdfs/webhdfs.ts';
import type { WebInternal } from '../adapters/web/web-internal.ts';
import type { PostWebhook } from '../adapters/webhook/post-webhook.ts';
import type { MachineDesk } from '../api/machine-routes.ts';
import type { JobDesk } from '../api/schedule-routes.ts';
import type { SchedulerDesk } from '../api/scheduler-routes.ts';
import type { ClusterEvent, ClusterStatus, Operation } from '../api/schemas.ts';
import { checkSparkConf } from '../operations/check-run-request.ts';
import type { ComponentProbes } from '../operations/cluster-health.ts';
import type { ComponentLogs } from '../operations/component-logs.ts';
import { describeOverrides } from '../operations/effective-desired.ts';
import type { ContainerHost } from '../operations/fleet.ts';
import type { ObservableCluster } from '../operations/live-cluster.ts';
import { createNoticeWatch, type StandingAgent } from '../operations/notice-watch.ts';
import { type ChangeSignal, createChangeSignal } from '../runs/change-signal.ts';
import { type Clock, timestamp } from '../runs/clock.ts';
import { createClusterGate } from '../runs/cluster-gate.ts';
import type { DriverHost } from '../runs/driver-host.ts';
import { createEventLogs } from '../runs/event-logs.ts';
import { createExecutorLogs } from '../runs/executor-logs.ts';
import { deliverNotifications } from '../runs/notify/notifier.ts';
import type { RunContext, SparkView } from '../runs/run-context.ts';
import { recordRunEnd } from '../runs/run-end.ts';
import { streamRunEvents } from '../runs/run-events.ts';
import { defaultCapBytes } from '../runs/run-log.ts';
import { createRunQueue, type RunDefaults, type RunQueue, unknownRun } from '../runs/run-queue.ts';
import { createScheduleDesk } from '../runs/schedules/schedule-desk.ts';
import { createScheduleKeeper, type ScheduleKeeper } from '../runs/schedules/schedule-keeper.ts';
import { type ClusterStore, createClusterStore, eventsKey, operationKey } from '../runs/state/cluster-store.ts';
import { createCounterStore } from '../runs/state/counter-store.ts';
import { createOutboxStore } from '../runs/state/outbox-store.ts';
import { createResultStore } from '../runs/state/result-store.ts';
import { createRunStore, publicRun, type StoredRun } from '../runs/state/run-store.ts';
import { createSampleStore } from '../runs/state/sample-store.ts';
import { createScheduleStore } from '../runs/state/schedule-store.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { type ClusterKeeper, createClusterKeeper, unknownOperation } from './cluster-keeper.ts';
import { type ClusterObserver, createClusterObserver } from './cluster-observer.ts';
import { keepReconciled } from './cluster-reconciler.ts';
import { createJobDesk } from './job-desk.ts';
import { createMachineDesk } from './machine-desk.ts';
import { keepNoticed } from './notice-keeper.ts';
import { createRunLogs } from './run-logs.ts';
import { shareFor } from './share-for.ts';

export interface DeskParts {
  readonly database: DatabaseSync;
  readonly store: ClusterStore;
  readonly changes: ChangeSignal;
  readonly cluster: ObservableCluster;
  readonly drivers: DriverHost;
  readonly web: WebInternal;
  readonly spark: SparkView;
  readonly hdfs: Hdfs;
  readonly probes: Pick<ComponentProbes, 'namenode' | 'master'>;
  /** The project's containers on all machines; what it reads is bounded in time. */
  readonly containers: Pick<ContainerHost, 'stats' | 'exec' | 'signal'>;
  /** To hear of machines that go soon; null where there is one machine. */
  readonly agents: Pick<AgentClients, 'connect'> | null;
  /** Value of a secret that signs notifications; null when there is none. */
  readonly readSecret: (name: string) => Uint8Array | null;
  readonly post: PostWebhook;
  readonly componentLogs: ComponentLogs;
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
  readonly schedules: ScheduleKeeper;
  /** Samples what the cluster uses, until the shutdown. */
  sample(): Promise<never>;
  /** Delivers notifications, until the shutdown. */
  notify(): Promise<never>;
  /** Keeps the cluster what it should be, whatever machines come and go, until the shutdown. */
  reconcile(): Promise<never>;
  /** Empties machines that go soon, until the shutdown. */
  heed(): Promise<never>;
}

/** Stores that the desk and the live cluster share. */
export function openStores(database: DatabaseSync): { readonly store: ClusterStore; readonly changes: ChangeSignal } {
  const changes = createChangeSignal();
  return { store: createClusterStore(database, changes), changes };
}

/** Starts nothing: `keeper.adopt`, `queue.start`, `keeper.resume` and `schedules.start` do. */
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
    changed: () => {
      queue.dispatch();
      scheduleKeeper.wake();
    },
    shutdown,
  });
  const counters = createCounterStore(database);
  const outbox = createOutboxStore(database, changes);
  const project = (): DesiredState['config'] => keeper.current().desired.config;
  const ended = recordRunEnd({ counters, outbox, project: () => project().name });
  const runs = createRunStore(database, changes, ended);
  const record = (kind: string, message: string): void => store.addEvent({ at: timestamp(clock), kind, message });
  const context: RunContext = {
    runs,
    results: createResultStore(database),
    drivers: parts.drivers,
    images: {
      current: () => keeper.currentDriverImage(),
      set: (image, run, signal) => keeper.setDriverImage(image, run, signal),
    },
    gate,
    share: () => parts.cluster.share(keeper.current().desired),
    web: parts.web,
    spark: parts.spark,
    eventLogs: createEventLogs(parts.hdfs, () => keeper.current().desired.config.spark.history !== false),
    executorLogs: createExecutorLogs({ runs, spark: parts.spark, clock, logFolder: parts.logFolder, record }, shutdown),
    clock,
    changes,
    logFolder: parts.logFolder,
    logCapBytes: defaultCapBytes,
    claimed: new Set(),
    record,
  };
  const queue: RunQueue = createRunQueue(context, () => readDefaults(keeper), shutdown);
  const schedules = createScheduleStore(database);
  const scheduleKeeper: ScheduleKeeper = createScheduleKeeper({
    store: schedules,
    runs,
    queue,
    jobs: () => project().jobs,
    clock,
    changes,
    record,
    shutdown,
  });
  const scheduleDesk = createScheduleDesk({ store: schedules, keeper: scheduleKeeper, clock, record });
  const jobDesk = createJobDesk({ jobs: () => project().jobs, runs, schedules: scheduleDesk });
  const survey = () => {
    const { revision, desired } = keeper.current();
    return parts.cluster.survey(revision, desired);
  };
  let removals = 0;
  const removeNode = async (id: string): Promise<void> => {
    await parts.cluster.removeNode(id);
    removals += 1;
  };
  const machineDesk = createMachineDesk({ keeper, survey, removeNode, record });
  const desk = { ...createDesk(parts, context, keeper, queue), ...jobDesk, ...machineDesk };
  const observer = createClusterObserver({
    status: desk.status,
    survey,
    removals: () => removals,
    probes: parts.probes,
    readContainers: () => parts.containers.stats(),
    store,
    samples: createSampleStore(database),
    counters,
    outbox,
    runs,
    jobs: () => project().jobs.map(({ name }) => name),
    version,
    clock,
    shutdown,
  });
  const { readSecret, post } = parts;
  const watch = createNoticeWatch({ agents: parts.agents, standing: () => listAgents(parts.cluster) });
  return {
    desk: { ...desk, ...observer.desk },
    keeper,
    queue,
    schedules: scheduleKeeper,
    sample: () => observer.sample(),
    reconcile: () => keepReconciled({ keeper, machines: parts.cluster.machines, clock, record, shutdown }),
    heed: () =>
      keepNoticed({
        watch,
        machines: parts.cluster.machines,
        keeper,
        decommission: (machineId) => decommission(parts, machineId),
        remove: (machineId) => machineDesk.removeMachine(machineId),
        store,
        clock,
        record,
        shutdown,
      }),
    notify: () =>
      deliverNotifications({ outbox, counters, changes, clock, version, post, readSecret, record, shutdown }),
  };
}

function listAgents({ standing }: DeskParts['cluster']): readonly StandingAgent[] {
  return standing().flatMap(({ name: service, component, machineId }) =>
    component === 'agent' && machineId !== null ? [{ service, machineId }] : [],
  );
}

/** Spark's workers there take no executors from then on, and those they have move what they hold. */
async function decommission({ cluster, containers }: DeskParts, machineId: string): Promise<void> {
  const workers = cluster.standing().filter((one) => one.component === 'spark-worker' && one.machineId === machineId);
  await Promise.all(workers.map(({ name }) => containers.signal(name, 'PWR')));
}

function createDesk(
  parts: DeskParts,
  context: RunContext,
  keeper: ClusterKeeper,
  queue: RunQueue,
): Omit<SchedulerDesk, keyof ClusterObserver['desk'] | keyof JobDesk | keyof MachineDesk> {
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
    const overrides = [...describeOverrides(desired)];
    return { projectId, version, revision, ...health, runs: runs.count(), operation, overrides };
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
    startRun: (request) => {
      checkSparkConf(request.newRun.sparkConf);
      return queue.submit(request);
    },
    runs: (filter) => {
      const page = runs.list(filter);
      return { runs: page.runs.map(publicRun), next: page.next === null ? null : String(page.next) };
    },
    run: (id) => publicRun(mustRun(id)),
    ...createRunLogs(context),
    followRun: (id, from, signal) => streamRunEvents({ runs, changes, logFolder }, id, from, signal),
    cancelRun: (id) => queue.cancel(id),
    events: (limit) => store.events(limit),
    followEvents: (from, limit, signal) => followEvents(store, changes, from, limit, signal),
    componentLog: (name, tail, signal) => parts.componentLogs.read(name, tail, signal),
    followComponentLog: (name, from, signal) => parts.componentLogs.follow(name, from, signal),
    results: () => results.current(),
    exec: (component, { command, input }, signal) => {
      const sent = input === undefined ? undefined : Readable.from([Buffer.from(input, 'base64')]);
      return parts.containers.exec(component, command, { input: sent, signal });
    },
  };
}

/** A status costs several questions: those who ask within this time share one answer. */
const statusMs = 750;

/** Events read at once while a reader catches up. */
const eventBatch = 200;

async function* followEvents(
  store: ClusterStore,
  changes: ChangeSignal,
  from: number | null,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<ClusterEvent> {
  let next = from ?? store.events(limit)[0]?.seq ?? 0;
  for (;;) {
    const seen = changes.version(eventsKey);
    const events = store.eventsFrom(next, eventBatch);
    for (const event of events) {
      next = event.seq + 1;
      yield event;
    }
    if (events.length === 0) await changes.after(eventsKey, seen, signal);
  }
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
    jobs: config.jobs.map(
      ({ name, main, className, args, env, secrets, timeoutMs, retries, results, onFailure, onSuccess }) => ({
        name,
        main,
        className,
        args: [...args],
        env: { ...env },
        secrets: [...secrets],
        timeoutMs,
        retries,
        results: results.map((result) => ({ ...result })),
        ...(onFailure && { onFailure }),
        ...(onSuccess && { onSuccess }),
      }),
    ),
    sparkConf: config.spark.conf,
    parallel: config.runs.parallel,
    keep: config.runs.keep,
  };
}
