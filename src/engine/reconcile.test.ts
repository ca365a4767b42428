import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exampleTask, stateOf } from '../../test/fixtures/cluster-states.ts';
import { defaultCluster, fullCluster, severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { ClusterPlan } from '../plan/cluster-plan.ts';
import { buildStack } from '../stack/build-stack.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { StackSpec } from '../stack/stack-spec.ts';
import { type ChangeStep, printChangeSet } from './change-set.ts';
import type { ClusterState, ObservedTask } from './cluster-state.ts';
import { reconcile, type Situation } from './reconcile.ts';

const idle: Situation = { runActive: false, now: false };
const busy: Situation = { runActive: true, now: false };
const { desired, plan } = fullCluster;
const sizing = { limitMiB: 256, reservationMiB: 256, heapMiB: 112 };

function build(changes: { desired?: Partial<DesiredState>; plan?: Partial<ClusterPlan> } = {}): StackSpec {
  return buildStack({ ...desired, ...changes.desired }, { ...plan, ...changes.plan }, { bootstrap: null });
}

function withImages(images: Partial<DesiredState['images']>): StackSpec {
  return build({ desired: { images: { ...desired.images, ...images } } });
}

function print(current: StackSpec, wanted: StackSpec, situation: Situation): string {
  return printChangeSet(reconcile(stateOf(current), current, wanted, situation));
}

/** Names of services that a step's stack has in their old form. */
function oldIn(stack: StackSpec, before: StackSpec): string[] {
  const hashes = new Map(before.services.map((spec) => [spec.name, spec.hash]));
  return stack.services.filter((spec) => hashes.get(spec.name) === spec.hash).map((spec) => spec.name);
}

const nothing: ClusterState = { projectId: desired.projectId, services: [] };
const before = build();

test('nothing there: everything in one deploy', () => {
  const { desired: small, plan: smallPlan } = defaultCluster;
  const changeSet = reconcile(nothing, null, buildStack(small, smallPlan, { bootstrap: null }), idle);
  assert.equal(
    printChangeSet(changeSet),
    `create web: not there yet
create scheduler: not there yet
create spark-driver: not there yet
create spark-master: not there yet
create namenode: not there yet
create checkpointer: not there yet
create spark-worker-1: not there yet
create datanode-1: not there yet
`,
  );
  assert.equal(changeSet.steps.length, 1);
});

test('all as it should be: no change, known stack or not', () => {
  assert.equal(print(before, before, busy), 'no change\n');
  const changeSet = reconcile(stateOf(before), null, before, idle);
  assert.deepEqual([changeSet.empty, changeSet.steps], [true, []]);
});

test('an interrupted first deploy: what is missing is created', () => {
  const state = stateOf(before);
  const half = { ...state, services: state.services.slice(0, 6) };
  assert.equal(
    printChangeSet(reconcile(half, null, before, idle)),
    `create history: not there yet
create spark-worker-1: not there yet
create spark-worker-2: not there yet
create datanode-1: not there yet
create datanode-2: not there yet
`,
  );
});

test('changed code while a run is active: the driver stays, the next run brings the new image', () => {
  const after = withImages({ driver: 'full/driver:new' });
  assert.equal(print(before, after, idle), 'update spark-driver: image changed\n');
  assert.equal(print(before, after, busy), 'keep spark-driver: image changed: from the next run on\n');
  const kept = reconcile(stateOf(before), before, after, busy);
  assert.deepEqual(
    [kept.empty, kept.result.services.find(({ name }) => name === 'spark-driver')?.image],
    [true, desired.images.driver],
  );
  assert.equal(print(before, after, { runActive: true, now: true }), 'update spark-driver: image changed\n');
});

test('changed requirements: workers wait for the run, then go one after another', () => {
  const after = withImages({ worker: 'full/worker:new', driver: 'full/driver:new' });
  assert.equal(
    print(before, after, busy),
    `wait until no run is active: spark-worker-1, spark-worker-2 stop or restart

update spark-worker-1: image changed

update spark-worker-2: image changed

keep spark-driver: image changed: from the next run on
`,
  );
});

test('in each step of a rolling update the later workers stand as they were, with their files', () => {
  const roomier = { ...plan.worker, memoryMiB: 5000, heapMiB: 2000 };
  const sizing = { ...plan.sizing, 'spark-worker': { limitMiB: 5000, reservationMiB: 5000, heapMiB: 128 } };
  const after = build({ plan: { worker: roomier, sizing } });
  const changeSet = reconcile(stateOf(before), before, after, idle);
  assert.equal(
    printChangeSet(changeSet),
    `update spark-driver: settings changed

update spark-worker-1: memory 4096 → 5000 MiB, SPARK_WORKER_MEMORY 2592m → 4000m

update spark-worker-2: memory 4096 → 5000 MiB, SPARK_WORKER_MEMORY 2592m → 4000m
`,
  );
  const stacks = changeSet.steps.flatMap((step) => (step.kind === 'deploy' ? [step.stack] : []));
  const workers = stacks.map((stack) => oldIn(stack, before).filter((name) => name.startsWith('spark-worker')));
  assert.deepEqual(workers, [['spark-worker-1', 'spark-worker-2'], ['spark-worker-2'], []]);
  for (const stack of stacks) assertComplete(stack);
});

test('a new conductor disturbs no run, and the scheduler comes last', () => {
  const after = withImages({ conductor: 'sparkplug/conductor:new' });
  assert.equal(print(before, after, busy), 'update web: image changed\n\nupdate scheduler: image changed\n');
});

test('growing during a run: new containers at once, nothing else', () => {
  const placement = { ordinal: 3, machineId: 'node2', machineName: 'small', sizing };
  const after = build({
    plan: { workers: [...plan.workers, placement], totalWorkers: 3, coresPerRun: 6 },
  });
  assert.equal(print(before, after, busy), 'create spark-worker-3: not there yet\n');
});

test('a change is printed with its machine where that is known', () => {
  const after = build({ plan: { workers: plan.workers.slice(0, 1), totalWorkers: 1 } });
  const changeSet = reconcile(stateOf(before), before, after, { runActive: false, now: false });
  assert.equal(
    printChangeSet(changeSet, () => 'small'),
    'drain spark-worker-2 from small: no longer planned\n\nremove spark-worker-2 from small: no longer planned\n',
  );
});

test('shrinking waits for no run: what goes is drained first', () => {
  const after = build({
    plan: { workers: plan.workers.slice(0, 1), datanodes: plan.datanodes.slice(0, 1), totalWorkers: 1 },
  });
  const alsoWeb = {
    ...after,
    services: after.services.map((spec) => (spec.name === 'web' ? { ...spec, hash: 'x' } : spec)),
  };
  const changeSet = reconcile(stateOf(before), before, alsoWeb, busy);
  assert.equal(
    printChangeSet(changeSet),
    `drain datanode-2: no longer planned

drain spark-worker-2: no longer planned

remove spark-worker-2: no longer planned
remove datanode-2: no longer planned

discard datanode-2: its blocks are on other DataNodes

update web: its definition changed
`,
  );
  const [datanodes, workers, last] = changeSet.steps;
  assert.ok(workers?.kind === 'drain' && datanodes?.kind === 'drain');
  assert.deepEqual([datanodes.services, datanodes.remaining], [['datanode-2'], ['datanode-1']]);
  assert.ok(last?.kind === 'deploy' && !last.stack.services.some((spec) => spec.name === 'spark-worker-2'));
});

test('what is new comes before what goes', () => {
  const placement = { ordinal: 3, machineId: 'node2', machineName: 'small', sizing };
  const after = build({ plan: { datanodes: [...plan.datanodes.slice(0, 1), placement] } });
  const changeSet = reconcile(stateOf(before), before, after, busy);
  assert.equal(
    printChangeSet(changeSet),
    `create datanode-3: not there yet

drain datanode-2: no longer planned

remove datanode-2: no longer planned

discard datanode-2: its blocks are on other DataNodes
`,
  );
  const [first] = changeSet.steps;
  assert.ok(first?.kind === 'deploy' && first.stack.services.some((spec) => spec.name === 'datanode-2'));
});

test('without the last stack a drain comes before the one deploy', () => {
  const after = build({ plan: { datanodes: plan.datanodes.slice(0, 1) } });
  const alsoWeb = {
    ...after,
    services: after.services.map((spec) => (spec.name === 'web' ? { ...spec, hash: 'x' } : spec)),
  };
  assert.equal(
    printChangeSet(reconcile(stateOf(before), null, alsoWeb, busy)),
    `drain datanode-2: no longer planned

remove datanode-2: no longer planned
update web: its definition changed

discard datanode-2: its blocks are on other DataNodes
`,
  );
});

test('DataNodes that join raise the replication under auto, up to three', () => {
  const datanodes = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ordinal: index + 1,
      machineId: 'node1',
      machineName: 'big',
      sizing,
    }));
  const from = (count: number) => build({ plan: { datanodes: datanodes(count) } });
  const last = (before: number, after: number, replication: 'auto' | number) =>
    printChangeSet(reconcile(stateOf(from(before)), from(before), from(after), { ...busy, replication }))
      .trimEnd()
      .split('\n')
      .at(-1);
  assert.equal(last(2, 3, 'auto'), 'replicate all files anew: 2 → 3 DataNodes');
  assert.equal(last(2, 3, 2), 'create datanode-3: not there yet');
  assert.equal(last(3, 4, 'auto'), 'create datanode-4: not there yet');
});

