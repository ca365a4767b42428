import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { chooseWorkerShape } from './choose-worker-shape.ts';
import type { ClusterPlan, Machine, MachinePlan } from './cluster-plan.ts';
import { deriveWorker, smallestWorkerMiB } from './derive-worker.ts';
import { parseMachines } from './parse-machine.ts';
import { planCluster } from './plan-cluster.ts';
import { jvmNativeMiB, sizeDatanode, sumConductorMiB } from './size-components.ts';

interface Wishes {
  readonly workers?: 'auto' | number;
  readonly worker?: 'auto' | WorkerShape;
  readonly datanodes?: 'auto' | number;
  readonly replication?: 'auto' | number;
  readonly reserveMiB?: 'auto' | number;
  readonly parallel?: number;
}

function makeConfig(wishes: Wishes = {}): ClusterConfig {
  return {
    name: 'app',
    jobs: [],
    requirements: null,
    packages: [],
    apt: [],
    spark: { version: '4.2.0', workers: wishes.workers ?? 'auto', worker: wishes.worker ?? 'auto', conf: {} },
    hdfs: { datanodes: wishes.datanodes ?? 'auto', replication: wishes.replication ?? 'auto' },
    reserve: { memoryMiB: wishes.reserveMiB ?? 'auto' },
    web: { port: 'auto', listen: 'local', tls: null },
    images: { registry: null },
    runs: { keep: 50, parallel: wishes.parallel ?? 1 },
  };
}

/** The computer the user works on. */
function laptop(cores: number, memoryMiB: number, othersMemoryMiB = 0): readonly Machine[] {
  return [
    {
      id: 'm',
      name: 'laptop',
      cores,
      memoryMiB,
      othersMemoryMiB,
      conductor: true,
      shared: true,
      storage: true,
      state: 'ready',
    },
  ];
}

function only<T>(items: readonly T[]): T {
  const [item] = items;
  assert.ok(item !== undefined && items.length === 1);
  return item;
}

function usedMiB(machine: MachinePlan): number {
  return machine.memoryMiB - machine.reservedMiB - machine.left.memoryMiB;
}

function catchError(work: () => unknown): SparkPlugError {
  try {
    work();
  } catch (error) {
    if (error instanceof SparkPlugError) return error;
    throw error;
  }
  return assert.fail('no error');
}

/** Everything that must hold for any plan. */
function assertSound(config: ClusterConfig, machines: readonly Machine[], plan: ClusterPlan): void {
  const { worker, sizing } = plan;
  for (const machine of plan.machines) {
    const given = machines.find(({ id }) => id === machine.id);
    assert.ok(given !== undefined);
    const counted = { history: plan.history.planned, registry: machines.length > 1 || !given.shared };
    // A further machine that is smaller than the agent's part has nothing left for anything.
    const agentMiB = Math.min(sizing.agent.reservationMiB, machine.memoryMiB - machine.reservedMiB);
    const ownMiB = given.conductor ? sumConductorMiB(sizing, config.runs.parallel, counted) : agentMiB;
    const needMiB =
      ownMiB + machine.datanodes * sizeDatanode(given.memoryMiB).reservationMiB + machine.workers * worker.memoryMiB;
    assert.equal(usedMiB(machine), needMiB, 'memory adds up');
    if (!given.storage) assert.equal(machine.datanodes, 0, 'compute only');
    assert.ok(machine.left.memoryMiB >= 0 && machine.left.cores >= 0, 'never over capacity');
    assert.ok(needMiB === 0 || needMiB + given.othersMemoryMiB <= given.memoryMiB, 'never over what others leave');
    assert.equal(machine.left.cores, given.cores - machine.workers * worker.executors * worker.cores);
    assert.equal(plan.workers.filter(({ machineId }) => machineId === machine.id).length, machine.workers);
    assert.equal(plan.datanodes.filter(({ machineId }) => machineId === machine.id).length, machine.datanodes);
  }
  for (const placements of [plan.workers, plan.datanodes]) {
    assert.deepEqual(
      placements.map(({ ordinal }) => ordinal),
      placements.map((_, index) => index + 1),
    );
  }
  assert.ok(plan.totalWorkers >= 1 && plan.totalWorkers === plan.workers.length);
  assert.ok(plan.replication >= 1 && plan.replication <= plan.datanodes.length);
  assert.ok(plan.coresPerRun >= worker.cores, 'one run can hold one executor');
  const insideMiB =
    worker.daemonHeapMiB + jvmNativeMiB(worker.daemonHeapMiB) + worker.executors * (worker.heapMiB + 208);
  assert.ok(insideMiB <= worker.memoryMiB, 'heaps fit their container');
  for (const { heapMiB, limitMiB, reservationMiB } of Object.values(sizing)) {
    assert.ok(heapMiB < limitMiB && reservationMiB === limitMiB);
  }
}

