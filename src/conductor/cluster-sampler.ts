// Reads every five seconds what the cluster's containers use: the last hour in memory, one sample a minute on disk.
import type { ContainerUse } from '../adapters/docker/container-stats.ts';
import type { ClusterSample, ClusterStatus } from '../api/schemas.ts';
import { labels } from '../engine/labels.ts';
import type { ContainerLoad } from '../operations/describe-machines.ts';
import type { Clock } from '../runs/clock.ts';
import type { SampleStore } from '../runs/state/sample-store.ts';

export interface SamplerParts {
  /** Every running container of the project on this engine. Bounded in time; throws when the engine is silent. */
  readonly read: () => Promise<readonly ContainerUse[]>;
  /** Asked every quarter of a minute, and never twice at once. */
  readonly status: () => Promise<ClusterStatus>;
  readonly store: SampleStore;
  readonly clock: Clock;
  readonly shutdown: AbortSignal;
}

export interface ClusterSampler {
  /** Samples until the shutdown; rejects with its reason. */
  run(): Promise<never>;
  /** The newest reading of each container; none once the engine has been silent for a while. */
  containers(): readonly ContainerLoad[];
  /** The last `minutes`, oldest first: every five seconds up to an hour, every minute beyond. */
  history(minutes: number): ClusterSample[];
}

const intervalMs = 5_000;
const statusEveryMs = 15_000;
/** Readings and states older than this say nothing about now. */
const staleMs = 30_000;
const minuteMs = 60_000;
const ringMinutes = 60;
const ringSize = (ringMinutes * minuteMs) / intervalMs;
const bytesPerMiB = 1024 ** 2;

export function createClusterSampler({ read, status, store, clock, shutdown }: SamplerParts): ClusterSampler {
  const ring: ClusterSample[] = [];
  let minute: ClusterSample[] = [];
  let uses = new Map<string, ContainerUse>();
  let loads: readonly ContainerLoad[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;
  let known: { readonly status: ClusterStatus; readonly atMs: number } | null = null;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking = false;

  // Also true where the clock was set back, so that nothing waits for a time that was.
  const isOlder = (atMs: number, thanMs: number): boolean => Math.abs(clock.now() - atMs) >= thanMs;

  const readContainers = async (): Promise<boolean> => {
    const found = await read().catch(() => null);
    shutdown.throwIfAborted();
    if (found === null) return false;
    loads = found.flatMap((use) => describeLoad(use, uses.get(use.id)));
    uses = new Map(found.map((use) => [use.id, use]));
    readAtMs = clock.now();
    return true;
  };

  const askStatus = async (): Promise<void> => {
    asking = true;
    askedAtMs = clock.now();
    try {
      known = { status: await status(), atMs: clock.now() };
    } catch {
      // The engine does not answer: what was known grows old.
    } finally {
      asking = false;
    }
  };

  const keep = (sample: ClusterSample): void => {
    ring.push(sample);
    if (ring.length > ringSize) ring.shift();
    const [first] = minute;
    if (first !== undefined && minuteOf(first) !== minuteOf(sample)) {
      store.add(average(minute, first.at));
      minute = [];
    }
    minute.push(sample);
  };

  const sampleOnce = async (): Promise<void> => {
    const isRead = await readContainers();
    if (!asking && isOlder(askedAtMs, statusEveryMs)) void askStatus();
    // A gap shows that nothing was measured; zeros would not.
    if (!isRead || known === null) return;
    keep(describeCluster(known.status, !isOlder(known.atMs, staleMs), loads, clock.now()));
  };

  return {
    run: async () => {
      for (;;) {
        const startedMs = clock.now();
        await sampleOnce();
        const leftMs = startedMs + intervalMs - clock.now();
        await clock.wait(Math.min(Math.max(leftMs, 1_000), intervalMs), shutdown);
      }
    },
    containers: () => (isOlder(readAtMs, staleMs) ? [] : loads),
    history: (minutes) => {
      const sinceMs = clock.now() - minutes * minuteMs;
      const recent = minutes > ringMinutes ? [] : ring.filter(({ at }) => Date.parse(at) >= sinceMs);
      const [first] = recent;
      const older = store.since(sinceMs);
      return [...older.filter(({ at }) => first === undefined || at < first.at), ...recent];
    },
  };
}

/** None for a container that is no service's of the project. */
function describeLoad(use: ContainerUse, before: ContainerUse | undefined): readonly ContainerLoad[] {
  const service = use.labels[labels.service];
  const component = use.labels[labels.component];
  if (service === undefined || component === undefined) return [];
  const { cpuSeconds, memoryBytes, memoryLimitBytes } = use;
  const coresUsed = measureCores(use, before);
  return [{ service, component, replica: readReplica(use), cpuSeconds, coresUsed, memoryBytes, memoryLimitBytes }];
}

/** Swarm names a task `<service>.<slot>.<id>`. */
function readReplica({ labels: all }: ContainerUse): number {
  return Number(/\.(\d+)\.[^.]+$/.exec(all['com.docker.swarm.task.name'] ?? '')?.[1] ?? 1);
}

function measureCores(use: ContainerUse, before: ContainerUse | undefined): number | null {
  if (before === undefined) return null;
  const seconds = (use.readAtMs - before.readAtMs) / 1000;
  const cores = (use.cpuSeconds - before.cpuSeconds) / seconds;
  // A clock set back, or two readings of the same moment.
  return seconds > 0 && cores >= 0 ? round(cores) : null;
}

function describeCluster(
  { ready, spark, hdfs }: ClusterStatus,
  isFresh: boolean,
  loads: readonly ContainerLoad[],
  nowMs: number,
): ClusterSample {
  return {
    at: new Date(nowMs).toISOString(),
    ready: isFresh && ready,
    coresUsed: round(sum(loads.map(({ coresUsed }) => coresUsed ?? 0))),
    memoryUsedMiB: Math.round(sum(loads.map(({ memoryBytes }) => memoryBytes)) / bytesPerMiB),
    sparkCoresUsed: spark?.coresUsed ?? 0,
    hdfsUsedMiB: hdfs?.usedMiB ?? 0,
  };
}

/** Means, and ready only if it was all the time. */
function average(samples: readonly ClusterSample[], at: string): ClusterSample {
  const mean = (pick: (sample: ClusterSample) => number): number => sum(samples.map(pick)) / samples.length;
  return {
    at,
    ready: samples.every(({ ready }) => ready),
    coresUsed: round(mean(({ coresUsed }) => coresUsed)),
    memoryUsedMiB: Math.round(mean(({ memoryUsedMiB }) => memoryUsedMiB)),
    sparkCoresUsed: round(mean(({ sparkCoresUsed }) => sparkCoresUsed)),
    hdfsUsedMiB: Math.round(mean(({ hdfsUsedMiB }) => hdfsUsedMiB)),
  };
}

function minuteOf({ at }: ClusterSample): number {
  return Math.floor(Date.parse(at) / minuteMs);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