test('replicas that a drain took away while a DataNode was away are given back once all are there', () => {
  const datanodes = ['node1', 'far'].map((machineId, index) => ({
    ...{ ordinal: index + 1, machineId, machineName: machineId, sizing },
  }));
  const stack = build({ plan: { datanodes } });
  const changes = (situation: Partial<Situation>) =>
    printChangeSet(reconcile(stateOf(stack), stack, stack, { ...idle, replication: 'auto', ...situation })).trimEnd();
  assert.match(changes({ replicasOwed: true }), /^replicate all files anew: a DataNode that was away is back$/m);
  assert.doesNotMatch(changes({ replicasOwed: true, away: ['far'] }), /replicate/);
  assert.doesNotMatch(changes({ replicasOwed: true, replication: 2 }), /replicate/);
  assert.doesNotMatch(changes({}), /replicate/);
});

test('what Swarm no longer tries to start is restarted once its machine is back', () => {
  const datanodes = [{ ordinal: 1, machineId: 'far', machineName: 'far', sizing }];
  const stack = build({ plan: { datanodes } });
  const waiting = { state: 'pending', containerId: null, machineId: null };
  const error = 'no suitable node (1 node not available for new tasks; scheduling constraints not satisfied on 1 node)';
  const state = (task: Partial<ObservedTask>): ClusterState => {
    const all = stateOf(stack);
    const tasks = [exampleTask({ ...waiting, error, ...task })];
    return { ...all, services: all.services.map((one) => (one.name === 'datanode-1' ? { ...one, tasks } : one)) };
  };
  const back = { ...idle, ready: ['node1', 'far'] };
  const [step, ...more] = reconcile(state({}), stack, stack, back).steps;
  assert.deepEqual(more, []);
  assert.deepEqual(step, {
    kind: 'restart',
    serviceIds: ['id-datanode-1'],
    changes: [{ type: 'restart', service: 'datanode-1', cause: 'its machine is back, and Swarm does not try again' }],
  });
  const none = (task: Partial<ObservedTask>, situation: Situation) =>
    assert.ok(reconcile(state(task), stack, stack, situation).empty);
  none({}, { ...idle, away: ['far'], ready: ['node1'] });
  none({}, idle);
  // It has no room: the same again changes nothing.
  none({ error: 'no suitable node (insufficient resources on 1 node)' }, back);
  none({ state: 'running', error: null }, back);
  none({ desiredState: 'shutdown' }, back);
});

