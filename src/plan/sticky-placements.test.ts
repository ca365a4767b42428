import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { buildStack } from '../stack/build-stack.ts';
import { chooseWorkerShape } from './choose-worker-shape.ts';
import type { ClusterPlan, Machine, MachinePlan, MachineState, Placement } from './cluster-plan.ts';
import { addEvenly } from './keep-placements.ts';
import { countFitting, measureRooms } from './measure-rooms.ts';
import { parseMachines } from './parse-machine.ts';
import { planCluster } from './plan-cluster.ts';
import { sizeDatanode } from './size-components.ts';

interface Wishes {
  readonly workers?: 'auto' | number;
  readonly worker?: 'auto' | WorkerShape;
  readonly datanodes?: 'auto' | number;
}

const twoCores: WorkerShape = { executors: 1, cores: 2, memoryMiB: 2048 };

function configure({ workers = 'auto', worker = twoCores, datanodes = 'auto' }: Wishes): ClusterConfig {
  const { config } = defaultCluster.desired;
  return { ...config, spark: { ...config.spark, workers, worker }, hdfs: { ...config.hdfs, datanodes } };
}

function make(name: string, cores: number, memoryMiB: number, more: Partial<Machine> = {}): Machine {
  const base = {
    id: `id-${name}`,
    name,
    cores,
    memoryMiB,
    othersMemoryMiB: 0,
    conductor: false,
    shared: false,
    storage: true,
  };
  return { ...base, state: 'ready', ...more };
}

const conductor = make('conductor', 4, 16_384, { conductor: true });

function setState(machine: Machine, state: MachineState): Machine {
  return { ...machine, state };
}

/** `1@a 2@b`: ordinals with machines. */
function print(placements: readonly Placement[]): string {
  return placements.map(({ ordinal, machineName }) => `${ordinal}@${machineName}`).join(' ');
}

function printPlan({ workers, datanodes }: ClusterPlan): readonly string[] {
  return [print(workers), print(datanodes)];
}

const followers = fc
  .array(
    fc.record({
      cores: fc.integer({ min: 1, max: 9 }),
      memoryMiB: fc.integer({ min: 1024, max: 20_000 }),
      others: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 3000 })),
      name: fc.stringMatching(/^[a-z]{1,2}$/),
      storage: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    }),
    { minLength: 0, maxLength: 5 },
  )
  .map((all) =>
    all.map(({ cores, memoryMiB, others, storage, name }, index) =>
      make(name, cores, memoryMiB, { id: `id${index}`, othersMemoryMiB: others, storage }),
    ),
  );

const wishes = fc.record({
  workers: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 10 })),
  worker: fc.record({
    executors: fc.integer({ min: 1, max: 2 }),
    cores: fc.integer({ min: 1, max: 3 }),
    memoryMiB: fc.integer({ min: 1580, max: 5000 }),
  }),
  datanodes: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 7 })),
});

/** The plan, or null where something does not fit. */
function tryPlan(config: ClusterConfig, machines: readonly Machine[], current?: ClusterPlan): ClusterPlan | null {
  try {
    return planCluster(config, machines, { current });
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'NO_ROOM') return null;
    throw error;
  }
}

function assertSound(config: ClusterConfig, machines: readonly Machine[], plan: ClusterPlan): void {
  const { memoryMiB, executors, cores } = plan.worker;
  for (const machine of machines) {
    const planned = plan.machines.find(({ id }) => id === machine.id);
    const on = (placements: readonly Placement[]): number =>
      placements.filter(({ machineId }) => machineId === machine.id).length;
    const [workers, datanodes] = [on(plan.workers), on(plan.datanodes)];
    assert.deepEqual([planned?.workers, planned?.datanodes], [workers, datanodes]);
    const used = workers * memoryMiB + datanodes * sizeDatanode(machine.memoryMiB).reservationMiB;
    assert.ok(used === 0 || used + machine.othersMemoryMiB <= machine.memoryMiB);
    assert.ok(workers * executors * cores <= machine.cores);
    if (machine.state !== 'ready') assert.equal(workers, 0);
    if (machine.state === 'drained' || !machine.storage) assert.equal(datanodes, 0);
  }
  for (const placements of [plan.workers, plan.datanodes]) {
    const ordinals = placements.map(({ ordinal }) => ordinal);
    assert.deepEqual(
      ordinals,
      [...new Set(ordinals)].toSorted((a, b) => a - b),
      'each ordinal once, in order',
    );
    for (const { machineId } of placements) assert.ok(machines.some(({ id }) => id === machineId));
  }
  if (config.spark.workers !== 'auto') assert.equal(plan.totalWorkers + plan.missingWorkers, config.spark.workers);
}

