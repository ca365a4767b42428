// ClusterState + StackSpec → ChangeSet: what differs, in which order it changes, and what a running job is spared.
import type { PublishedImage, ServiceSpec, StackSpec } from '../stack/stack-spec.ts';
import type { Change, ChangeSet, ChangeStep, DrainStep, PublishStep } from './change-set.ts';
import type { ClusterState, ObservedService, ObservedTask } from './cluster-state.ts';
import { describeDifference } from './describe-difference.ts';
import { canStay, mergeStacks } from './merge-stacks.ts';

export interface Situation {
  /** A run is executing: what would interrupt it waits. */
  readonly runActive: boolean;
  /** `--now`: nothing waits. */
  readonly now: boolean;
  /** What would have to wait for a run stays as it is, until a later reconcile finds none. */
  readonly defer?: boolean;
  /** Machines whose engine or link is down: what is there disturbs nobody by going, and gives nothing away. */
  readonly away?: readonly string[];
  /** Machines that take containers now. */
  readonly ready?: readonly string[];
  /** What machines are called, by id; one without a name is called by its id. */
  readonly machineNames?: ReadonlyMap<string, string>;
  /** `auto`: where DataNodes joined, files get more replicas. A number by default, which stays what it is. */
  readonly replication?: 'auto' | number;
  /** Files have fewer than `auto` gives them, since a DataNode was away as another was drained. */
  readonly replicasOwed?: boolean;
}

/** One service that is not as it should be. */
interface Difference {
  readonly change: Change;
  /** A running job would lose executors, its driver, or its files. */
  readonly interrupts: boolean;
  /** It can stay as it is in a deploy that is about other services. */
  readonly deferrable: boolean;
  /** Its container is on a machine that is away. */
  readonly unreachable: boolean;
  readonly component: string;
}

const interruptingComponents: readonly string[] = [
  'spark-driver',
  'spark-master',
  'spark-worker',
  'namenode',
  'datanode',
];
/** More than this `auto` never asks for. */
const mostReplicas = 3;
const rollingComponents: readonly string[] = ['datanode', 'spark-worker'];

/**
 * Compares what runs with what should. `currentStack` is the stack of the last revision: services that change later
 * stay as it says; null (or one that does not match what runs) means they change in the first deploy.
 */
export function reconcile(
  current: ClusterState,
  currentStack: StackSpec | null,
  desired: StackSpec,
  situation: Situation,
): ChangeSet {
  const all = findDifferences(current, currentStack, desired, situation);
  const kept = all.filter((difference) => isKept(difference, currentStack, desired, situation));
  const due = all.filter((difference) => !kept.includes(difference));
  const toChangeSteps = (step: OrderedStep): readonly ChangeStep[] => {
    const changes = step.differences.map((difference) => difference.change);
    if (step.kind === 'wait-idle') return [{ kind: 'wait-idle', changes: [describeWait(step.differences)] }];
    const staying = [...kept, ...step.later].map(serviceOf);
    const deploy: ChangeStep = { kind: 'deploy', changes, stack: mergeStacks(desired, currentStack, staying) };
    return [...planDrains(step.differences, desired), deploy, ...planDiscard(step.differences)];
  };
  const unpublished = findUnpublished(due, current, desired);
  const urgent = unpublished.length > 0 && lacksLogin(currentStack) ? due.filter(isScheduler) : [];
  const ordered = insertPublishing(orderSteps(due, urgent, situation), unpublished);
  const changing = ordered.flatMap((step) => ('images' in step ? [step] : toChangeSteps(step)));
  const steps = [
    ...planRestarts(current, all, situation),
    ...changing,
    ...planReplication(current, desired, situation),
  ];
  const result = mergeStacks(desired, currentStack, kept.map(serviceOf));
  const keeps = kept.map(
    ({ change }): Change => ({ ...change, type: 'keep', cause: `${change.cause}: from the next run on` }),
  );
  return {
    namespace: current.services[0]?.namespace || desired.namespace,
    steps,
    changes: [...steps.flatMap((step) => step.changes), ...keeps],
    result,
    empty: steps.length === 0,
  };
}

/**
 * What Swarm does not start by itself any more. Its scheduler drops a task that found no machine once the service was
 * written anew, which every deploy does, also with what it had; the machine's return then wakes nothing
 * (moby/swarmkit, `noSuitableNode`: only tasks of the service's present version are queued again).
 */
