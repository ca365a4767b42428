import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import type { ChangeProgress, ClusterChange, LiveCluster } from '../operations/live-cluster.ts';
import { createChangeSignal } from '../runs/change-signal.ts';
import { createClusterGate } from '../runs/cluster-gate.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import { createClusterStore } from '../runs/state/cluster-store.ts';
import { openDatabase } from '../runs/state/database.ts';
import { applyEvent, createClusterKeeper } from './cluster-keeper.ts';

const desired = (changes: object = {}) => ({
  version: '1.0.0',
  projectId: 'geo-abc123',
  namespace: 'geo-abc123',
  config: { name: 'geo', jobs: [{ name: 'predict' }], spark: { workers: 'auto' }, hdfs: { datanodes: 'auto' } },
  images: { driver: 'app:1' },
  workerShape: {},
  webPort: 8080,
  subnets: { control: '10.1.0.0/24', data: '10.2.0.0/22' },
  ...changes,
});

interface FakeCluster extends LiveCluster {
  drifted: boolean;
  image: string | null;
  readonly applied: ClusterChange[];
  /** What the next `apply` does. */
  work: (progress: ChangeProgress) => Promise<void>;
}

function createFakeCluster(): FakeCluster {
  const cluster: FakeCluster = {
    drifted: false,
    image: 'app:1',
    applied: [],
    work: async () => undefined,
    compare: async () => (cluster.drifted ? ['create web: not there yet'] : []),
    refuseImpossible: async () => undefined,
    driverImage: async () => cluster.image,
    apply: async (change, progress) => {
      cluster.applied.push(change);
      await cluster.work(progress);
      cluster.image = change.driverImage ?? change.desired.images.driver;
    },
  };
  return cluster;
}

function open(
  file = join(mkdtempSync(join(tmpdir(), 'sparkplug-keeper-')), 'state.db'),
  cluster = createFakeCluster(),
  bootstrap = JSON.stringify(desired()),
) {
  const database = openDatabase(file);
  const changes = createChangeSignal();
  const store = createClusterStore(database, changes);
  const shutdown = new AbortController();
  const gate = createClusterGate(changes);
  const keeper = createClusterKeeper({
    store,
    gate,
    cluster,
    clock: createFakeClock(),
    version: '1.0.0',
    projectId: 'geo-abc123',
    changed: () => undefined,
    shutdown: shutdown.signal,
  });
  keeper.adopt(bootstrap);
  const stop = async (): Promise<void> => {
    shutdown.abort(new Error('the scheduler stops'));
    await settle();
    database.close();
  };
  return { file, store, gate, keeper, cluster, stop };
}

const plain = { ifMatch: null, now: false };
const never = (progress: ChangeProgress): Promise<void> =>
  new Promise((_, reject) => {
    progress.signal.addEventListener('abort', () => reject(progress.signal.reason));
  });

test('the first deploy is adopted as revision 1, once', async () => {
  const first = open();
  assert.equal(first.keeper.current().revision, 1);
  await first.keeper.submit(desired({ webPort: 8081 }), plain);
  await first.keeper.settled();
  await first.stop();
  const second = open(first.file);
  assert.deepEqual([second.keeper.current().revision, second.keeper.current().desired.webPort], [2, 8081]);
  assert.equal(second.store.setting('bootstrap'), JSON.stringify(desired()));
  await second.stop();
});

test('after down and up the text of the new deploy counts, and nothing of the old one goes on', async () => {
  const first = open();
  await first.keeper.submit(desired({ webPort: 8081 }), plain);
  await first.keeper.settled();
  first.store.set('stack', '{}');
  first.cluster.work = never;
  const answer = await first.keeper.submit(desired({ webPort: 8082 }), plain);
  assert.ok(answer.kind === 'accepted');
  await settle();
  await first.stop();
  const bootstrap = JSON.stringify(desired({ webPort: 8083 }));
  const second = open(first.file, createFakeCluster(), bootstrap);
  assert.deepEqual([second.store.setting('bootstrap'), second.store.setting('stack')], [bootstrap, null]);
  second.keeper.resume();
  await second.keeper.settled();
  assert.equal(second.store.operation(answer.operation.id)?.state, 'cancelled');
  assert.equal(second.cluster.applied.length, 0);
  // At once, before the command line tells it again: schedules look at the current revision from the first moment.
  assert.deepEqual([second.keeper.current().revision, second.keeper.current().desired.webPort], [4, 8083]);
  assert.equal((await second.keeper.submit(desired({ webPort: 8083 }), plain)).kind, 'unchanged');
  await second.stop();
});