/** Those of `before` that are not in `after` as they were. */
function listMoved(before: readonly Placement[], after: readonly Placement[]): readonly Placement[] {
  return before.filter(
    (old) => !after.some(({ ordinal, machineId }) => ordinal === old.ordinal && machineId === old.machineId),
  );
}

test('property: what was planned, planned again, changes nothing, in whatever order machines come', () => {
  fc.assert(
    fc.property(wishes, followers, (wish, others) => {
      const [config, machines] = [configure(wish), [conductor, ...others]];
      const plan = tryPlan(config, machines);
      if (plan === null) return;
      assertSound(config, machines, plan);
      assert.deepEqual(tryPlan(config, machines, plan), plan);
      const shuffled = { ...plan, workers: plan.workers.toReversed(), datanodes: plan.datanodes.toReversed() };
      assert.deepEqual(tryPlan(config, machines.toReversed(), shuffled), plan);
    }),
    { numRuns: 1000 },
  );
});

test('property: a machine that joins moves nothing', () => {
  fc.assert(
    fc.property(wishes, followers, followers, (wish, others, joining) => {
      const config = configure(wish);
      const before = tryPlan(config, [conductor, ...others]);
      if (before === null) return;
      const joined = joining.map((machine, index) => ({ ...machine, id: `new${index}` }));
      const machines = [conductor, ...others, ...joined];
      const after = planCluster(config, machines, { current: before });
      assertSound(config, machines, after);
      assert.deepEqual(listMoved(before.workers, after.workers), []);
      assert.deepEqual(listMoved(before.datanodes, after.datanodes), []);
    }),
    { numRuns: 1000 },
  );
});

test('property: a machine that goes moves only what was there, however it goes', () => {
  const ways = fc.constantFrom('gone', 'away', 'drained');
  fc.assert(
    fc.property(wishes, followers, ways, fc.nat(4), (wish, others, way, which) => {
      const going = others[which % Math.max(1, others.length)];
      const config = configure(wish);
      const before = tryPlan(config, [conductor, ...others]);
      if (before === null || going === undefined) return;
      const rest = others.flatMap((machine) => {
        if (machine !== going) return [machine];
        return way === 'gone' ? [] : [setState(machine, way as MachineState)];
      });
      const machines = [conductor, ...rest];
      const after = tryPlan(config, machines, before);
      if (after === null) {
        assert.notEqual(way, 'away', 'a machine that is away refuses nothing');
        return;
      }
      assertSound(config, machines, after);
      const wasThere = ({ machineId }: Placement): boolean => machineId === going.id;
      const moved = listMoved(before.datanodes, after.datanodes);
      assert.deepEqual(moved, way === 'away' ? [] : before.datanodes.filter(wasThere));
      // A DataNode that is replaced takes memory on another machine: only then a worker may have to go there.
      const replaced = after.datanodes.length - before.datanodes.length + moved.length;
      const movedWorkers = listMoved(before.workers, after.workers).filter((worker) => !wasThere(worker));
      assert.ok(movedWorkers.length <= replaced, print(movedWorkers));
      const reused = after.datanodes.filter((one) => before.datanodes.some(({ ordinal }) => ordinal === one.ordinal));
      assert.deepEqual(listMoved(reused, before.datanodes), [], 'no DataNode takes the name of another');
      if (way !== 'away') return;
      const back = planCluster(config, [conductor, ...others], { current: after });
      assert.deepEqual(back.datanodes, before.datanodes);
      assert.equal(back.totalWorkers, before.totalWorkers);
    }),
    { numRuns: 1000 },
  );
});

