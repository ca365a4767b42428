import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ClusterStatus } from '../api/schemas.ts';
import { parseMetrics } from './parse-metrics.fixture.ts';
import { type MetricsFacts, renderMetrics } from './render-metrics.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const gib = 1024 ** 3;

const status: ClusterStatus = {
  projectId: 'demo-1',
  version: '1.2.3',
  revision: 1,
  ready: false,
  components: [
    { name: 'web', state: 'ready', detail: 'answers' },
    { name: 'datanode-12', state: 'starting', detail: 'not registered' },
    { name: 'spark-worker-1', state: 'failing', detail: 'failed 3 times' },
  ],
  spark: null,
  hdfs: null,
  runs: { queued: 1, running: 1 },
  operation: null,
  overrides: [],
  warnings: [],
};

const worker = { id: 'w', host: 'h', cores: 2, coresUsed: 1, memoryMiB: 1024, memoryUsedMiB: 512 };
const full: MetricsFacts = {
  version: '1.2.3',
  status,
  namenode: {
    safeMode: true,
    live: [{ host: 'd', address: '', adminState: 'In Service', capacityBytes: gib, remainingBytes: gib }],
    capacityBytes: 10 * gib,
    usedBytes: gib + 1,
    remainingBytes: 8 * gib,
    missingBlocks: 1,
    underReplicatedBlocks: 2,
    corruptBlocks: 3,
    // The second was removed.
    dead: ['datanode-12', 'datanode-13'],
    staleStorages: 0,
  },
  master: {
    status: 'ALIVE',
    workers: [
      { ...worker, alive: true },
      { ...worker, alive: false },
    ],
    applications: [],
  },
  loads: [
    {
      service: 'web',
      component: 'web',
      replica: 1,
      cpuSeconds: 12.5,
      coresUsed: 0.25,
      memoryBytes: 100,
      memoryLimitBytes: 200,
    },
    {
      service: 'spark-driver',
      component: 'spark-driver',
      replica: 2,
      cpuSeconds: 1,
      coresUsed: null,
      memoryBytes: 5,
      memoryLimitBytes: 9,
    },
  ],
  jobs: ['predict', 'load'],
  unfinished: [
    { job: 'predict', state: 'running', queuedAt: '2026-03-01T11:00:00Z' },
    { job: 'predict', state: 'queued', queuedAt: '2026-03-01T11:59:30Z' },
    { job: 'load', state: 'queued', queuedAt: '2026-03-01T11:59:40Z' },
  ],
  finished: [
    { labels: { job: 'predict', state: 'succeeded' }, value: 3 },
    { labels: { job: 'renamed', state: 'failed' }, value: 9 },
  ],
  durations: [
    { labels: { job: 'predict', state: 'succeeded', le: '60' }, value: 2 },
    { labels: { job: 'predict', state: 'succeeded', le: '+Inf' }, value: 1 },
  ],
  durationSums: [{ labels: { job: 'predict', state: 'succeeded' }, value: 90_123.5 }],
  ticks: [{ labels: { job: 'predict', outcome: 'queued' }, value: 7 }],
  notifications: [{ labels: { outcome: 'failed' }, value: 1 }],
  pendingNotifications: 2,
  operations: [
    { kind: 'apply', state: 'succeeded', count: 5 },
    { kind: 'apply', state: 'running', count: 1 },
  ],
  nowMs,
};