test('the first desired state deployed once more, after a down, is the current one again', async () => {
  const deployedAt = (time: string) => JSON.stringify({ ...desired(), deployedAt: time });
  const first = open(undefined, undefined, deployedAt('2026-01-01T00:00:00Z'));
  await first.keeper.submit(desired({ webPort: 8081 }), plain);
  await first.keeper.settled();
  await first.stop();
  const second = open(first.file, createFakeCluster(), deployedAt('2026-01-02T00:00:00Z'));
  const { revision, desired: current } = second.keeper.current();
  assert.deepEqual([revision, current.webPort, 'deployedAt' in current], [3, 8080, false]);
  await second.stop();
  // Another start of the same container.
  const third = open(first.file, createFakeCluster(), deployedAt('2026-01-02T00:00:00Z'));
  assert.equal(third.keeper.current().revision, 3);
  await third.stop();
});

test('the same desired state changes nothing, whatever the order of its keys', async () => {
  const { keeper, cluster, stop } = open();
  const shuffled = Object.fromEntries(Object.entries(desired()).reverse());
  assert.deepEqual(await keeper.submit(shuffled, plain), { kind: 'unchanged', revision: 1 });
  assert.equal(cluster.applied.length, 0);
  await stop();
});

test('a cluster that drifted is repaired without a new revision, its drivers left at the image of the last run', async () => {
  const { keeper, cluster, store, stop } = open();
  cluster.drifted = true;
  cluster.image = 'app:7';
  const answer = await keeper.submit(desired(), plain);
  assert.equal(answer.kind, 'accepted');
  await keeper.settled();
  assert.deepEqual([keeper.current().revision, cluster.applied[0]?.driverImage], [1, 'app:7']);
  assert.equal(answer.kind === 'accepted' && store.operation(answer.operation.id)?.state, 'succeeded');
  await stop();
});

test('If-Match of another revision is refused', async () => {
  const { keeper, stop } = open();
  await assert.rejects(keeper.submit(desired({ webPort: 1 }), { ifMatch: 7, now: false }), {
    code: 'REVISION_CONFLICT',
  });
  assert.equal(keeper.current().revision, 1);
  await stop();
});

test('a second operation is refused and names the first; afterwards it is welcome', async () => {
  const { keeper, cluster, stop } = open();
  let finish = (): void => undefined;
  cluster.work = () =>
    new Promise((resolve) => {
      finish = resolve;
    });
  const first = await keeper.submit(desired({ webPort: 8081 }), plain);
  assert.ok(first.kind === 'accepted');
  const { id } = first.operation;
  await assert.rejects(keeper.submit(desired({ webPort: 8082 }), plain), { code: 'CLUSTER_BUSY', met: id });
  await settle();
  finish();
  await keeper.settled();
  cluster.work = async () => undefined;
  assert.equal((await keeper.submit(desired({ webPort: 8082 }), plain)).kind, 'accepted');
  await keeper.settled();
  assert.equal(keeper.current().revision, 3);
  await stop();
});

test('an older command line, another project and nonsense are refused', async () => {
  const { keeper, stop } = open();
  await assert.rejects(keeper.submit(desired({ version: '0.9.0' }), plain), { code: 'CLI_TOO_OLD' });
  await assert.rejects(keeper.submit(desired({ projectId: 'other' }), plain), { code: 'REQUEST_INVALID' });
  await assert.rejects(keeper.submit({ hello: 1 }, plain), { code: 'REQUEST_INVALID' });
  assert.equal((await keeper.submit(desired({ version: '1.1.0' }), plain)).kind, 'accepted');
  await keeper.settled();
  await stop();
});