test('property: scaling in by k takes exactly k away and moves nothing else; scaling out adds exactly k', () => {
  fc.assert(
    fc.property(followers, wishes, fc.nat(5), fc.nat(5), (others, wish, lessWorkers, lessDatanodes) => {
      const machines = [conductor, ...others];
      const full = tryPlan(configure({ ...wish, workers: 'auto' }), machines);
      const [workers, datanodes] = [full?.totalWorkers ?? 0, full?.datanodes.length ?? 0];
      const before = tryPlan(configure({ worker: wish.worker, workers, datanodes }), machines, full ?? undefined);
      if (before === null || workers <= lessWorkers || datanodes <= lessDatanodes) return;
      const fewer = { workers: workers - lessWorkers, datanodes: datanodes - lessDatanodes };
      const after = planCluster(configure({ worker: wish.worker, ...fewer }), machines, { current: before });
      assert.equal(listMoved(before.workers, after.workers).length, lessWorkers);
      assert.equal(listMoved(before.datanodes, after.datanodes).length, lessDatanodes);
      assert.deepEqual(listMoved(after.workers, before.workers), []);
      assert.deepEqual(listMoved(after.datanodes, before.datanodes), []);
      // One after the other: DataNodes are placed first, and might take the room of workers that are not there yet.
      const refilled = { worker: wish.worker, workers, datanodes: fewer.datanodes };
      const between = planCluster(configure(refilled), machines, { current: after });
      const again = planCluster(configure({ ...refilled, datanodes }), machines, { current: between });
      assert.deepEqual([again.totalWorkers, again.datanodes.length], [workers, datanodes]);
      assert.deepEqual(listMoved(after.workers, again.workers), []);
      assert.deepEqual(listMoved(after.datanodes, again.datanodes), []);
    }),
    { numRuns: 1000 },
  );
});

test('who goes: from the machine with most workers, the highest ordinal; of DataNodes first those that share a machine', () => {
  const machines = [conductor, make('a', 8, 32_768), make('b', 4, 16_384)];
  const full = planCluster(configure({ datanodes: 4 }), machines);
  assert.deepEqual(printPlan(full), ['1@a 2@a 3@a 4@a 5@b 6@b 7@conductor 8@conductor', '1@a 2@a 3@b 4@conductor']);
  const steps = [7, 6, 4, 1].map((workers) =>
    printPlan(planCluster(configure({ workers, datanodes: Math.ceil(workers / 2) }), machines, { current: full })),
  );
  assert.deepEqual(steps, [
    ['1@a 2@a 3@a 5@b 6@b 7@conductor 8@conductor', '1@a 2@a 3@b 4@conductor'],
    ['1@a 2@a 5@b 6@b 7@conductor 8@conductor', '1@a 3@b 4@conductor'],
    ['1@a 2@a 5@b 7@conductor', '1@a 3@b'],
    ['1@a', '1@a'],
  ]);
});

test('a DataNode that is away goes last, but one that is ready stays', () => {
  const machines = [conductor, make('a', 2, 8192), make('b', 2, 8192)];
  const current = planCluster(configure({ datanodes: 3 }), machines);
  const withoutB = machines.map((machine) => (machine.name === 'b' ? setState(machine, 'away') : machine));
  const left = [2, 1].map((datanodes) => print(planCluster(configure({ datanodes }), withoutB, { current }).datanodes));
  assert.deepEqual(left, ['1@a 2@b', '1@a']);
});