function planRestarts(
  current: ClusterState,
  differing: readonly Difference[],
  { ready = [] }: Situation,
): ChangeStep[] {
  const changing = new Set(differing.map(serviceOf));
  const stuck = current.services.filter(
    ({ name, machineId, tasks }) =>
      !changing.has(name) && machineId !== null && ready.includes(machineId) && tasks.some(waitsForItsMachine),
  );
  if (stuck.length === 0) return [];
  const cause = 'its machine is back, and Swarm does not try again';
  const changes = stuck.map(({ name }): Change => ({ type: 'restart', service: name, cause }));
  return [{ kind: 'restart', changes, serviceIds: stuck.map(({ id }) => id) }];
}

/** As Swarm's scheduler puts it for a machine that was down or drained when it looked. */
function waitsForItsMachine({ state, desiredState, error }: ObservedTask): boolean {
  return state === 'pending' && desiredState === 'running' && /not available for new tasks/.test(error ?? '');
}

/** DataNodes first: only their drain may be refused, and a worker's cannot be taken back. */
const drainedComponents = ['datanode', 'spark-worker'] as const;

function isDrained(component: string): boolean {
  return drainedComponents.some((one) => one === component);
}

/** What services give away before a deploy removes them. */
function planDrains(differences: readonly Difference[], desired: StackSpec): DrainStep[] {
  return drainedComponents.flatMap((component): DrainStep[] => {
    const going = differences.filter(
      (one) =>
        one.component === component &&
        one.change.type === 'remove' &&
        // The NameNode knows a DataNode's blocks also while it is away; a worker's executors are gone.
        !(component === 'spark-worker' && one.unreachable),
    );
    if (going.length === 0) return [];
    const remaining = desired.services.filter((spec) => spec.component === component).map(({ name }) => name);
    const services = going.map(serviceOf);
    const changes = going.map(({ change }): Change => ({ ...change, type: 'drain' }));
    return [{ kind: 'drain', changes, component, services, remaining }];
  });
}

function planDiscard(differences: readonly Difference[]): ChangeStep[] {
  const gone = differences.filter(({ component, change }) => component === 'datanode' && change.type === 'remove');
  if (gone.length === 0) return [];
  const cause = 'its blocks are on other DataNodes';
  const changes = gone.map(({ change }): Change => ({ ...change, type: 'discard', cause }));
  return [{ kind: 'discard', changes, services: gone.map(serviceOf) }];
}

/** Up to three copies of every file as soon as there are DataNodes for them; the lowering is a part of the drain. */
function planReplication(current: ClusterState, desired: StackSpec, situation: Situation): ChangeStep[] {
  const before = current.services.filter(({ component }) => component === 'datanode').length;
  const after = desired.services.filter(({ component }) => component === 'datanode').length;
  if (situation.replication !== 'auto' || before === 0) return [];
  const { replicasOwed = false, away = [] } = situation;
  const isComplete = !desired.services.some(
    ({ component, machineId }) => component === 'datanode' && machineId !== null && away.includes(machineId),
  );
  const isRepaid = replicasOwed && isComplete;
  if (!isRepaid && (before >= mostReplicas || after <= before)) return [];
  const cause = after > before ? `${before} → ${after} DataNodes` : 'a DataNode that was away is back';
  const change: Change = { type: 'replicate', service: 'namenode', cause };
  return [{ kind: 'replicate', changes: [change], datanodes: after }];
}

function serviceOf(difference: Difference): string {
  return difference.change.service;
}

function findDifferences(
  current: ClusterState,
  currentStack: StackSpec | null,
  desired: StackSpec,
  { away = [], machineNames = new Map() }: Situation,
): Difference[] {
  const observed = new Map(current.services.map((service) => [service.name, service]));
  const wanted = desired.services.flatMap((spec) =>
    compare(spec, observed.get(spec.name), currentStack, desired, { away, machineNames }),
  );
  const names = new Set(desired.services.map((spec) => spec.name));
  const removed = current.services
    .filter((service) => !names.has(service.name))
    .map((service) => remove(service, currentStack, desired, away));
  return [...removed, ...wanted];
}