test('a failure is stored with code and hint, its steps ended', async () => {
  const { keeper, cluster, store, stop } = open();
  cluster.work = async ({ report }) => {
    report({ kind: 'step-started', step: 'change 2 services', cause: 'memory' });
    throw new SparkPlugError('NO_ROOM', 'no room', { hint: 'buy memory' });
  };
  const answer = await keeper.submit(desired({ webPort: 8081 }), plain);
  await keeper.settled();
  const operation = store.operation(answer.kind === 'accepted' ? answer.operation.id : '');
  assert.deepEqual(operation?.failure, { code: 'NO_ROOM', message: 'no room', hint: 'buy memory' });
  assert.deepEqual(
    operation?.steps.map(({ text, cause, state }) => [text, cause, state]),
    [['change 2 services', 'memory', 'failed']],
  );
  await stop();
});

test('a scheduler restarted in the middle resumes the operation and ends it', async () => {
  const first = open();
  first.cluster.work = async (progress) => {
    progress.report({ kind: 'step-started', step: 'update scheduler' });
    await never(progress);
  };
  const answer = await first.keeper.submit(desired({ webPort: 8081 }), { ifMatch: null, now: true });
  assert.ok(answer.kind === 'accepted');
  await settle();
  await first.stop();
  const second = open(first.file);
  assert.equal(second.store.operation(answer.operation.id)?.state, 'running');
  second.keeper.resume();
  await second.keeper.settled();
  const operation = second.store.operation(answer.operation.id);
  assert.deepEqual([operation?.state, operation?.steps.map(({ state }) => state)], ['succeeded', ['skipped']]);
  assert.equal(second.cluster.applied[0]?.now, true);
  await second.stop();
});

test('an operation can be cancelled', async () => {
  const { keeper, cluster, store, stop } = open();
  cluster.work = never;
  const answer = await keeper.submit(desired({ webPort: 8081 }), plain);
  assert.ok(answer.kind === 'accepted');
  await settle();
  keeper.cancel(answer.operation.id);
  await keeper.settled();
  assert.equal(store.operation(answer.operation.id)?.state, 'cancelled');
  assert.throws(() => keeper.cancel('op-99'), { code: 'OPERATION_UNKNOWN' });
  await stop();
});

test('a change that waits for the running job holds the next attempts back', async () => {
  const { keeper, cluster, gate, stop } = open();
  const signal = new AbortController().signal;
  const leave = await gate.enter('run-1', signal);
  let waited = false;
  cluster.work = async ({ waitUntilIdle }) => {
    await waitUntilIdle();
    waited = true;
  };
  await keeper.submit(desired({ webPort: 8081 }), plain);
  await settle();
  assert.deepEqual([cluster.applied[0]?.runActive, waited], [true, false]);
  let entered = false;
  void gate.enter('run-2', signal).then(() => {
    entered = true;
  });
  await settle();
  assert.equal(entered, false);
  leave();
  await keeper.settled();
  await settle();
  assert.deepEqual([waited, entered], [true, true]);
  await stop();
});

test("a run's driver image is set beside the revisions, after the operation in progress", async () => {
  const { keeper, cluster, stop } = open();
  const signal = new AbortController().signal;
  let finish = (): void => undefined;
  cluster.work = () =>
    new Promise((resolve) => {
      finish = resolve;
    });
  await keeper.submit(desired({ webPort: 8081 }), plain);
  await settle();
  const setting = keeper.setDriverImage('app:2', 'run-1', signal);
  await settle();
  assert.equal(cluster.applied.length, 1);
  cluster.work = async () => undefined;
  finish();
  await setting;
  assert.deepEqual([cluster.applied[1]?.driverImage, keeper.current().revision], ['app:2', 2]);
  await keeper.setDriverImage('app:2', 'run-2', signal);
  assert.equal(cluster.applied.length, 2);
  await stop();
});

test('progress becomes steps', () => {
  let steps = applyEvent([], { kind: 'step-started', step: 'change: web', cause: 'port' });
  steps = applyEvent(steps, { kind: 'step-progress', step: 'change: web', detail: 'half' });
  assert.equal(steps[0]?.text, 'change: web: half');
  steps = applyEvent(steps, { kind: 'step-done', step: 'change: web', durationMs: 12.4 });
  assert.deepEqual(steps, [{ text: 'change: web', cause: 'port', state: 'done', durationMs: 12 }]);
});