test('away, drained and gone, in words and in placements', () => {
  const machines = [conductor, make('a', 4, 8192), make('b', 4, 8192), make('c', 4, 8192)];
  const config = configure({ workers: 4, datanodes: 'auto' });
  const before = planCluster(config, machines);
  assert.deepEqual(printPlan(before), ['1@a 2@b 3@c 4@conductor', '1@a 2@b 3@c 4@conductor']);
  const states: Record<string, MachineState> = { a: 'away', b: 'drained' };
  const now = machines.map((machine) => setState(machine, states[machine.name] ?? 'ready'));
  const after = planCluster(config, now, { current: before });
  // Ordinals of workers are taken over: the service moves. That of a DataNode never is.
  assert.deepEqual(printPlan(after), ['1@c 2@conductor 3@c 4@conductor', '1@a 3@c 4@conductor']);
  assert.deepEqual(
    after.machines.map(({ name, explanation, limitedBy }) => `${name} (${limitedBy}): ${explanation}`),
    [
      'a (away): away: its DataNode waits for it, its workers are planned elsewhere',
      'b (drained): drained: takes nothing, what stood there is planned elsewhere',
      'c (cores): all 4 cores are in use; 3 GiB left',
      'conductor (cores): all 4 cores are in use; 7.5 GiB left',
    ],
  );
  assert.equal(after.machines[0]?.left.memoryMiB, 8192 - 656 - 160 - 256, 'the memory of what waits stays counted');
});

test('workers that only a machine that is away could hold are missing, not refused', () => {
  const machines = [conductor, make('a', 4, 8192)];
  const config = configure({ workers: 4 });
  const before = planCluster(config, machines);
  const away = machines.map((machine) => (machine.name === 'a' ? setState(machine, 'away') : machine));
  const during = planCluster(config, away, { current: before });
  assert.deepEqual([during.totalWorkers, during.missingWorkers], [2, 2]);
  assert.throws(() => planCluster(config, [conductor], { current: before }), {
    code: 'NO_ROOM',
    message: '4 workers of 2 cores and 2 GiB asked for, 2 fit; cores ran out first.',
    problems: [{ place: 'conductor', message: '2 workers fit; all 4 cores are in use; 7.9 GiB left' }],
  });
});

test('property: a computer that its user works on keeps what it planned, alone as well', () => {
  const sizes = fc.record({
    cores: fc.integer({ min: 1, max: 8 }),
    memoryMiB: fc.integer({ min: 4000, max: 20_000 }),
    gone: fc.nat(3),
  });
  fc.assert(
    fc.property(sizes, wishes, ({ cores, memoryMiB, gone }, wish) => {
      const machines = [make('laptop', cores, memoryMiB, { conductor: true, shared: true })];
      const config = configure(wish);
      const plan = tryPlan(config, machines);
      if (plan === null) return;
      const lost = Array.from({ length: gone }, (_, index) => ({
        ordinal: 100 + index,
        machineId: 'x',
        machineName: 'x',
      }));
      const current = { workers: [...plan.workers, ...lost], datanodes: [...plan.datanodes, ...lost] };
      assert.deepEqual(planCluster(config, machines, { current }), plan);
      const auto = configure({ ...wish, datanodes: 'auto' });
      const kept = planCluster(auto, machines, { current });
      assert.deepEqual(listMoved(plan.datanodes, kept.datanodes), []);
    }),
    { numRuns: 1000 },
  );
});

test('a DataNode goes from a machine that became compute only, once that answers; its workers stay', () => {
  const machines = [conductor, make('a', 4, 8192), make('b', 4, 8192)];
  const current = planCluster(configure({}), machines);
  const without = (state: MachineState) =>
    machines.map((machine) => (machine.name === 'a' ? { ...machine, storage: false, state } : machine));
  assert.equal(print(planCluster(configure({}), without('ready'), { current }).datanodes), '2@b 3@conductor');
  assert.equal(print(planCluster(configure({}), without('away'), { current }).datanodes), '1@a 2@b 3@conductor');
  assert.equal(
    print(planCluster(configure({}), without('ready'), { current }).workers),
    print(current.workers),
    'nothing else moves',
  );
});

