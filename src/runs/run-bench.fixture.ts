// For tests: a clock that is turned by hand, driver containers without Docker, and a queue around them.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MasterState } from '../adapters/spark/spark-master.ts';
import type { PublishedFacts, WebInternal } from '../adapters/web/web-internal.ts';
import type { JobDefinition } from '../api/schemas.ts';
import { createChangeSignal } from './change-signal.ts';
import type { Clock } from './clock.ts';
import { createClusterGate } from './cluster-gate.ts';
import type { DriverContainer, DriverHost, LogLine, RunOrder } from './driver-host.ts';
import { createEventLogs, type EventLogs } from './event-logs.ts';
import { createExecutorLogs } from './executor-logs.ts';
import type { RunContext, RunShare, SparkView } from './run-context.ts';
import { createRunQueue, type RunDefaults, type RunQueue } from './run-queue.ts';
import { openDatabase } from './state/database.ts';
import { createResultStore } from './state/result-store.ts';
import { createRunStore } from './state/run-store.ts';

export interface FakeClock extends Clock {
  /** Turns the hands; whoever waited until then goes on. */
  advance(milliseconds: number): Promise<void>;
  /** Sets the clock to another time; whoever waits goes on waiting as long as before. */
  jump(milliseconds: number): void;
}

export const epoch = Date.parse('2026-03-01T12:00:00.000Z');

export function createFakeClock(): FakeClock {
  let now = epoch;
  let waiting: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    wait: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const entry = { at: now + milliseconds, wake: resolve };
        waiting.push(entry);
        signal?.addEventListener('abort', () => {
          waiting = waiting.filter(({ wake }) => wake !== resolve);
          reject(signal.reason);
        });
      }),
    advance: async (milliseconds) => {
      const end = now + milliseconds;
      await settle();
      for (;;) {
        const next = waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = Math.max(now, next.at);
        waiting = waiting.filter((entry) => entry !== next);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
    jump: (milliseconds) => {
      now += milliseconds;
      waiting = waiting.map(({ at, wake }) => ({ at: at + milliseconds, wake }));
    },
  };
}

/** Lets everything that can go on without time go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
}

interface FakeContainer {
  readonly id: string;
  readonly image: string;
  running: boolean;
  gone: boolean;
  exitCode: number | null;
  outOfMemory: boolean;
  order: RunOrder | null;
  readonly lines: LogLine[];
  wake: (() => void)[];
}

export interface FakeDrivers extends DriverHost {
  readonly containers: FakeContainer[];
  readonly kills: string[];
  /** Image of containers that start from now on; the idle ones are replaced. */
  setImage(image: string): void;
  serviceImage(): string;
  /** The container that has this run. */
  of(run: string): FakeContainer;
  log(run: string, text: string, timestamp?: string): void;
  /** The job ends; the next idle container starts. */
  finish(run: string, exitCode: number, options?: { readonly outOfMemory?: boolean }): void;
  /** The container disappears. */
  lose(run: string): void;
  /** Jobs that do not react to SIGTERM. */
  deaf: boolean;
  /** What hand-over answers instead. */
  refuse: 'main-missing' | 'refused' | null;
}

