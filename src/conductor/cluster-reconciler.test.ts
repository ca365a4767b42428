import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from '../plan/cluster-plan.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import type { ReconcileAnswer } from './cluster-keeper.ts';
import { describeNews, keepReconciled } from './cluster-reconciler.ts';

const machine = (name: string, changes: Partial<Machine> = {}): Machine => ({
  id: `id-${name}`,
  name,
  cores: 4,
  memoryMiB: 8192,
  othersMemoryMiB: 0,
  conductor: name === 'conductor',
  shared: false,
  storage: true,
  state: 'ready',
  ...changes,
});

const ended = (state: 'succeeded' | 'failed'): ReconcileAnswer => ({
  kind: 'done',
  operation: {
    id: 'op-1',
    kind: 'reconcile',
    state,
    revision: 1,
    steps: [],
    failure: null,
    startedAt: '',
    finishedAt: '',
  },
});

function open() {
  const shutdown = new AbortController();
  const clock = createFakeClock();
  const world = {
    machines: [machine('conductor')] as readonly Machine[] | null,
    preview: [] as readonly string[],
    answer: ended('succeeded'),
    causes: [] as string[],
    events: [] as string[],
  };
  const running = keepReconciled({
    keeper: {
      preview: async () => world.preview,
      reconcile: async (cause) => {
        world.causes.push(cause);
        if (world.answer.kind === 'done' && world.answer.operation.state === 'succeeded') world.preview = [];
        return world.answer;
      },
    },
    machines: async () => {
      if (world.machines === null) throw new Error('the engine is silent');
      return world.machines;
    },
    clock,
    record: (_kind, message) => world.events.push(message),
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
  return { world, pass, stop };
}

test('a machine that joins is used within seconds, and the event says why', async () => {
  const { world, pass, stop } = open();
  await pass(4);
  world.machines = [machine('conductor'), machine('follower-1')];
  world.preview = ['create spark-worker-2: on follower-1'];
  await pass(8);
  assert.deepEqual(world.causes, ['follower-1 joined with 4 cores and 8192 MiB']);
  assert.deepEqual(world.events, ['follower-1 joined with 4 cores and 8192 MiB']);
  await pass(120);
  assert.equal(world.causes.length, 1);
  await stop();
});

test('drift is found without any machine that came or went', async () => {
  const { world, pass, stop } = open();
  await pass(4);
  world.preview = ['create checkpointer: not there yet'];
  await pass(40);
  assert.deepEqual(world.causes, ['found different from the revision']);
  await stop();
});

test('a difference that is gone at the next look changes nothing', async () => {
  const { world, pass, stop } = open();
  await pass(4);
  world.machines = [machine('conductor', { state: 'away' })];
  world.preview = ['remove web: no longer planned'];
  await pass(3);
  world.preview = ['remove scheduler: no longer planned'];
  await pass(3);
  world.preview = [];
  await pass(60);
  assert.deepEqual(world.causes, []);
  await stop();
});

test('what fails is tried again after longer and longer pauses, and at once when a machine comes', async () => {
  const { world, pass, stop } = open();
  world.answer = ended('failed');
  world.preview = ['create spark-worker-2: not there yet'];
  await pass(40);
  assert.equal(world.causes.length, 1);
  await pass(40);
  assert.equal(world.causes.length, 2);
  await pass(40);
  assert.equal(world.causes.length, 2);
  world.machines = [machine('conductor'), machine('follower-1')];
  await pass(8);
  assert.equal(world.causes.length, 3);
  await stop();
});

test('an engine that is silent is asked again', async () => {
  const { world, pass, stop } = open();
  await pass(4);
  world.machines = null;
  await pass(30);
  world.machines = [machine('conductor')];
  await pass(6);
  assert.deepEqual(world.events, []);
  await stop();
});

test('news are told in sentences', () => {
  const before = [machine('conductor'), machine('follower-1'), machine('follower-2'), machine('follower-3')];
  const after = [
    machine('conductor', { cores: 8 }),
    machine('follower-1', { state: 'away' }),
    machine('follower-3', { state: 'drained' }),
  ];
  assert.deepEqual(describeNews(before, after), [
    'conductor has 8 cores and 8192 MiB now',
    'follower-1 is away: its engine or its link is down',
    'follower-3 was set aside in the Swarm',
    'follower-2 left the Swarm',
  ]);
  assert.deepEqual(describeNews([machine('a', { state: 'away' })], [machine('a')]), ['a is back']);
});