test('a drained conductor keeps the conductor alone', () => {
  const plan = planCluster(configure({}), [setState(conductor, 'drained'), make('a', 4, 8192)]);
  assert.deepEqual(printPlan(plan), ['1@a 2@a', '1@a']);
  assert.match(plan.machines[1]?.explanation ?? '', /^drained: the conductor stays/);
});

test('a new DataNode is placed where no worker must go for it, as long as there is such a place', () => {
  const machines = [conductor, make('a', 4, 5300), make('b', 4, 8192)];
  const before = planCluster(configure({ datanodes: 3 }), machines);
  assert.deepEqual(
    before.machines.map(({ name, workers, left }) => [name, workers, left.memoryMiB >= 256]),
    [
      ['a', 2, true],
      ['b', 2, true],
      ['conductor', 2, true],
    ],
  );
  const after = planCluster(configure({ datanodes: 9 }), machines, { current: before });
  assert.deepEqual(print(after.workers), print(before.workers));
});

test('a machine that joins or goes changes the definition of no service that stands, a weaker one included', () => {
  const machines = [
    make('laptop', 8, 16_384, { conductor: true, shared: true }),
    make('a-weak', 2, 3000),
    make('z-strong', 16, 65_536),
  ];
  for (const [worker, history] of [
    [twoCores, 'auto'],
    ['auto', 'auto'],
    ['auto', true],
  ] as const) {
    const config = configure({ worker });
    const { desired } = defaultCluster;
    const workerShape = chooseWorkerShape(config, machines.slice(0, 1));
    const state = {
      ...desired,
      workerShape,
      config: { ...config, web: desired.config.web, spark: { ...config.spark, history } },
    };
    let before: ClusterPlan | undefined;
    let known = new Map<string, string>();
    for (let count = 1; count <= machines.length; count++) {
      // A second machine makes the first one a machine of its own.
      const there = machines.slice(0, count).map((machine) => ({ ...machine, shared: count === 1 }));
      const plan: ClusterPlan = planCluster(state.config, there, { workerShape, current: before });
      const { services } = buildStack(state, plan, { bootstrap: null });
      const now = new Map(services.map((service) => [service.name, `${service.hash} ${service.machineId}`]));
      for (const [name, definition] of known) assert.equal(now.get(name), definition, `${name}, ${count} machines`);
      assert.ok(now.size > known.size);
      before = plan;
      known = now;
    }
  }
});

test('least full first, by name where equal: the same as one after another', () => {
  const rooms = fc.array(fc.record({ have: fc.nat(6), more: fc.nat(9) }), { maxLength: 8 });
  fc.assert(
    fc.property(rooms, fc.nat(40), (given, howMany) => {
      const counts = given.map(({ have }) => have);
      const most = given.map(({ have, more }) => have + more);
      const expected = counts.slice();
      for (let added = 0; added < howMany; added++) {
        let least = -1;
        for (const [index, have] of expected.entries()) {
          const isOpen = have < (most[index] ?? 0);
          if (isOpen && (least === -1 || have * (most[least] ?? 0) < (expected[least] ?? 0) * (most[index] ?? 0)))
            least = index;
        }
        if (least === -1) break;
        expected[least] = (expected[least] ?? 0) + 1;
      }
      assert.deepEqual(addEvenly(counts, most, howMany), expected);
    }),
    { numRuns: 1000 },
  );
});

/** A small generator of its own: fast-check's would take longer than the planner. */
function createRandom(seed: number): (least: number, most: number) => number {
  let state = seed;
  return (least, most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return least + Math.floor((state / 2 ** 32) * (most - least + 1));
  };
}

