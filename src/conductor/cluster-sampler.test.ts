import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerUse } from '../adapters/docker/container-stats.ts';
import type { ClusterSample, ClusterStatus } from '../api/schemas.ts';
import { createFakeClock, epoch, type FakeClock, settle } from '../runs/run-bench.fixture.ts';
import { openDatabase, transact } from '../runs/state/database.ts';
import { createSampleStore } from '../runs/state/sample-store.ts';
import { createClusterSampler } from './cluster-sampler.ts';

const mib = 1024 ** 2;
const status: ClusterStatus = {
  projectId: 'p',
  version: '1',
  revision: 1,
  ready: true,
  components: [],
  spark: { workers: 1, cores: 2, coresUsed: 2, memoryMiB: 0, memoryUsedMiB: 0 },
  hdfs: {
    datanodes: 1,
    capacityMiB: 0,
    usedMiB: 7,
    missingBlocks: 0,
    underReplicatedBlocks: 0,
    safeMode: false,
    replication: 1,
  },
  runs: { queued: 0, running: 0 },
  operation: null,
  overrides: [],
  warnings: [],
};

function open(file = join(mkdtempSync(join(tmpdir(), 'sparkplug-samples-')), 'state.db'), clock = createFakeClock()) {
  const database = openDatabase(file);
  const store = createSampleStore(database);
  const stop = new AbortController();
  const world = {
    /** Cores that the one worker uses. */
    cores: 0.5,
    cpuSeconds: 0,
    engine: 'answers' as 'answers' | 'fails' | 'hangs',
    statusHangs: false,
    reads: 0,
    statuses: 0,
    more: [] as ContainerUse[],
  };
  const sampler = createClusterSampler({
    read: async () => {
      world.reads += 1;
      if (world.engine === 'fails') throw new Error('silent');
      if (world.engine === 'hangs') await new Promise(() => undefined);
      world.cpuSeconds += world.cores * 5;
      return [use('spark-worker-1', 'spark-worker', clock, world.cpuSeconds), ...world.more];
    },
    status: async () => {
      world.statuses += 1;
      if (world.statusHangs) await new Promise(() => undefined);
      return status;
    },
    store,
    clock,
    shutdown: stop.signal,
  });
  const running = sampler.run();
  running.catch(() => undefined);
  return {
    file,
    clock,
    sampler,
    store,
    world,
    database,
    stop: async () => {
      stop.abort(new Error('over'));
      await assert.rejects(running, /over/);
      database.close();
    },
  };
}

function use(service: string, component: string, clock: FakeClock, cpuSeconds: number, slot = 1): ContainerUse {
  return {
    id: `${service}-${slot}`,
    labels: {
      'sparkplug.service': service,
      'sparkplug.component': component,
      'com.docker.swarm.task.name': `demo-1_${service}.${slot}.x9f3`,
    },
    readAtMs: clock.now(),
    cpuSeconds,
    memoryBytes: 100 * mib,
    memoryLimitBytes: 200 * mib,
  };
}

test('cores are the rise of CPU time between two readings; the first reading has none', async () => {
  const { sampler, clock, stop } = open();
  await settle();
  assert.equal(sampler.containers()[0]?.coresUsed, null);
  await clock.advance(5_000);
  assert.deepEqual(sampler.containers(), [
    {
      service: 'spark-worker-1',
      component: 'spark-worker',
      replica: 1,
      cpuSeconds: 5,
      coresUsed: 0.5,
      memoryBytes: 100 * mib,
      memoryLimitBytes: 200 * mib,
    },
  ]);
  assert.deepEqual(sampler.history(60).at(-1), {
    at: new Date(epoch + 5_000).toISOString(),
    ready: true,
    coresUsed: 0.5,
    memoryUsedMiB: 100,
    sparkCoresUsed: 2,
    hdfsUsedMiB: 7,
  });
  await stop();
});