const shapes: fc.Arbitrary<WorkerShape> = fc.record({
  executors: fc.integer({ min: 1, max: 3 }),
  cores: fc.integer({ min: 1, max: 6 }),
  memoryMiB: fc.integer({ min: smallestWorkerMiB(3), max: 12_000 }),
});

/** The conductor first, then followers; names in no order. */
const clusters: fc.Arbitrary<readonly Machine[]> = fc
  .array(
    fc.record({
      cores: fc.integer({ min: 1, max: 24 }),
      memoryMiB: fc.integer({ min: 1024, max: 65_536 }),
      others: fc.integer({ min: 0, max: 2048 }),
      storage: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
      name: fc.stringMatching(/^[a-z]{1,3}$/),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((machines) =>
    machines.map(({ cores, memoryMiB, others, storage, name }, index) => ({
      id: `id${index}`,
      name,
      cores,
      memoryMiB: index === 0 ? memoryMiB + 4096 : memoryMiB,
      othersMemoryMiB: others,
      conductor: index === 0,
      shared: false,
      storage,
      state: 'ready' as const,
    })),
  );

/** The plan, or null where nothing fits. */
function tryPlan(config: ClusterConfig, machines: readonly Machine[]): ClusterPlan | null {
  try {
    return planCluster(config, machines);
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'NO_ROOM') return null;
    throw error;
  }
}

test('property: any plan is sound, whatever is asked for', () => {
  const wishes = fc.record({
    workers: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 12 })),
    worker: fc.oneof(fc.constant('auto' as const), shapes),
    datanodes: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 6 })),
    reserveMiB: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 0, max: 4096 })),
    parallel: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(wishes, clusters, (asked, machines) => {
      const config = makeConfig(asked);
      const plan = tryPlan(config, machines);
      if (plan === null) return;
      assertSound(config, machines, plan);
      if (asked.workers !== 'auto') assert.equal(plan.totalWorkers, asked.workers);
      if (asked.datanodes !== 'auto') assert.equal(plan.datanodes.length, asked.datanodes);
    }),
    { numRuns: 500 },
  );
});

test('property: the order in which machines are given changes nothing', () => {
  fc.assert(
    fc.property(clusters, (machines) => {
      assert.deepEqual(tryPlan(makeConfig(), machines), tryPlan(makeConfig(), machines.toReversed()));
    }),
  );
});

test('property: one more machine never means fewer workers of the same shape', () => {
  fc.assert(
    fc.property(clusters, shapes, (machines, worker) => {
      const config = makeConfig({ worker });
      const fewer = tryPlan(config, machines.slice(0, -1).length === 0 ? machines : machines.slice(0, -1));
      const more = tryPlan(config, machines);
      assert.ok((more?.totalWorkers ?? 0) >= (fewer?.totalWorkers ?? 0));
    }),
  );
});

test('property: no placement holds more workers (brute force)', () => {
  fc.assert(
    fc.property(clusters, shapes, (machines, worker) => {
      const plan = tryPlan(makeConfig({ worker }), machines);
      if (plan === null) return;
      const best = plan.machines.reduce((sum, machine) => {
        const freeMiB = machine.left.memoryMiB + machine.workers * worker.memoryMiB;
        let count = 0;
        const fits = (n: number) =>
          n * worker.executors * worker.cores <= machine.cores && n * worker.memoryMiB <= freeMiB;
        while (fits(count + 1)) count += 1;
        return sum + count;
      }, 0);
      assert.equal(plan.totalWorkers, best);
    }),
  );
});

