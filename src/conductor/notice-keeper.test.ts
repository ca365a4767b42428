import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../adapters/agent/agent-protocol.ts';
import { SparkPlugError } from '../errors.ts';
import type { Machine, MachineState } from '../plan/cluster-plan.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { keepNoticed } from './notice-keeper.ts';

const going: Notice = { action: 'terminate', until: null };

function machine(name: string, state: MachineState = 'ready'): Machine {
  const own = { id: `id-${name}`, name, cores: 4, memoryMiB: 8192, othersMemoryMiB: 0 };
  return { ...own, conductor: name === 'conductor', shared: false, storage: false, state };
}

function open(stored: string | null = null) {
  const shutdown = new AbortController();
  const clock = createFakeClock();
  const world = {
    said: new Map<string, Notice | null>(),
    machines: [machine('conductor'), machine('a'), machine('b')] as readonly Machine[],
    /** What a drain, or a removal, throws. */
    refusal: null as Error | null,
    inUse: false,
    stored,
    asked: 0,
    done: [] as string[],
    events: [] as string[],
  };
  const running = keepNoticed({
    watch: { look: () => new Map(world.said) },
    machines: async () => {
      world.asked += 1;
      return world.machines;
    },
    keeper: {
      setDrained: async (machines, drained, { now, force = false }) => {
        world.done.push(`drain ${machines.map(({ name }) => name)} ${drained} now=${now} force=${force}`);
        if (world.refusal !== null) throw world.refusal;
        return { kind: 'unchanged', revision: 1 };
      },
    },
    decommission: async (id) => void world.done.push(`decommission ${id}`),
    remove: async (id) => {
      if (world.inUse) throw new SparkPlugError('MACHINE_IN_USE', 'was not drained');
      world.done.push(`remove ${id}`);
      world.machines = world.machines.filter((one) => one.id !== id);
    },
    store: {
      setting: () => world.stored,
      set: (_name, value) => {
        world.stored = value;
      },
    },
    clock,
    record: (_kind, message) => void world.events.push(message),
    shutdown: shutdown.signal,
  });
  running.catch(() => undefined);
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await settle();
      await clock.advance(1_000);
    }
    await settle();
  };
  const stop = async (): Promise<void> => {
    shutdown.abort(new Error('the scheduler stops'));
    await assert.rejects(running, /the scheduler stops/);
  };
  const setState = (name: string, state: MachineState) => {
    world.machines = world.machines.map((one) => (one.name === name ? machine(name, state) : one));
  };
  return { world, clock, pass, stop, setState };
}

test('while nobody gives notice the engine is asked nothing', async () => {
  const { world, pass, stop } = open();
  world.said.set('id-a', null).set('id-b', null);
  await pass(60);
  assert.deepEqual([world.asked, world.done, world.events], [0, [], []]);
  await stop();
});

test('all that were given notice are drained at once, running jobs not waited for, with the cause in the events', async () => {
  const { world, pass, stop } = open();
  const until = '2026-11-26T08:22:00.000Z';
  world.said.set('id-a', { action: 'stop', until }).set('id-b', going);
  await pass(4);
  assert.deepEqual(world.done, ['decommission id-a', 'decommission id-b', 'drain a,b true now=true force=false']);
  assert.deepEqual(world.events, [
    `a goes at ${until} (stop): its provider gave notice; it is drained at once`,
    'b goes soon (terminate): its provider gave notice; it is drained at once',
  ]);
  await pass(60);
  assert.equal(world.done.length, 3, 'once');
  await stop();
});

test('one that is down afterwards is taken out of the Swarm, once its drain is over', async () => {
  const { world, pass, stop, setState } = open();
  world.said.set('id-a', going);
  await pass(4);
  setState('a', 'away');
  world.inUse = true;
  await pass(9);
  assert.ok(!world.done.includes('remove id-a'));
  world.inUse = false;
  await pass(6);
  assert.equal(world.done.at(-1), 'remove id-a');
  world.said.delete('id-a');
  await pass(6);
  assert.equal(world.stored, null);
  assert.equal(world.events.length, 1);
  await stop();
});

test('while another change goes on executors leave all the same, and the drain begins after it', async () => {
  const { world, pass, stop } = open();
  world.refusal = new SparkPlugError('CLUSTER_BUSY', 'operation op-1 is changing the cluster');
  world.said.set('id-a', going);
  await pass(10);
  assert.equal(world.done[0], 'decommission id-a');
  assert.deepEqual(world.events.slice(1), ['a is drained after this: operation op-1 is changing the cluster']);
  world.refusal = null;
  await pass(4);
  const drains = world.done.length;
  await pass(30);
  assert.equal(world.done.length, drains);
  await stop();
});

test('what HDFS refuses is told once, tried again later, and nothing is forced or removed', async () => {
  const { world, pass, stop, setState } = open();
  world.refusal = new SparkPlugError('HDFS_NO_ROOM', 'there is no room');
  world.said.set('id-a', going);
  await pass(31);
  assert.deepEqual(world.events.slice(1), ['a cannot be drained: there is no room']);
  const drains = world.done.filter((one) => one.startsWith('drain'));
  assert.equal(drains.length, 2);
  assert.ok(drains.every((one) => one.endsWith('force=false')));
  setState('a', 'away');
  await pass(30);
  assert.ok(!world.done.some((one) => one.startsWith('remove')));
  await stop();
});

test('a notice that is taken back is told, and its machine is not removed when it is away later', async () => {
  const { world, pass, stop, setState } = open();
  world.said.set('id-a', going);
  await pass(4);
  world.said.set('id-a', null);
  await pass(4);
  assert.match(world.events.at(-1) ?? '', /^a stays: its notice was taken back \(sparkplug machine return a\)/);
  setState('a', 'away');
  await pass(30);
  assert.ok(!world.done.some((one) => one.startsWith('remove')));
  await stop();
});

test('what an earlier scheduler knew holds: neither told nor drained again, and removed when it is down', async () => {
  const stored = [{ id: 'id-a', name: 'a', action: 'terminate', until: null, asked: true }];
  const { world, pass, stop, setState } = open(JSON.stringify(stored));
  setState('a', 'away');
  await pass(4);
  assert.deepEqual([world.done, world.events], [['remove id-a'], []]);
  await stop();
});

test('a notice from long ago, and one on the conductor, count for nothing', async () => {
  const { world, clock, pass, stop } = open();
  world.said.set('id-a', { action: 'stop', until: new Date(clock.now() - 3_600_000).toISOString() });
  world.said.set('id-conductor', going);
  await pass(30);
  assert.deepEqual([world.done, world.stored], [[], null]);
  await stop();
});