export function createFakeDrivers(clock: Clock, image: string, count = 1): FakeDrivers {
  const containers: FakeContainer[] = [];
  let service = image;
  let serial = 0;
  const add = (): void => {
    serial += 1;
    const id = `container-${serial}`;
    containers.push({
      id,
      image: service,
      running: true,
      gone: false,
      exitCode: null,
      outOfMemory: false,
      order: null,
      lines: [],
      wake: [],
    });
  };
  const find = (id: string): FakeContainer | undefined => containers.find((one) => one.id === id && !one.gone);
  const wake = (container: FakeContainer): void => {
    for (const one of container.wake.splice(0)) one();
  };
  const end = (container: FakeContainer, exitCode: number): void => {
    if (!container.running) return;
    container.running = false;
    container.exitCode = exitCode;
    wake(container);
    add();
  };
  const describe = (one: FakeContainer): DriverContainer => ({
    id: one.id,
    image: one.image,
    imageId: `sha256:${one.image}`,
    running: one.running,
    exitCode: one.exitCode,
    outOfMemory: one.outOfMemory,
    address: `10.0.0.${one.id.split('-')[1]}`,
  });
  for (let index = 0; index < count; index += 1) add();

  const drivers: FakeDrivers = {
    containers,
    kills: [],
    deaf: false,
    refuse: null,
    setImage: (next) => {
      service = next;
      for (const one of containers.filter(({ running, order }) => running && order === null)) end(one, 0);
    },
    serviceImage: () => service,
    of: (run) => {
      const found = containers.findLast(({ order }) => order?.runId === run);
      if (found === undefined) throw new Error(`no container has ${run}`);
      return found;
    },
    log: (run, text, timestamp = nanoseconds(clock)) => {
      const container = drivers.of(run);
      container.lines.push({ timestamp, text });
      wake(container);
    },
    finish: (run, exitCode, options = {}) => {
      const container = drivers.of(run);
      container.outOfMemory = options.outOfMemory ?? false;
      end(container, exitCode);
    },
    lose: (run) => {
      const container = drivers.of(run);
      container.gone = true;
      end(container, 137);
    },
    list: async () => containers.filter(({ running, gone }) => running && !gone).map(describe),
    inspect: async (id) => {
      const container = find(id);
      return container === undefined ? null : describe(container);
    },
    handOver: async (id, order) => {
      const container = find(id);
      if (drivers.refuse === 'main-missing') return { kind: 'main-missing' };
      if (drivers.refuse === 'refused' || container?.running !== true) return { kind: 'refused', reason: 'not ready' };
      if (container.order !== null && container.order.runId !== order.runId) return { kind: 'refused', reason: 'busy' };
      container.order = order;
      return { kind: 'accepted' };
    },
    state: async (id) => {
      const order = find(id)?.order ?? null;
      return order === null ? { kind: 'idle' } : { kind: 'running', runId: order.runId, attempt: order.attempt };
    },
    followLog: async function* (id, since, signal) {
      const container = find(id);
      for (let next = 0; container !== undefined; ) {
        while (next < container.lines.length) {
          const line = container.lines[next];
          next += 1;
          if (line !== undefined && line.timestamp >= since) yield line;
        }
        if (!container.running || signal.aborted) return;
        await new Promise<void>((resolve) => {
          container.wake.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    hasLogged: async (id, since) => find(id)?.lines.some(({ timestamp }) => timestamp >= since) ?? false,
    kill: async (id, name) => {
      drivers.kills.push(name);
      const container = find(id);
      if (container !== undefined && (name === 'SIGKILL' || !drivers.deaf))
        end(container, name === 'SIGKILL' ? 137 : 143);
    },
  };
  return drivers;
}

/** Docker's format of time. */
export function nanoseconds(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace('Z', '000000Z');
}

export interface FakeWeb extends WebInternal {
  readonly requests: Parameters<WebInternal['publish']>[0][];
  readonly removed: string[];
  /** Answers with this error, once each. */
  readonly failures: unknown[];
}

export function createFakeWeb(): FakeWeb {
  const web: FakeWeb = {
    requests: [],
    removed: [],
    failures: [],
    publish: async (request) => {
      web.requests.push(request);
      const failure = web.failures.shift();
      if (failure !== undefined) throw failure;
      return request.results.map(
        ({ name }): PublishedFacts => ({ name, rows: 3, columns: [{ name: 'id', type: 'INTEGER' }] }),
      );
    },
    removeVersions: async (runs) => {
      web.removed.push(...runs);
    },
  };
  return web;
}

export interface FakeSpark extends SparkView {
  state: MasterState | null;
  app: string | null;
  stageList: Awaited<ReturnType<SparkView['stages']>>;
  conf: ReadonlyMap<string, string>;
  executorList: Awaited<ReturnType<SparkView['executors']>>;
  /** `worker application executor stream` → what it wrote. */
  readonly outputs: Map<string, string>;
}

export function createFakeSpark(): FakeSpark {
  const spark: FakeSpark = {
    state: null,
    app: null,
    stageList: [],
    conf: new Map(),
    executorList: [],
    outputs: new Map(),
    master: async () => {
      if (spark.state === null) throw new Error('the master does not answer');
      return spark.state;
    },
    listening: async () => spark.app !== null,
    application: async () => spark.app,
    stages: async () => spark.stageList,
    settings: async () => spark.conf,
    executors: async () => spark.executorList,
    workerExecutors: async (worker) => {
      const keys = [...spark.outputs.keys()].map((key) => key.split(' ')).filter(([at]) => at === worker);
      const found = new Map(
        keys.map(([, application = '', executor = '']) => [`${application} ${executor}`, { application, executor }]),
      );
      return [...found.values()];
    },
    executorOutput: async (worker, { application, executor }, stream, bytes) => {
      const text = spark.outputs.get(`${worker} ${application} ${executor} ${stream}`);
      return text === undefined ? null : { text: text.slice(-bytes), totalBytes: text.length };
    },
  };
  return spark;
}

/** The folder of event logs in HDFS: name → when it was last written, milliseconds since 1970. */
export interface FakeEventLogs extends EventLogs {
  readonly logs: Map<string, number>;
  /** HDFS does not answer. */
  away: boolean;
}

export function createFakeEventLogs(): FakeEventLogs {
  const logs = new Map<string, number>();
  const refuse = (): void => {
    if (fake.away) throw new Error('HDFS is away');
  };
  const folder = createEventLogs(
    {
      makeFolders: async () => refuse(),
      list: async function* (path) {
        refuse();
        for (const [name, modifiedMs] of logs) {
          yield {
            path: `${path}/${name}`,
            name,
            kind: 'folder',
            bytes: 0,
            replication: 0,
            owner: 'sparkplug',
            modifiedMs,
          };
        }
      },
      remove: async (path) => {
        refuse();
        return logs.delete(path.slice(path.lastIndexOf('/') + 1));
      },
    },
    () => true,
  );
  const fake: FakeEventLogs = { ...folder, logs, away: false };
  return fake;
}

export function defineJob(name: string, changes: Partial<JobDefinition> = {}): JobDefinition {
  return {
    name,
    main: `src/${name}.py`,
    className: null,
    args: [],
    env: {},
    secrets: [],
    timeoutMs: null,
    retries: 0,
    results: [],
    ...changes,
  };
}

export interface Bench {
  readonly queue: RunQueue;
  readonly context: RunContext;
  readonly database: DatabaseSync;
  readonly drivers: FakeDrivers;
  readonly web: FakeWeb;
  readonly spark: FakeSpark;
  readonly eventLogs: FakeEventLogs;
  readonly clock: FakeClock;
  readonly imageChanges: string[];
  /** Submits a run of the job and returns its id. */
  submit(job: string, image?: string): string;
  /** Leaves as a stopped scheduler does, and returns a new one over the same database and containers. */
  restart(): Promise<Bench>;
  stop(): Promise<void>;
  /** A new scheduler over the database and containers of one that was stopped; it has not begun yet. */
  reopen(): Bench;
}

interface BenchOptions {
  readonly jobs?: readonly JobDefinition[];
  readonly parallel?: number;
  readonly keep?: number;
  readonly share?: RunShare;
}

export function createBench(options: BenchOptions = {}): Bench {
  const clock = createFakeClock();
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-queue-'));
  const drivers = createFakeDrivers(clock, 'app:1', options.parallel ?? 1);
  const outside = { web: createFakeWeb(), spark: createFakeSpark(), eventLogs: createFakeEventLogs() };
  return openBench({ options, clock, folder, drivers, ...outside });
}

interface World {
  readonly options: BenchOptions;
  readonly clock: FakeClock;
  readonly folder: string;
  readonly drivers: FakeDrivers;
  readonly web: FakeWeb;
  readonly spark: FakeSpark;
  readonly eventLogs: FakeEventLogs;
}

function openBench(world: World): Bench {
  const { options, clock, folder, drivers, web, spark, eventLogs } = world;
  const database = openDatabase(join(folder, 'state.db'));
  const changes = createChangeSignal();
  const shutdown = new AbortController();
  const imageChanges: string[] = [];
  const runs = createRunStore(database, changes);
  const logFolder = join(folder, 'logs');
  const record = (): void => undefined;
  const context: RunContext = {
    runs,
    results: createResultStore(database),
    drivers,
    images: {
      current: async () => drivers.serviceImage(),
      set: async (image) => {
        imageChanges.push(image);
        drivers.setImage(image);
      },
    },
    gate: createClusterGate(changes),
    share: async () => options.share ?? { coresMax: null, replication: 1, eventLog: true },
    web,
    spark,
    eventLogs,
    executorLogs: createExecutorLogs({ runs, spark, clock, logFolder, record }, shutdown.signal),
    clock,
    changes,
    logFolder,
    logCapBytes: 1024 * 1024,
    claimed: new Set(),
    record,
  };
  const jobs = options.jobs ?? [defineJob('predict')];
  const defaults = (): RunDefaults => ({
    revision: 1,
    driverImage: 'app:1',
    jobs,
    sparkConf: {},
    parallel: options.parallel ?? 1,
    keep: options.keep ?? 50,
  });
  const queue = createRunQueue(context, defaults, shutdown.signal);
  const stop = async (): Promise<void> => {
    shutdown.abort(new Error('the scheduler stops'));
    await settle();
    database.close();
  };
  return {
    queue,
    context,
    database,
    drivers,
    web,
    spark,
    eventLogs,
    clock,
    imageChanges,
    submit: (job, image) => {
      const newRun = image === undefined ? {} : { driverImage: image };
      return queue.submit({ job, newRun, trigger: 'rest', idempotencyKey: null }).run.id;
    },
    restart: async () => {
      await stop();
      const next = openBench(world);
      next.queue.start();
      await settle();
      return next;
    },
    stop,
    reopen: () => openBench(world),
  };
}