test('property: no shape that fits the weakest machine uses more cores than `auto` (brute force)', () => {
  fc.assert(
    fc.property(clusters, (machines) => {
      const plan = tryPlan(makeConfig(), machines);
      if (plan === null) return;
      const able = plan.machines.filter((machine) => machine.workers > 0);
      const weakest = Math.min(5, ...able.map(({ cores }) => cores));
      const coresUsed = plan.totalWorkers * plan.worker.cores;
      for (let cores = 1; cores <= weakest; cores++) {
        const memoryMiB = Math.max(896, Math.ceil((416 * cores) / 32) * 32);
        const other = tryPlan(makeConfig({ worker: { executors: 1, cores, memoryMiB } }), machines);
        if (other === null || able.length > other.machines.filter(({ workers }) => workers > 0).length) continue;
        assert.ok(
          other.totalWorkers * cores <= coresUsed,
          `${cores} cores: ${other.totalWorkers}, ${JSON.stringify(plan.worker)}`,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('property: the default works on every single shared machine from 4 GiB and 2 cores up', () => {
  const sizes = fc.tuple(fc.integer({ min: 2, max: 256 }), fc.integer({ min: 3800, max: 1024 * 1024 }));
  fc.assert(
    fc.property(sizes, ([cores, memoryMiB]) => {
      const machines = laptop(cores, memoryMiB);
      const plan = planCluster(makeConfig(), machines);
      assertSound(makeConfig(), machines, plan);
      const machine = only(plan.machines);
      assert.ok(usedMiB(machine) <= Math.max(memoryMiB / 2, 3248), 'half of the memory, or the smallest cluster');
      assert.ok(machine.reservedMiB >= (memoryMiB >= 4096 ? 768 : 640), 'the system keeps its share');
      assert.ok(plan.worker.heapMiB >= 480 && plan.worker.heapMiB <= 20 * 1024, `executor heap ${plan.worker.heapMiB}`);
      assert.ok(plan.sizing['spark-driver'].heapMiB >= 512 && plan.sizing.namenode.heapMiB >= 128);
    }),
    { numRuns: 1000 },
  );
});

test('property: from 8 GiB on a second project fits beside the first, and the first one’s plan stays', () => {
  const sizes = fc.tuple(fc.integer({ min: 2, max: 64 }), fc.integer({ min: 7680, max: 256 * 1024 }));
  fc.assert(
    fc.property(sizes, ([cores, memoryMiB]) => {
      const first = planCluster(makeConfig(), laptop(cores, memoryMiB));
      const second = planCluster(makeConfig(), laptop(cores, memoryMiB, usedMiB(only(first.machines))));
      const others = usedMiB(only(second.machines));
      const again = planCluster(makeConfig(), laptop(cores, memoryMiB, others), { workerShape: first.worker });
      assert.deepEqual(
        [again.worker, again.totalWorkers, again.sizing],
        [first.worker, first.totalWorkers, first.sizing],
      );
    }),
    { numRuns: 500 },
  );
});

test('the classic case: machines of 2, 4 and 8 cores hold 1 + 2 + 4 workers, every core in use', () => {
  const plan = planCluster(makeConfig(), parseMachines(['2c8g', '4c8g', '8c16g']));
  assert.deepEqual(
    plan.machines.map(({ workers, left }) => [workers, left.cores]),
    [
      [1, 0],
      [2, 0],
      [4, 0],
    ],
  );
  assert.deepEqual([plan.worker.executors, plan.worker.cores, plan.totalWorkers, plan.coresPerRun], [1, 2, 7, 14]);
  assert.deepEqual([plan.datanodes.length, plan.replication], [3, 3]);
});

test('the plan in words', () => {
  const config = makeConfig({ worker: { executors: 1, cores: 2, memoryMiB: 2048 } });
  const plan = planCluster(config, parseMachines(['4c8g', '8c6g', '5c16g', '1c8g', '4c1g', '2c700m']));
  assert.deepEqual(
    plan.machines.map(({ name, workers, explanation }) => `${name}: ${workers} workers; ${explanation}`),
    [
      'machine-1: 2 workers; all 4 cores are in use; 1.1 GiB left',
      'machine-2: 2 workers; 1.1 GiB left, one worker needs 2 GiB; memory ran out first',
      'machine-3: 2 workers; 1 core left, one worker needs 2; cores ran out first',
      'machine-4: 0 workers; no room for a worker: 1 core left, one worker needs 2; cores ran out first',
      'machine-5: 0 workers; no room for a worker: 96 MiB left, one worker needs 2 GiB; memory ran out first',
      'machine-6: 0 workers; no room for a worker: 28 MiB left, one worker needs 2 GiB; memory ran out first; no room for a DataNode of 256 MiB',
    ],
  );
});

test('a small, a usual and a large computer', () => {
  const plans = [laptop(2, 4096), laptop(8, 16_384), laptop(32, 131_072)].map((machines) => {
    const { machines: planned, worker, totalWorkers, sizing } = planCluster(makeConfig(), machines);
    const { reservedMiB } = only(planned);
    const { cores, memoryMiB, heapMiB } = worker;
    const heaps = `driver ${sizing['spark-driver'].heapMiB}, namenode ${sizing.namenode.heapMiB}`;
    return `${reservedMiB} left alone; ${totalWorkers} × ${cores}c ${memoryMiB} (heap ${heapMiB}); ${heaps}`;
  });
  assert.deepEqual(plans, [
    '848 left alone; 1 × 2c 1024 (heap 480); driver 512, namenode 144',
    '8192 left alone; 2 × 4c 2432 (heap 1536); driver 752, namenode 224',
    '65536 left alone; 8 × 4c 6848 (heap 4992); driver 3152, namenode 1328',
  ]);
});

test('numbers in the file are kept: workers and DataNodes spread over the machines', () => {
  const worker = { executors: 1, cores: 2, memoryMiB: 2048 };
  const plan = planCluster(
    makeConfig({ workers: 4, worker, datanodes: 5 }),
    parseMachines(['8c16g', '8c16g', '8c16g']),
  );
  assert.deepEqual(
    plan.machines.map(({ workers, datanodes }) => [workers, datanodes]),
    [
      [2, 1],
      [1, 2],
      [1, 2],
    ],
  );
  assert.deepEqual([plan.machines[0]?.limitedBy, plan.replication], ['requested', 3]);
});

test('several DataNodes and workers fit on one machine', () => {
  const plan = planCluster(makeConfig({ workers: 2, datanodes: 3 }), laptop(4, 12_288));
  assert.deepEqual([plan.totalWorkers, plan.datanodes.length, plan.replication], [2, 3, 3]);
});

test('more workers than fit: how many do, and what ran out', () => {
  const worker = { executors: 1, cores: 2, memoryMiB: 2048 };
  const byCores = catchError(() => planCluster(makeConfig({ workers: 9, worker }), parseMachines(['4c32g', '4c32g'])));
  assert.equal(byCores.code, 'NO_ROOM');
  assert.equal(byCores.message, '9 workers of 2 cores and 2 GiB asked for, 4 fit; cores ran out first.');
  assert.match(byCores.hint ?? '', /workers: 4/);
  const byMemory = catchError(() => planCluster(makeConfig({ workers: 9, worker }), parseMachines(['32c8g'])));
  assert.match(byMemory.message, /2 fit; memory ran out first/);
});

test('no room for one worker: what is needed, what there is, and the fix', () => {
  const error = catchError(() => planCluster(makeConfig(), laptop(2, 3400)));
  assert.deepEqual([error.code, error.exitCode], ['NO_ROOM', 1]);
  assert.equal(error.message, 'No machine has room for one Spark worker: it needs 1 core and 896 MiB.');
  assert.match(error.hint ?? '', /Give Docker more memory/);
  assert.equal(
    only(error.problems).message,
    '3.3 GiB − 640 MiB left alone = 2.7 GiB, − 2.2 GiB for conductor and DataNode = 536 MiB; a worker needs 896 MiB',
  );
});

test('no room for the conductor or for DataNodes', () => {
  const small = catchError(() => planCluster(makeConfig(), laptop(2, 2048)));
  assert.equal(small.message, "The conductor's containers need 1.9 GiB; laptop has 1.4 GiB for them.");
  assert.equal(small.met, '2 GiB − 640 MiB left alone = 1.4 GiB');
  const many = catchError(() => planCluster(makeConfig({ datanodes: 20 }), laptop(2, 4096)));
  assert.match(many.message, /^20 DataNodes asked for, \d fit: one needs 256 MiB/);
});

test('a machine that is compute only takes workers and no DataNode, and counts for no copy of a block', () => {
  const machines = parseMachines(['4c8g*4']).map((machine, index) => ({ ...machine, storage: index < 2 }));
  const config = makeConfig({ worker: { executors: 1, cores: 2, memoryMiB: 2048 } });
  const plan = planCluster(config, machines);
  assert.deepEqual(
    plan.machines.map(({ workers, datanodes, storage }) => [workers, datanodes, storage]),
    [
      [2, 1, true],
      [2, 1, true],
      [2, 0, false],
      [2, 0, false],
    ],
  );
  assert.equal(plan.replication, 2);
  assert.equal(plan.machines[2]?.explanation, 'all 4 cores are in use; 3.2 GiB left; compute only, no DataNodes');
  const spread = planCluster(makeConfig({ datanodes: 4 }), machines);
  assert.deepEqual(
    spread.machines.map(({ datanodes }) => datanodes),
    [2, 2, 0, 0],
  );
  const refused = catchError(() => planCluster(makeConfig({ replication: 3 }), machines));
  assert.match(refused.message, /^3 replicas of a file need 3 DataNodes; there are 2/);
  const many = catchError(() => planCluster(makeConfig({ datanodes: 99 }), machines));
  assert.equal(many.problems.at(-1)?.message, 'compute only, no DataNodes');
});

test('where no machine may hold a DataNode the refusal says why and what helps', () => {
  const machines = parseMachines(['4c8g*3']).map((machine, index) => ({
    ...machine,
    storage: index === 1,
    state: index === 1 ? ('drained' as const) : machine.state,
  }));
  const error = catchError(() => planCluster(makeConfig(), machines));
  assert.deepEqual([error.code, error.place], ['NO_ROOM', 'hdfs.datanodes']);
  assert.equal(error.message, 'No machine may hold a DataNode: each is compute only or drained.');
  assert.match(error.hint ?? '', /sparkplug\.storage=none/);
  assert.deepEqual(
    error.problems.map(({ message }) => message),
    ['compute only, no DataNodes', 'drained: takes nothing', 'compute only, no DataNodes'],
  );
});

test('another project’s reservations are taken off and named', () => {
  const error = catchError(() => planCluster(makeConfig(), laptop(2, 8192, 6144)));
  assert.equal(error.met, '8 GiB − 656 MiB left alone − 6 GiB of other projects = 1.4 GiB');
});

test('`reserve.memory` is left alone exactly', () => {
  const machine = only(planCluster(makeConfig({ reserveMiB: 1000 }), laptop(8, 16_384, 500)).machines);
  assert.equal(machine.reservedMiB, 1500);
});

test('parallel runs divide the cores and need a driver each', () => {
  const plan = planCluster(makeConfig({ parallel: 2 }), laptop(8, 32_768));
  assert.deepEqual([plan.parallelRuns, plan.coresPerRun], [2, 4]);
  const worker = { executors: 1, cores: 4, memoryMiB: 2048 };
  const error = catchError(() => planCluster(makeConfig({ parallel: 3, worker }), laptop(8, 32_768)));
  assert.equal(error.message, '3 parallel runs share 8 cores: 2 each, but one executor needs 4.');
  assert.match(error.hint ?? '', /parallel: 2/);
});

test('a replication above the number of DataNodes is refused', () => {
  const error = catchError(() => planCluster(makeConfig({ replication: 2 }), laptop(4, 16_384)));
  assert.deepEqual([error.code, error.place], ['CONFIG_INVALID', 'hdfs.replication']);
});

test('a shape of its own is divided into heaps, or refused with the sum', () => {
  const worker = deriveWorker({ executors: 1, cores: 2, memoryMiB: 4096 });
  assert.deepEqual(worker, { executors: 1, cores: 2, memoryMiB: 4096, heapMiB: 2864, daemonHeapMiB: 128 });
  const error = catchError(() => deriveWorker({ executors: 2, cores: 1, memoryMiB: 1024 }));
  assert.deepEqual([error.code, error.place], ['CONFIG_INVALID', 'spark.worker.memory']);
  assert.match(error.message, /the worker daemon \(204 MiB\) and 2 executors of 688 MiB need 1580 MiB/);
});

test('the file’s own shape is taken as it is, a stored one only for `auto`', () => {
  const worker = { executors: 2, cores: 1, memoryMiB: 2000 };
  const stored = { executors: 1, cores: 1, memoryMiB: 1024 };
  const machines = laptop(8, 16_384);
  assert.deepEqual(chooseWorkerShape(makeConfig({ worker }), machines), worker);
  assert.equal(planCluster(makeConfig({ worker }), machines, { workerShape: stored }).worker.memoryMiB, 2000);
  assert.equal(planCluster(makeConfig(), machines, { workerShape: stored }).worker.memoryMiB, 1024);
});

test('100,000 machines are planned in one pass', () => {
  const machines = parseMachines(['4c8g*50000', '8c16g*50000']);
  const startedAt = performance.now();
  const plan = planCluster(makeConfig(), machines);
  const tookMs = performance.now() - startedAt;
  assert.equal(plan.totalWorkers * plan.worker.cores, 600_000);
  // Loose on purpose: a quadratic planner would take minutes.
  assert.ok(tookMs < 10_000, `${tookMs} ms`);
});

test('exactly one machine is the conductor: anything else is a bug of the caller', () => {
  const machines = laptop(4, 16_384).map((machine) => ({ ...machine, conductor: false }));
  assert.throws(() => planCluster(makeConfig(), machines), /0 conductor machines/);
});