const sized = (workers: 'auto' | number = 'auto', changes: object = {}) =>
  desired({
    config: { name: 'geo', jobs: [{ name: 'predict' }], spark: { workers }, hdfs: { datanodes: 'auto' } },
    ...changes,
  });

test('what scale and drain said holds over a down', async () => {
  const first = open(undefined, undefined, JSON.stringify(sized()));
  await first.keeper.scale({ workers: 3 }, plain);
  await first.keeper.settled();
  await first.keeper.setDrained([{ id: 'node-2', name: 'follower-1' }], true, plain);
  await first.keeper.settled();
  await first.stop();
  const second = open(first.file, undefined, JSON.stringify({ ...sized(), deployedAt: 'later' }));
  const { scale, drained } = second.keeper.current().desired;
  assert.deepEqual([scale, drained], [{ workers: { value: 3, over: 'auto' } }, ['node-2']]);
  await second.stop();
});

test('a number set by scale lasts until the file says another one, or until `file` is given', async () => {
  const { keeper, stop } = open(undefined, undefined, JSON.stringify(sized()));
  const scaleOf = () => keeper.current().desired.scale;
  await keeper.scale({ workers: 3, datanodes: 2 }, plain);
  await keeper.settled();
  assert.deepEqual(scaleOf(), { workers: { value: 3, over: 'auto' }, datanodes: { value: 2, over: 'auto' } });
  // The command line knows nothing of it, and takes nothing back.
  await keeper.submit(sized('auto', { webPort: 8081 }), plain);
  await keeper.settled();
  assert.deepEqual(scaleOf()?.workers, { value: 3, over: 'auto' });
  await keeper.submit(sized(5, { webPort: 8081 }), plain);
  await keeper.settled();
  assert.deepEqual(scaleOf(), { datanodes: { value: 2, over: 'auto' } });
  await keeper.scale({ datanodes: 'file' }, plain);
  await keeper.settled();
  assert.equal(scaleOf(), undefined);
  await stop();
});

test('what cannot be is refused before a revision is written', async () => {
  const { keeper, cluster, stop } = open(undefined, undefined, JSON.stringify(sized()));
  cluster.compare = async () => {
    throw new SparkPlugError('NO_ROOM', '9 workers asked for, 2 fit');
  };
  await assert.rejects(keeper.scale({ workers: 9 }, plain), { code: 'NO_ROOM' });
  cluster.compare = async () => ['drain datanode-2: no longer planned'];
  cluster.refuseImpossible = async () => {
    throw new SparkPlugError('REPLICATION_IMPOSSIBLE', '3 replicas of /x need 3 DataNodes, 2 stay');
  };
  await assert.rejects(keeper.scale({ datanodes: 2 }, plain), { code: 'REPLICATION_IMPOSSIBLE' });
  await assert.rejects(keeper.submit(sized(1), plain), { code: 'REPLICATION_IMPOSSIBLE' });
  assert.equal(keeper.current().revision, 1);
  await stop();
});

test('a scale that is cancelled is taken back', async () => {
  const { keeper, cluster, store, stop } = open(undefined, undefined, JSON.stringify(sized()));
  cluster.work = never;
  const answer = await keeper.scale({ workers: 3 }, plain);
  assert.ok(answer.kind === 'accepted');
  await settle();
  keeper.cancel(answer.operation.id);
  await keeper.settled();
  assert.equal(store.operation(answer.operation.id)?.state, 'cancelled');
  assert.deepEqual([keeper.current().revision, keeper.current().desired.scale], [3, undefined]);
  await stop();
});

test('a drained machine is remembered, also by later revisions, until it is taken back', async () => {
  const { keeper, cluster, stop } = open(undefined, undefined, JSON.stringify(sized()));
  const machine = { id: 'node-2', name: 'follower-1' };
  await keeper.setDrained([machine], true, { ...plain, force: true });
  await keeper.settled();
  assert.equal(cluster.applied[0]?.force, true);
  await keeper.submit(sized('auto', { webPort: 8081 }), plain);
  await keeper.settled();
  assert.deepEqual(keeper.current().desired.drained, ['node-2']);
  assert.equal((await keeper.setDrained([machine], true, plain)).kind, 'unchanged');
  await keeper.setDrained([machine], false, plain);
  await keeper.settled();
  assert.deepEqual(keeper.current().desired.drained, []);
  await stop();
});