test('a rotated secret reaches all who share it in one deploy', () => {
  const secrets = desired.secrets.map((secret) =>
    secret.name === 'spark_auth' ? { ...secret, swarmName: 'full-d4e5f6_spark_auth_000000000000' } : secret,
  );
  assert.equal(
    print(before, build({ desired: { secrets } }), idle),
    `update spark-driver: secrets changed
update spark-master: secrets changed
update spark-worker-1: secrets changed
update spark-worker-2: secrets changed
`,
  );
});

test('without the last stack nothing can stay as it is: one deploy, after the run', () => {
  const after = withImages({ worker: 'full/worker:new', conductor: 'sparkplug/conductor:new' });
  assert.equal(
    printChangeSet(reconcile(stateOf(before), null, after, busy)),
    `wait until no run is active: spark-worker-1, spark-worker-2 stop or restart

update web: image changed
update scheduler: image changed
update spark-worker-1: image changed
update spark-worker-2: image changed
`,
  );
});

test('a stack deployed by hand keeps its own name, and its machine is named without a restart', () => {
  const byHand = buildStack(desired, plan, { bootstrap: null, pinned: false });
  const here = stateOf(byHand);
  const services = here.services.map((service) => ({
    ...service,
    namespace: 'x',
    tasks: service.tasks.map((task) => ({ ...task, machineId: service.name.endsWith('2') ? 'node2' : 'node1' })),
  }));
  const changeSet = reconcile({ ...here, services }, null, before, busy);
  assert.equal(changeSet.namespace, 'x');
  assert.ok(
    changeSet.changes.every((change) => change.type === 'update' && change.cause.startsWith('stays on machine')),
  );
  const machineNames = new Map([['node2', 'follower-1']]);
  const named = reconcile({ ...here, services }, null, before, { ...busy, machineNames }).changes.map(
    ({ cause }) => cause,
  );
  assert.ok(named.includes('stays on machine follower-1') && named.includes('stays on machine node1'), named.join());
});