function compare(
  spec: ServiceSpec,
  observed: ObservedService | undefined,
  currentStack: StackSpec | null,
  desired: StackSpec,
  { away, machineNames }: Required<Pick<Situation, 'away' | 'machineNames'>>,
): Difference[] {
  const { name, component } = spec;
  if (observed === undefined) {
    const change: Change = { type: 'create', service: name, cause: 'not there yet' };
    return [{ change, component, interrupts: false, deferrable: false, unreachable: false }];
  }
  const restarts = observed.specHash !== spec.hash || mustMove(spec, observed);
  if (!restarts && observed.replicas === spec.replicas && observed.machineId === spec.machineId) return [];
  const change: Change = {
    type: 'update',
    service: name,
    cause: describeDifference(spec, observed, currentStack, desired, machineNames),
  };
  const deferrable = canStay(observed, currentStack, desired);
  const unreachable = isUnreachable(observed, away);
  const interrupts = restarts && !unreachable && interruptingComponents.includes(component);
  return [{ change, component, interrupts, deferrable, unreachable }];
}

/** Told to stay on another machine than the one it runs on; naming the machine it is on already restarts nothing. */
function mustMove(spec: ServiceSpec, observed: ObservedService): boolean {
  if (spec.machineId === null || spec.machineId === observed.machineId) return false;
  return observed.tasks.some((task) => task.desiredState === 'running' && task.machineId !== spec.machineId);
}

function isUnreachable({ machineId }: ObservedService, away: readonly string[]): boolean {
  return machineId !== null && away.includes(machineId);
}

function remove(
  service: ObservedService,
  currentStack: StackSpec | null,
  desired: StackSpec,
  away: readonly string[],
): Difference {
  return {
    change: { type: 'remove', service: service.name, cause: 'no longer planned' },
    component: service.component,
    // What is drained before is missed by no job.
    interrupts: interruptingComponents.includes(service.component) && !isDrained(service.component),
    deferrable: canStay(service, currentStack, desired),
    unreachable: isUnreachable(service, away),
  };
}

/** While a run is active a driver that differs by its image alone stays: the next run brings its own image anyway. */
function isKept(
  difference: Difference,
  currentStack: StackSpec | null,
  desired: StackSpec,
  situation: Situation,
): boolean {
  const { change, component, deferrable, interrupts } = difference;
  if (!situation.runActive || situation.now || !deferrable) return false;
  if (situation.defer === true && interrupts) return true;
  if (component !== 'spark-driver') return false;
  const before = currentStack?.services.find((spec) => spec.name === change.service);
  const after = desired.services.find((spec) => spec.name === change.service);
  return before !== undefined && after !== undefined && sameButImage(before, after);
}

function sameButImage(a: ServiceSpec, b: ServiceSpec): boolean {
  const rest = (spec: ServiceSpec) => JSON.stringify({ ...spec, image: '', hash: '' });
  return rest(a) === rest(b);
}

interface OrderedStep {
  readonly kind: 'deploy' | 'wait-idle';
  /** Before images are published. */
  readonly isUrgent: boolean;
  readonly differences: readonly Difference[];
  /** What still changes after this step. */
  readonly later: readonly Difference[];
}

/**
 * Where services that change start from the registry: all that nothing is known to run from there. A new registry has
 * none.
 */
function findUnpublished(
  due: readonly Difference[],
  current: ClusterState,
  desired: StackSpec,
): readonly PublishedImage[] {
  const { published = [] } = desired;
  const changing = new Set(due.filter(({ change }) => change.type !== 'remove').map(serviceOf));
  const needed = new Set(desired.services.filter(({ name }) => changing.has(name)).map((spec) => spec.image));
  if (!published.some(({ ref }) => needed.has(ref))) return [];
  const isNew = due.some(({ component, change }) => component === registryComponent && change.type === 'create');
  const running = new Set(isNew ? [] : current.services.map((service) => service.image));
  return published.filter(({ ref }) => !running.has(ref));
}

/** A scheduler from the time of one machine has no password to publish with: its successor goes on. */
function lacksLogin(currentStack: StackSpec | null): boolean {
  const scheduler = currentStack?.services.find(({ component }) => component === 'scheduler');
  return scheduler !== undefined && !scheduler.secrets.includes('registry_password');
}

function isScheduler({ component }: Difference): boolean {
  return component === 'scheduler';
}