test('brute force: on 100,000 random small clusters no placement holds more workers, no shape uses more cores', () => {
  const random = createRandom(20_261_126);
  let planned = 0;
  for (let round = 0; round < 100_000; round++) {
    const machines = [make('m0', random(1, 8), random(3500, 16_000), { conductor: true })];
    for (let index = random(0, 3); index > 0; index--) {
      const more = { othersMemoryMiB: random(0, 1) * 700, storage: random(0, 3) > 0 };
      machines.push(make(`m${index}`, random(1, 8), random(1024, 12_000), more));
    }
    const isAuto = round % 2 === 0;
    const memoryMiB = random(900, 4000);
    const config = configure({ worker: isAuto ? 'auto' : { executors: 1, cores: random(1, 4), memoryMiB } });
    const plan = tryPlan(config, machines);
    if (plan === null) continue;
    planned += 1;
    const measure = { workerMiB: plan.worker.memoryMiB, history: plan.history.planned, datanodes: 0 };
    const { rooms } = measureRooms(config, machines, measure);
    // Every number of workers on each machine, from none to one for each core.
    for (const [index, room] of rooms.entries()) {
      const { workers, datanodes }: MachinePlan = plan.machines[index] ?? assert.fail();
      const freeMiB = room.budgetMiB - room.ownMiB - datanodes * room.datanode.reservationMiB;
      let most = 0;
      for (let count = 0; count <= room.machine.cores; count++) {
        if (count * plan.worker.cores <= room.machine.cores && count * plan.worker.memoryMiB <= freeMiB) most = count;
      }
      assert.equal(workers, most, JSON.stringify({ machines, shape: plan.worker }));
      const mayStore = room.machine.storage && room.budgetMiB - room.ownMiB >= room.datanode.reservationMiB;
      assert.equal(datanodes, mayStore ? 1 : 0, JSON.stringify({ machines }));
    }
    if (!isAuto) continue;
    const { rooms: roomiest } = measureRooms(config, machines, { ...measure, history: false });
    const one = { executors: 1, cores: 1, memoryMiB: 896 };
    const able = roomiest.filter((room, index) => countFitting(room, plan.machines[index]?.datanodes ?? 0, one) > 0);
    for (let cores = 1; cores <= 5; cores++) {
      const shape = { executors: 1, cores, memoryMiB: Math.max(896, 416 * cores) };
      const fits = able.map((room) => countFitting(room, room.machine.storage ? 1 : 0, shape));
      if (fits.some((count) => count === 0)) continue;
      const used = cores * fits.reduce((total, count) => total + count, 0);
      assert.ok(used <= plan.totalWorkers * plan.worker.cores, JSON.stringify({ machines, shape, plan: plan.worker }));
    }
  }
  assert.ok(planned > 50_000, `${planned} of them hold a cluster at all`);
});

test('100,000 machines are planned within 50 ms, with all that stands as well', () => {
  const machines = parseMachines(['4c8g*50000', '8c16g*50000']);
  const config = configure({ worker: 'auto' });
  const first = planCluster(config, machines);
  assert.equal(first.totalWorkers * first.worker.cores, 600_000);
  const workerShape = first.worker;
  // The time of this thread on a core: what else the computer does is not the planner's.
  const measureMs = (plan: () => ClusterPlan): number => {
    const times = Array.from({ length: 15 }, () => {
      const before = process.threadCpuUsage();
      plan();
      const { user, system } = process.threadCpuUsage(before);
      return (user + system) / 1000;
    });
    // The first ones warm up.
    return times.slice(6).toSorted((a, b) => a - b)[4] ?? Number.POSITIVE_INFINITY;
  };
  const plans: Record<string, () => ClusterPlan> = {
    'from nothing': () => planCluster(config, machines, { workerShape }),
    'shape included': () => planCluster(config, machines),
    'all of it standing': () => planCluster(config, machines, { workerShape, current: first }),
  };
  for (const [what, plan] of Object.entries(plans)) {
    const tookMs = measureMs(plan);
    assert.ok(tookMs < 50, `${what}: ${tookMs} ms`);
  }
  assert.deepEqual(planCluster(config, machines, { workerShape, current: first }).workers, first.workers);
});