test('a reconcile keeps the revision and the image of the drivers, and spares a run', async () => {
  const { keeper, cluster, gate, store, stop } = open(undefined, undefined, JSON.stringify(sized()));
  gate.occupy('run-1');
  cluster.image = 'app:7';
  assert.deepEqual(await keeper.reconcile('nothing'), { kind: 'unchanged' });
  cluster.drifted = true;
  assert.deepEqual(await keeper.preview(), ['create web: not there yet']);
  const answer = await keeper.reconcile('follower-1 joined');
  assert.ok(answer.kind === 'done');
  assert.deepEqual(
    [answer.operation.kind, answer.operation.state, answer.operation.revision],
    ['reconcile', 'succeeded', 1],
  );
  const [change] = cluster.applied;
  assert.deepEqual([change?.driverImage, change?.runActive, change?.defer], ['app:7', true, true]);
  assert.ok(store.events(10).some(({ message }) => message === 'create web: not there yet (follower-1 joined)'));
  await stop();
});

test('a reconcile stands back while something else changes the cluster', async () => {
  const { keeper, cluster, stop } = open(undefined, undefined, JSON.stringify(sized()));
  cluster.work = never;
  cluster.drifted = true;
  const answer = await keeper.scale({ workers: 3 }, plain);
  assert.ok(answer.kind === 'accepted');
  await settle();
  assert.deepEqual(await keeper.reconcile('drift'), { kind: 'busy' });
  keeper.cancel(answer.operation.id);
  await keeper.settled();
  await stop();
});

test('a reconcile makes way for what somebody asks for', async () => {
  const { keeper, cluster, store, stop } = open(undefined, undefined, JSON.stringify(sized()));
  cluster.drifted = true;
  cluster.work = never;
  const reconciling = keeper.reconcile('drift');
  await settle();
  cluster.work = async () => undefined;
  const answer = await keeper.submit(sized('auto', { webPort: 8081 }), plain);
  assert.equal(answer.kind, 'accepted');
  const own = await reconciling;
  assert.ok(own.kind === 'done');
  assert.equal(store.operation(own.operation.id)?.state, 'cancelled');
  await keeper.settled();
  assert.equal(keeper.current().desired.webPort, 8081);
  await stop();
});

test('no reconcile begins between the question what a change would do and the change', async () => {
  const { keeper, cluster, stop } = open(undefined, undefined, JSON.stringify(sized()));
  cluster.drifted = true;
  const compare = cluster.compare;
  const answers: string[] = [];
  cluster.compare = async (change) => {
    if (answers.length === 0) {
      answers.push('asking');
      answers.push((await keeper.reconcile('drift')).kind);
    }
    return await compare(change);
  };
  const answer = await keeper.submit(sized('auto', { webPort: 8081 }), plain);
  assert.deepEqual([answer.kind, ...answers], ['accepted', 'asking', 'busy']);
  await keeper.settled();
  await stop();
});

test('runs start while a drain goes on, and are held back again for what follows', async () => {
  const { keeper, cluster, gate, stop } = open(undefined, undefined, JSON.stringify(sized()));
  const signal = new AbortController().signal;
  let drained = (): void => undefined;
  let deployed = (): void => undefined;
  cluster.work = async ({ letRunsStart }) => {
    await letRunsStart(
      () =>
        new Promise<void>((resolve) => {
          drained = resolve;
        }),
    );
    await new Promise<void>((resolve) => {
      deployed = resolve;
    });
  };
  await keeper.scale({ workers: 3 }, plain);
  await settle();
  const leave = await gate.enter('run-1', signal);
  leave();
  drained();
  await settle();
  assert.notEqual(gate.closedBy(), null);
  deployed();
  await keeper.settled();
  assert.equal(gate.closedBy(), null);
  await stop();
});