test('carried out, it leaves nothing to do; stopped after any step, the rest follows', () => {
  const plans = fc.record({
    images: fc.record({
      worker: fc.constantFrom('w1', 'w2'),
      driver: fc.constantFrom('d1', 'd2'),
      conductor: fc.constantFrom('c1', 'c2'),
      hdfs: fc.constantFrom('h1', 'h2'),
      spark: fc.constantFrom('s1', 's2'),
    }),
    workers: fc.integer({ min: 1, max: 4 }),
    datanodes: fc.integer({ min: 1, max: 3 }),
    cores: fc.integer({ min: 1, max: 8 }),
  });
  const place = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ordinal: index + 1, machineId: 'node1', machineName: 'big' }));
  const toStack = (input: { images: DesiredState['images']; workers: number; datanodes: number; cores: number }) =>
    build({
      desired: { images: input.images },
      plan: {
        coresPerRun: input.cores,
        workers: place(input.workers),
        datanodes: place(input.datanodes).map((placement) => ({ ...placement, sizing })),
      },
    });
  fc.assert(
    fc.property(plans, plans, fc.boolean(), fc.nat(6), (from, to, runActive, stopAfter) => {
      const [old, wanted] = [toStack(from), toStack(to)];
      const changeSet = reconcile(stateOf(old), old, wanted, { runActive, now: false });
      const deploys = changeSet.steps.flatMap((step) => (step.kind === 'deploy' ? [step.stack] : []));
      for (const stack of deploys) assertComplete(stack);
      assertDrainedBefore(old, changeSet.steps);
      const halfway = deploys.slice(0, stopAfter).at(-1) ?? old;
      const rest = reconcile(stateOf(halfway), old, wanted, idle);
      const final = rest.steps.flatMap((step) => (step.kind === 'deploy' ? [step.stack] : [])).at(-1) ?? halfway;
      assert.deepEqual(reconcile(stateOf(final), rest.result, wanted, idle).steps, []);
      assert.deepEqual(
        stateOf(final)
          .services.map(({ name }) => name)
          .sort(),
        wanted.services.map(({ name }) => name).sort(),
      );
    }),
    { numRuns: 100 },
  );
});

/** No DataNode and no worker goes with what it holds. */
function assertDrainedBefore(old: StackSpec, steps: readonly ChangeStep[]): void {
  const held = new Set(old.services.filter(({ component }) => /^(datanode|spark-worker)$/.test(component)).map(nameOf));
  for (const step of steps) {
    if (step.kind === 'drain') for (const name of step.services) held.delete(name);
    if (step.kind !== 'deploy') continue;
    const left = new Set(step.stack.services.map(nameOf));
    for (const name of held) assert.ok(left.has(name), `${name} goes undrained`);
  }
}

const nameOf = ({ name }: { readonly name: string }): string => name;

