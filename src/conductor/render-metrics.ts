// What is known of the cluster → Prometheus text. Pure; a component that is away has no numbers, only `up 0`.
import { Counter, Gauge, Registry } from 'prom-client';
import type { NameNodeState } from '../adapters/namenode/name-node.ts';
import type { MasterState } from '../adapters/spark/spark-master.ts';
import { type ClusterStatus, finishedStates, type RunState } from '../api/schemas.ts';
import type { ContainerLoad } from '../operations/describe-machines.ts';
import type { Count } from '../runs/state/counter-store.ts';
import { StoredHistogram } from './stored-histogram.ts';

export interface MetricsFacts {
  readonly version: string;
  /** Null: Docker did not answer in time. */
  readonly status: ClusterStatus | null;
  readonly namenode: NameNodeState | null;
  readonly master: MasterState | null;
  readonly loads: readonly ContainerLoad[];
  /** Jobs of the project file: others were renamed or removed, and are left out. */
  readonly jobs: readonly string[];
  readonly unfinished: readonly { readonly job: string; readonly state: RunState; readonly queuedAt: string }[];
  readonly finished: readonly Count[];
  readonly durations: readonly Count[];
  readonly durationSums: readonly Count[];
  readonly ticks: readonly Count[];
  readonly notifications: readonly Count[];
  readonly pendingNotifications: number;
  readonly operations: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  readonly nowMs: number;
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Adds a metric of the given name; without samples there is none. */
type Add = (name: string, help: string, samples: readonly Sample[]) => void;

const bytesPerMiB = 1024 ** 2;

/** `elapsedSeconds`: how long it took to gather the facts. */
export function renderMetrics(facts: MetricsFacts, elapsedSeconds: () => number): Promise<string> {
  const registry = new Registry();
  const gauge: Add = (name, help, samples) => {
    if (samples.length === 0) return;
    const metric = new Gauge({ name, help, labelNames: labelNamesOf(samples), registers: [registry] });
    for (const { labels = {}, value } of samples) metric.set(labels, value);
  };
  const counter: Add = (name, help, samples) => {
    if (samples.length === 0) return;
    const metric = new Counter({ name, help, labelNames: labelNamesOf(samples), registers: [registry] });
    for (const { labels = {}, value } of samples) metric.inc(labels, value);
  };
  addCluster(facts, gauge, counter);
  addRuns(facts, gauge, counter, registry);
  if (facts.master !== null) addSpark(facts.master, gauge);
  if (facts.namenode !== null) addHdfs(facts.namenode, facts.status, gauge);
  addContainers(facts.loads, gauge, counter);
  gauge('sparkplug_scrape_duration_seconds', 'Time that it took to gather these metrics.', [
    { value: elapsedSeconds() },
  ]);
  return registry.metrics();
}

function addCluster(facts: MetricsFacts, gauge: Add, counter: Add): void {
  const { status, version, operations, notifications } = facts;
  gauge('sparkplug_build_info', 'Version of the conductor; the value is always 1.', [
    { labels: { version }, value: 1 },
  ]);
  gauge('sparkplug_engine_up', '1 if the Docker engine answered.', [{ value: Number(status !== null) }]);
  gauge(
    'sparkplug_component_up',
    '1 if the component answers and does its work.',
    (status?.components ?? []).map(({ name, state }) => ({
      labels: { component: componentOf(name), service: name },
      value: Number(state === 'ready'),
    })),
  );
  gauge(
    'sparkplug_cluster_ready',
    '1 if every component is up.',
    status === null ? [] : [{ value: Number(status.ready) }],
  );
  counter(
    'sparkplug_operations_total',
    'Changes of the cluster by kind and outcome.',
    operations
      .filter(({ state }) => state !== 'running')
      .map(({ kind, state, count }) => ({ labels: { kind, outcome: state }, value: count })),
  );
  counter(
    'sparkplug_notifications_total',
    'Notifications of runs by outcome.',
    withZeros(notifications, [{ outcome: 'delivered' }, { outcome: 'failed' }]),
  );
  gauge('sparkplug_notifications_pending', 'Notifications that are not delivered yet.', [
    { value: facts.pendingNotifications },
  ]);
}

function addRuns(facts: MetricsFacts, gauge: Add, counter: Add, registry: Registry): void {
  const { jobs, unfinished, nowMs } = facts;
  const known = new Set(jobs);
  const ofKnown = (counts: readonly Count[]): Count[] => counts.filter(({ labels }) => known.has(labels.job ?? ''));
  const states = jobs.flatMap((job) => finishedStates.map((state) => ({ job, state })));
  const active = ['queued', 'starting', 'running', 'publishing'] as const;
  const isOf = (job: string, state: RunState) => (run: MetricsFacts['unfinished'][number]) =>
    run.job === job && run.state === state;
  gauge(
    'sparkplug_runs',
    'Runs that have not ended, by job and state.',
    jobs.flatMap((job) =>
      active.map((state) => ({ labels: { job, state }, value: unfinished.filter(isOf(job, state)).length })),
    ),
  );
  counter(
    'sparkplug_runs_finished_total',
    'Runs that have ended, by job and state.',
    withZeros(ofKnown(facts.finished), states),
  );
  const histogram = new StoredHistogram({
    name: 'sparkplug_run_duration_seconds',
    help: 'Time from the start of the first attempt to the end of a run, by job and state.',
    buckets: ofKnown(facts.durations),
    sums: ofKnown(facts.durationSums),
  });
  registry.registerMetric(histogram);
  const queued = unfinished.filter(({ state }) => state === 'queued');
  const oldestMs = Math.min(nowMs, ...queued.map(({ queuedAt }) => Date.parse(queuedAt)));
  gauge('sparkplug_run_queue_length', 'Runs that wait to be started.', [{ value: queued.length }]);
  gauge('sparkplug_run_queue_oldest_wait_seconds', 'How long the run that has waited longest waits.', [
    { value: (nowMs - oldestMs) / 1000 },
  ]);
  const ticks = ofKnown(facts.ticks);
  counter('sparkplug_schedule_ticks_total', 'Times of schedules that have passed, by job and outcome.', ticks);
}

function addSpark({ workers }: MasterState, gauge: Add): void {
  const alive = workers.filter((worker) => worker.alive);
  const sum = (pick: (worker: (typeof alive)[number]) => number): readonly Sample[] => [
    { value: alive.reduce((total, worker) => total + pick(worker), 0) },
  ];
  gauge('sparkplug_spark_workers', 'Spark workers that the master counts as alive.', [{ value: alive.length }]);
  gauge(
    'sparkplug_spark_cores',
    'Cores of the workers alive.',
    sum(({ cores }) => cores),
  );
  gauge(
    'sparkplug_spark_cores_used',
    'Cores that executors hold.',
    sum(({ coresUsed }) => coresUsed),
  );
  gauge(
    'sparkplug_spark_memory_bytes',
    'Memory that the workers alive have for executors.',
    sum(({ memoryMiB }) => memoryMiB * bytesPerMiB),
  );
  gauge(
    'sparkplug_spark_memory_used_bytes',
    'Memory that executors hold.',
    sum(({ memoryUsedMiB }) => memoryUsedMiB * bytesPerMiB),
  );
}

function addHdfs(namenode: NameNodeState, status: ClusterStatus | null, gauge: Add): void {
  // The NameNode still counts those that were removed.
  const dead = namenode.dead.filter((name) => status?.components.some((one) => one.name === name) ?? true);
  const one = (name: string, help: string, value: number): void => gauge(`sparkplug_hdfs_${name}`, help, [{ value }]);
  one('capacity_bytes', 'Space of the live DataNodes.', namenode.capacityBytes);
  one('used_bytes', 'Space that blocks take.', namenode.usedBytes);
  one('remaining_bytes', 'Space that is left for blocks.', namenode.remainingBytes);
  one('missing_blocks', 'Blocks without a live copy.', namenode.missingBlocks);
  one('under_replicated_blocks', 'Blocks with fewer copies than asked for.', namenode.underReplicatedBlocks);
  one('corrupt_blocks', 'Blocks with a damaged copy.', namenode.corruptBlocks);
  one('safe_mode', '1 while the NameNode takes no writes.', Number(namenode.safeMode));
  gauge('sparkplug_hdfs_datanodes', 'DataNodes by state.', [
    { labels: { state: 'live' }, value: namenode.live.length },
    { labels: { state: 'dead' }, value: dead.length },
  ]);
}

function addContainers(loads: readonly ContainerLoad[], gauge: Add, counter: Add): void {
  const each = (pick: (load: ContainerLoad) => number | null): Sample[] =>
    loads.flatMap((load) => {
      const { component, service, replica } = load;
      const value = pick(load);
      return value === null ? [] : [{ labels: { component, service, replica: String(replica) }, value }];
    });
  counter(
    'sparkplug_container_cpu_seconds_total',
    'CPU time since the start of the container.',
    each(({ cpuSeconds }) => cpuSeconds),
  );
  gauge(
    'sparkplug_container_cpu_cores',
    'Cores in use, over the last five seconds.',
    each(({ coresUsed }) => coresUsed),
  );
  gauge(
    'sparkplug_container_memory_bytes',
    'Memory in use without the page cache.',
    each(({ memoryBytes }) => memoryBytes),
  );
  gauge(
    'sparkplug_container_memory_limit_bytes',
    'Memory at which the kernel ends the container.',
    each(({ memoryLimitBytes }) => memoryLimitBytes),
  );
}

/** What was never counted is told as 0, so that its first time is a rise. */
function withZeros(counts: readonly Count[], expected: readonly Count['labels'][]): readonly Count[] {
  const isSame = (labels: Count['labels']) => (count: Count) =>
    Object.entries(labels).every(([name, value]) => count.labels[name] === value);
  const missing = expected.filter((labels) => !counts.some(isSame(labels)));
  return [...counts, ...missing.map((labels) => ({ labels, value: 0 }))];
}

/** Followers are called by their component and a number: `spark-worker-3`. */
function componentOf(service: string): string {
  return service.replace(/-\d+$/, '');
}

function labelNamesOf([first]: readonly Sample[]): string[] {
  return Object.keys(first?.labels ?? {});
}