async function render(facts: MetricsFacts) {
  const families = parseMetrics(await renderMetrics(facts, () => 0.25));
  const value = (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
    families
      .get(name.replace(/_(?:bucket|sum|count)$/, ''))
      ?.samples.find(
        (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
      )?.value;
  return { families, value };
}

test('everything that is known is told, in base units', async () => {
  const { value } = await render(full);
  const expected: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    ['sparkplug_build_info', { version: '1.2.3' }, 1],
    ['sparkplug_engine_up', {}, 1],
    ['sparkplug_cluster_ready', {}, 0],
    ['sparkplug_component_up', { component: 'web', service: 'web' }, 1],
    ['sparkplug_component_up', { component: 'datanode', service: 'datanode-12' }, 0],
    ['sparkplug_component_up', { component: 'spark-worker', service: 'spark-worker-1' }, 0],
    ['sparkplug_runs', { job: 'predict', state: 'running' }, 1],
    ['sparkplug_runs', { job: 'load', state: 'publishing' }, 0],
    ['sparkplug_runs_finished_total', { job: 'predict', state: 'succeeded' }, 3],
    ['sparkplug_runs_finished_total', { job: 'load', state: 'failed' }, 0],
    ['sparkplug_run_queue_length', {}, 2],
    ['sparkplug_run_queue_oldest_wait_seconds', {}, 30],
    ['sparkplug_spark_workers', {}, 1],
    ['sparkplug_spark_cores_used', {}, 1],
    ['sparkplug_spark_memory_bytes', {}, gib],
    ['sparkplug_hdfs_used_bytes', {}, gib + 1],
    ['sparkplug_hdfs_missing_blocks', {}, 1],
    ['sparkplug_hdfs_under_replicated_blocks', {}, 2],
    ['sparkplug_hdfs_corrupt_blocks', {}, 3],
    ['sparkplug_hdfs_safe_mode', {}, 1],
    ['sparkplug_hdfs_datanodes', { state: 'live' }, 1],
    ['sparkplug_hdfs_datanodes', { state: 'dead' }, 1],
    ['sparkplug_container_cpu_seconds_total', { service: 'web', replica: '1' }, 12.5],
    ['sparkplug_container_memory_bytes', { service: 'spark-driver', replica: '2' }, 5],
    ['sparkplug_schedule_ticks_total', { job: 'predict', outcome: 'queued' }, 7],
    ['sparkplug_operations_total', { kind: 'apply', outcome: 'succeeded' }, 5],
    ['sparkplug_notifications_total', { outcome: 'delivered' }, 0],
    ['sparkplug_notifications_total', { outcome: 'failed' }, 1],
    ['sparkplug_notifications_pending', {}, 2],
    ['sparkplug_scrape_duration_seconds', {}, 0.25],
  ];
  for (const [name, labels, wanted] of expected) assert.equal(value(name, labels), wanted, name);
  assert.equal(value('sparkplug_container_cpu_cores', { service: 'spark-driver' }), undefined);
});

test('durations are cumulative, with their sum', async () => {
  const { value } = await render(full);
  const at = (le: string): number | undefined =>
    value('sparkplug_run_duration_seconds_bucket', { job: 'predict', state: 'succeeded', le });
  assert.deepEqual([at('30'), at('60'), at('43200'), at('+Inf')], [0, 2, 2, 3]);
  assert.equal(value('sparkplug_run_duration_seconds_sum'), 90_123.5);
});

test('the labels are bounded by the project file: jobs that are gone have no series', async () => {
  const { families } = await render(full);
  const jobs = [...families.values()].flatMap(({ samples }) => samples.map(({ labels }) => labels.job));
  assert.deepEqual([...new Set(jobs)].filter((job) => job !== undefined).toSorted(), ['load', 'predict']);
});

test('what is away has no numbers, only that it is away', async () => {
  const { families, value } = await render({ ...full, status: null, namenode: null, master: null, loads: [] });
  assert.equal(value('sparkplug_engine_up'), 0);
  for (const name of families.keys()) assert.doesNotMatch(name, /_(?:hdfs|spark|container|component)_/);
  assert.equal(value('sparkplug_run_queue_length'), 2);
});

test('a cluster in which nothing has happened yet has all its counters at 0', async () => {
  const nothing = { finished: [], durations: [], durationSums: [], ticks: [], notifications: [], operations: [] };
  const { value } = await render({ ...full, ...nothing, unfinished: [], pendingNotifications: 0 });
  assert.equal(value('sparkplug_runs_finished_total', { job: 'predict', state: 'failed' }), 0);
  assert.equal(value('sparkplug_run_queue_oldest_wait_seconds'), 0);
});

test('a label value that wants to break out is escaped', async () => {
  const job = 'a"b\\c\nd{}';
  const { value } = await render({ ...full, jobs: [job], finished: [{ labels: { job, state: 'failed' }, value: 2 }] });
  assert.equal(value('sparkplug_runs_finished_total', { job, state: 'failed' }), 2);
});

test('the example alerts and the page use metrics that exist, and every metric is on the page', async () => {
  const { families } = await render(full);
  const page = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
  const alerts = readFileSync(new URL('../../docs/prometheus-alerts.yaml', import.meta.url), 'utf8');
  const known = (name: string): boolean =>
    families.has(name) || families.has(name.replace(/_(?:bucket|sum|count)$/, ''));
  for (const text of [page, alerts]) {
    for (const [name] of text.matchAll(/\bsparkplug_[a-z0-9_]+/g)) assert.ok(known(name), name);
  }
  for (const name of families.keys()) assert.ok(page.includes(`\`${name}\``), `${name} on the page`);
  const { groups } = parse(alerts) as { groups: { name: string; rules: Record<string, unknown>[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  assert.ok(rules.length >= 8);
  for (const { alert, expr, labels, annotations } of rules) {
    assert.match(String(alert), /^SparkPlug[A-Z]/);
    assert.ok(typeof expr === 'string' && expr.length > 0, String(alert));
    assert.ok(labels !== undefined && annotations !== undefined, String(alert));
  }
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});