/** Whatever a service mounts is in the stack, and no two files share a name. */
function assertComplete(stack: StackSpec): void {
  const configs = new Set(stack.configs.map((config) => config.name));
  const secrets = new Set(stack.secrets.map((secret) => secret.name));
  for (const spec of stack.services) {
    for (const mount of spec.configs) assert.ok(configs.has(mount.config), `${spec.name} mounts ${mount.config}`);
    for (const name of spec.secrets) assert.ok(secrets.has(name), `${spec.name} mounts ${name}`);
    for (const mount of spec.volumes) assert.ok(stack.volumes.includes(mount.volume), `${spec.name}: ${mount.volume}`);
  }
  assert.equal(new Set(stack.configs.map((config) => config.file)).size, stack.configs.length);
}

const { socketGids } = severalCluster;
const alone = buildStack(defaultCluster.desired, defaultCluster.plan, { bootstrap: null });
const several = buildStack(severalCluster.desired, severalCluster.plan, { bootstrap: null, socketGids });

function namesIn(stack: StackSpec): string[] {
  return stack.services.map(({ name }) => name);
}

test('several machines from nothing: the registry first, then the images, then everything else', () => {
  const changeSet = reconcile({ ...nothing, projectId: several.projectId }, null, several, idle);
  const [registry, publish, rest] = changeSet.steps;
  assert.deepEqual(
    changeSet.steps.map(({ kind }) => kind),
    ['deploy', 'publish', 'deploy'],
  );
  assert.match(
    printChangeSet(changeSet),
    /^create registry: not there yet\n\npublish hdfs, worker, conductor: not yet in the registry\n\ncreate web: /,
  );
  assert.ok(registry?.kind === 'deploy' && publish?.kind === 'publish' && rest?.kind === 'deploy');
  assert.deepEqual(namesIn(registry.stack), ['registry']);
  assert.deepEqual(namesIn(rest.stack).toSorted(), namesIn(several).toSorted());
});

test('the first further machines: the scheduler gets the password first, since it is the one that publishes', () => {
  const changeSet = reconcile(stateOf(alone), alone, several, busy);
  assert.equal(
    printChangeSet(changeSet).split('\n').slice(0, 8).join('\n'),
    `update scheduler: secrets changed

create registry: not there yet

publish hdfs, worker, conductor: not yet in the registry

create agent-big: not there yet
create agent-small: not there yet`,
  );
  const [first] = changeSet.steps;
  assert.ok(first?.kind === 'deploy');
  // What is there stays in the deploy, or `--prune` would remove it; what is new waits for its images.
  assert.deepEqual(namesIn(first.stack).toSorted(), namesIn(alone).toSorted());
  // Its successor has it already.
  const taken = { ...alone, services: alone.services.filter(({ name }) => name !== 'scheduler') };
  const scheduler = several.services.filter(({ name }) => name === 'scheduler');
  const later = reconcile(stateOf({ ...taken, services: [...taken.services, ...scheduler] }), alone, several, busy);
  assert.match(printChangeSet(later), /^create registry: not there yet\n\npublish hdfs, worker, conductor: /);
});

test('a new image is published before the deploy that needs it, one that runs there already is not', () => {
  const images = { ...severalCluster.desired.images, worker: 'sparkplug/worker:new' };
  const after = buildStack({ ...severalCluster.desired, images }, severalCluster.plan, { bootstrap: null, socketGids });
  const text = print(several, after, idle);
  assert.match(text, /^publish worker: not yet in the registry\n\nupdate spark-worker-1: image changed\n\n/);
  const grown = {
    ...severalCluster.plan,
    workers: [...severalCluster.plan.workers, { ordinal: 5, machineId: 'node3', machineName: 'small' }],
  };
  const larger = buildStack(severalCluster.desired, grown, { bootstrap: null, socketGids });
  assert.equal(print(several, larger, idle), 'create spark-worker-5: not there yet\n');
});

test('a registry that is new has none of the images, whatever runs elsewhere', () => {
  const state = stateOf(several);
  const lost = {
    ...state,
    services: state.services.filter(({ name }) => name !== 'registry' && name !== 'datanode-3'),
  };
  assert.equal(
    printChangeSet(reconcile(lost, several, several, idle)),
    `create registry: not there yet

publish hdfs, worker, conductor: not yet in the registry

create datanode-3: not there yet
`,
  );
});