test('the drivers of parallel runs are told apart, and containers without our labels are left out', async () => {
  const { sampler, clock, world, stop } = open();
  world.more = [
    use('spark-driver', 'spark-driver', clock, 1, 1),
    use('spark-driver', 'spark-driver', clock, 1, 2),
    { ...use('x', 'x', clock, 1), labels: {} },
  ];
  await clock.advance(5_000);
  const loads = sampler.containers();
  assert.deepEqual(
    loads.map(({ service, replica }) => `${service} ${replica}`),
    ['spark-worker-1 1', 'spark-driver 1', 'spark-driver 2'],
  );
  // Two readings of the same moment say nothing.
  assert.equal(loads[1]?.coresUsed, null);
  await stop();
});

test('the last hour is kept in memory and no more', async () => {
  const { sampler, clock, store, stop } = open();
  await clock.advance(90 * 60_000);
  const samples = sampler.history(60);
  // 720 of memory, and the stored one of the minute in which the hour begins.
  assert.equal(samples.length, 721);
  assert.equal(sampler.history(1).length, 13);
  assert.equal(store.since(epoch).length, 90);
  await stop();
});

test('a day of stored samples is kept, older ones are deleted', async () => {
  const { store, database, stop } = open();
  const start = Date.parse('2026-04-01T00:00:30.000Z');
  transact(database, () => {
    for (let minute = 0; minute < 1500; minute += 1) {
      store.add(sampleAt(new Date(start + minute * 60_000).toISOString()));
    }
  });
  assert.equal(database.prepare('SELECT count(*) AS n FROM samples').get()?.n, 1440);
  assert.equal(store.since(0)[0]?.at, new Date(start + 60 * 60_000).toISOString());
  await stop();
});

test('stored samples outlive the scheduler and go before those in memory', async () => {
  const first = open();
  await first.clock.advance(120 * 60_000);
  await first.stop();
  const second = open(first.file, first.clock);
  await second.clock.advance(10_000);
  const joined = second.sampler.history(30);
  assert.ok(joined.length >= 29 && joined.length <= 34, String(joined.length));
  assert.ok(joined.every(({ at }, index) => index === 0 || at > (joined[index - 1]?.at ?? '')));
  assert.ok(second.sampler.history(1440).length >= 119);
  await second.stop();
});

test('a stored minute is the mean of its samples', async () => {
  const { clock, world, store, stop } = open();
  await clock.advance(60_000 - 5_000);
  world.cores = 4;
  await clock.advance(60_000);
  await clock.advance(10_000);
  const [, second] = store.since(epoch);
  assert.equal(second?.coresUsed, 4);
  await stop();
});

test('an engine that fails leaves a gap, and its containers are forgotten after half a minute', async () => {
  const { sampler, clock, world, stop } = open();
  await clock.advance(10_000);
  const before = sampler.history(60).length;
  world.engine = 'fails';
  await clock.advance(20_000);
  assert.equal(sampler.containers().length, 1);
  await clock.advance(20_000);
  assert.deepEqual(sampler.containers(), []);
  assert.equal(sampler.history(60).length, before);
  world.engine = 'answers';
  await clock.advance(10_000);
  assert.ok(sampler.history(60).length > before);
  await stop();
});

test('questions to a silent engine do not pile up', async () => {
  const { clock, world } = open();
  world.statusHangs = true;
  await clock.advance(600_000);
  assert.equal(world.statuses, 1);
  const reads = world.reads;
  world.engine = 'hangs';
  await clock.advance(600_000);
  assert.equal(world.reads, reads + 1);
});

test('a state that has grown old is not told as ready', async () => {
  const { sampler, clock, world, stop } = open();
  await clock.advance(5_000);
  assert.equal(sampler.history(60).at(-1)?.ready, true);
  world.statusHangs = true;
  await clock.advance(60_000);
  assert.equal(sampler.history(60).at(-1)?.ready, false);
  await stop();
});

test('samples from a future that the clock has left again are deleted', async () => {
  const { store, database, stop } = open();
  store.add(sampleAt('2030-01-01T00:00:00.000Z'));
  store.add(sampleAt('2026-03-01T12:00:00.000Z'));
  assert.equal(database.prepare('SELECT count(*) AS n FROM samples').get()?.n, 1);
  await stop();
});

function sampleAt(at: string): ClusterSample {
  return { at, ready: true, coresUsed: 1, memoryUsedMiB: 1, sparkCoresUsed: 0, hdfsUsedMiB: 0 };
}
