import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import type { Machine } from './cluster-plan.ts';
import { parseMachines } from './parse-machine.ts';
import { planCluster } from './plan-cluster.ts';

function configure(spark: Partial<ClusterConfig['spark']>): ClusterConfig {
  const { config } = defaultCluster.desired;
  return { ...config, spark: { ...config.spark, ...spark } };
}

const laptop = (memoryMiB: number, othersMemoryMiB = 0): Machine[] => [
  {
    id: 'a',
    name: 'a',
    cores: 4,
    memoryMiB,
    othersMemoryMiB,
    conductor: true,
    shared: true,
    storage: true,
    state: 'ready',
  },
];

function decide(spark: Partial<ClusterConfig['spark']>, machines: readonly Machine[]) {
  return planCluster(configure(spark), machines).history;
}

test('the history server stands where memory allows, and says so where it does not', () => {
  for (const memoryMiB of [4096, 6144, 8192]) {
    const { planned, explanation } = decide({}, laptop(memoryMiB));
    assert.equal(planned, false, `${memoryMiB} MiB`);
    assert.match(explanation, /^left out: it needs 400 MiB, more than an eighth of the .* for workers; set `spark:/);
  }
  for (const machines of [laptop(16_384), laptop(65_536), parseMachines(['4c16g']), parseMachines(['8c16g', '2c4g'])]) {
    assert.match(decide({}, machines).explanation, /^stands: memory allows/, JSON.stringify(machines));
  }
});

test('its memory is taken from what workers have', () => {
  const machines = parseMachines(['8c16g']);
  const [on, off] = [true, false].map((history) => planCluster(configure({ history }), machines));
  assert.ok(on !== undefined && off !== undefined);
  const workers = (plan: typeof on) =>
    plan.totalWorkers * plan.worker.memoryMiB + (plan.machines[0]?.left.memoryMiB ?? 0);
  assert.equal(workers(off) - workers(on), on.sizing.history.reservationMiB);
});

test('left to itself it takes the place of no worker and of no core', () => {
  const worker = { executors: 1, cores: 1, memoryMiB: 1700 };
  // Three workers of 1,700 MiB and 416 MiB more do not fit into what is left of half of 16 GiB.
  const machines = laptop(16_384);
  const plan = planCluster(configure({ worker }), machines);
  assert.deepEqual([plan.totalWorkers, plan.history.planned], [3, false]);
  assert.match(plan.history.explanation, /^left out: it would take the place of a worker/);
  const insisting = planCluster(configure({ worker, history: true }), machines);
  assert.deepEqual([insisting.totalWorkers, insisting.history.planned], [2, true]);
  const auto = planCluster(configure({}), parseMachines(['64c12g']));
  const without = planCluster(configure({ history: false }), parseMachines(['64c12g']));
  assert.equal(auto.totalWorkers * auto.worker.cores, without.totalWorkers * without.worker.cores);
});

test('another project that comes does not take it away', () => {
  const shape = planCluster(configure({}), laptop(16_384)).worker;
  const machines = laptop(16_384, 4096);
  assert.equal(planCluster(configure({}), machines, { workerShape: shape }).history.planned, true);
});

test('the file is obeyed', () => {
  assert.deepEqual(decide({ history: false }, laptop(65_536)), {
    planned: false,
    explanation: 'left out, as `spark.history` asks',
  });
  assert.equal(decide({ history: true }, laptop(8192)).planned, true);
  assert.throws(() => decide({ history: true }, laptop(4096)), { code: 'NO_ROOM' });
});