/** After the registry's own deploy, or first of all: sending images takes its time and disturbs nobody. */
function insertPublishing(
  ordered: readonly OrderedStep[],
  images: readonly PublishedImage[],
): readonly (OrderedStep | PublishStep)[] {
  if (images.length === 0) return ordered;
  const service = images.map(({ name }) => name).join(', ');
  const publish: PublishStep = {
    kind: 'publish',
    changes: [{ type: 'publish', service, cause: 'not yet in the registry' }],
    images,
  };
  const at = ordered.findIndex(({ isUrgent }) => !isUrgent);
  return at === -1 ? [...ordered, publish] : [...ordered.slice(0, at), publish, ...ordered.slice(at)];
}

const registryComponent = 'registry';

/**
 * What is urgent and the registry, one after another, since others need them to start. Then what is drained, after what is
 * new and takes what the drained give away: it may be refused, with little changed yet. Then what a running job does not
 * notice, then the wait, then the rest: DataNodes and workers one after another, and the scheduler last, since it may be
 * the one that does all this.
 */
function orderSteps(
  all: readonly Difference[],
  urgent: readonly Difference[],
  situation: Situation,
): readonly OrderedStep[] {
  const registry = all.filter(({ component, change }) => component === registryComponent && change.type !== 'remove');
  const early = [...urgent, ...registry];
  // One that runs and is not known well enough to be deployed once more as it is cannot be left for later.
  const canWait = ({ deferrable, change }: Difference): boolean => deferrable || change.type === 'create';
  const along = early.length === 0 ? [] : all.filter((one) => !early.includes(one) && !canWait(one));
  const due = all.filter((one) => !early.includes(one) && !along.includes(one));
  const first = early.map((one, index) => ({
    kind: 'deploy' as const,
    isUrgent: true,
    differences: index === 0 ? [one, ...along] : [one],
  }));
  const nonEmpty = [...first, ...groupSteps(due, situation)].filter((group) => group.differences.length > 0);
  return nonEmpty.map((group, index) => ({ ...group, later: deployedAfter(nonEmpty, index) }));
}

function groupSteps(due: readonly Difference[], situation: Situation): readonly Omit<OrderedStep, 'later'>[] {
  const waiting = situation.runActive && !situation.now ? due.filter((difference) => difference.interrupts) : [];
  const last = due.filter((difference) => difference.component === 'scheduler' && difference.deferrable);
  const rolling = due.filter(isRolling).toSorted(datanodesFirst);
  // One that cannot stay as it is goes with all the others.
  const drained = due.filter(({ change, component }) => change.type === 'remove' && isDrained(component));
  const apart = drained.every((difference) => difference.deferrable) ? drained : [];
  const rest = due.filter((one) => !last.includes(one) && !rolling.includes(one) && !apart.includes(one));
  // Where one that would interrupt cannot be held back in a deploy about others, everything waits.
  const early = waiting.every((difference) => difference.deferrable)
    ? rest.filter((difference) => !waiting.includes(difference))
    : [];
  const first = waiting.length === 0 ? rest : early;
  const fresh = apart.length === 0 ? [] : first.filter(({ change }) => change.type === 'create');
  const groups: readonly Pick<OrderedStep, 'kind' | 'differences'>[] = [
    { kind: 'deploy', differences: fresh },
    { kind: 'deploy', differences: apart },
    { kind: 'deploy', differences: first.filter((difference) => !fresh.includes(difference)) },
    { kind: 'wait-idle', differences: waiting },
    { kind: 'deploy', differences: rest.filter((difference) => !first.includes(difference)) },
    ...[...rolling, ...last].map((one) => ({ kind: 'deploy' as const, differences: [one] })),
  ];
  return groups.map((group) => ({ ...group, isUrgent: false }));
}

function deployedAfter(groups: readonly Omit<OrderedStep, 'later'>[], index: number): readonly Difference[] {
  return groups.slice(index + 1).flatMap((group) => (group.kind === 'deploy' ? group.differences : []));
}

function isRolling(difference: Difference): boolean {
  const { change, component, deferrable } = difference;
  return change.type === 'update' && deferrable && rollingComponents.includes(component);
}

function datanodesFirst(a: Difference, b: Difference): number {
  return rollingComponents.indexOf(a.component) - rollingComponents.indexOf(b.component);
}

function describeWait(differences: readonly Difference[]): Change {
  const names = differences.map(serviceOf).join(', ');
  const verb = differences.length === 1 ? 'stops or restarts' : 'stop or restart';
  return { type: 'wait-idle', service: names, cause: `${names} ${verb}` };
}
