// Use case: change the living cluster: plan, compare, deploy on the real engine, wait until what was changed answers.

import type { Docker } from '../adapters/docker/docker.ts';
import type { ComponentHealth } from '../api/schemas.ts';
import type { ChangeSet, ChangeStep } from '../engine/change-set.ts';
import type { DeployingDocker, ObservingDocker, SurveyingDocker } from '../engine/engine-docker.ts';
import { type Execution, executeChangeSet } from '../engine/execute-change-set.ts';
import { labels } from '../engine/labels.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { findUnaskedMachines, readSocketGids } from '../engine/read-socket-gids.ts';
import { swarmMachines } from '../engine/swarm-machines.ts';
import { SparkPlugError } from '../errors.ts';
import type { ClusterPlan, Machine } from '../plan/cluster-plan.ts';
import type { ProgressEvent } from '../progress.ts';
import type { Clock } from '../runs/clock.ts';
import type { RunShare } from '../runs/run-context.ts';
import type { ClusterStore } from '../runs/state/cluster-store.ts';
import type { StackOptions } from '../stack/build-stack.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';
import { formatDuration } from '../units.ts';
import { type PreparedChange, planStack, prepareDesired } from './apply-desired.ts';
import { askNewMachines, type FleetAccess } from './ask-new-machines.ts';
import {
  carryOutDrains,
  type DrainContext,
  type DrainParts,
  forgetDrained,
  hasLeaving,
  owesReplicas,
  settleLeaving,
} from './carry-out-drains.ts';
import { type ClusterHealth, type ComponentProbes, isAwaited, readClusterHealth } from './cluster-health.ts';
import type { MachineSurvey } from './describe-machines.ts';
import { isAway, refuseImpossibleDrain } from './drain-datanodes.ts';
import { findPlacements } from './effective-desired.ts';
import { registryUser } from './fleet-names.ts';
import { keptRevisions, type Retirement, retireImages } from './retire-images.ts';
import { shareOfRun } from './share-of-run.ts';

/** One change as the engine carries it out. */
export interface ClusterChange {
  readonly desired: DesiredState;
  /** Overrides the image of the drivers; null: the desired state's own. */
  readonly driverImage: string | null;
  readonly runActive: boolean;
  readonly now: boolean;
  /** Goes on where data would be lost. */
  readonly force: boolean;
  /** What would interrupt a run is left as it is, instead of waited for. */
  readonly defer: boolean;
}

export interface ChangeProgress {
  readonly report: (event: ProgressEvent) => void;
  readonly waitUntilIdle: () => Promise<void>;
  /** Lets runs start while `work` goes on, which disturbs none. */
  readonly letRunsStart: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs and their drivers as they are now: where runs could start meanwhile, what was planned before may interrupt one. */
  readonly look: () => Promise<Pick<ClusterChange, 'driverImage' | 'runActive'>>;
  readonly signal: AbortSignal;
}

/** The running cluster as its keeper needs it. */
export interface LiveCluster {
  /** What is not as the change says, one line each; changes nothing. Throws what makes the change impossible. */
  compare(change: ClusterChange): Promise<readonly string[]>;
  /** Throws what a drain of this change would be refused for; `force` refuses nothing. */
  refuseImpossible(change: ClusterChange): Promise<void>;
  apply(change: ClusterChange, progress: ChangeProgress): Promise<void>;
  /** Image of the spark-driver service, null when there is none. */
  driverImage(): Promise<string | null>;
}

export interface LiveClusterParts {
  readonly docker: ObservingDocker & SurveyingDocker & DeployingDocker & Pick<Docker, 'removeNode'>;
  readonly store: ClusterStore;
  readonly probes: ComponentProbes;
  readonly drains: DrainParts;
  readonly clock: Clock;
  readonly projectId: string;
  readonly shutdown: AbortSignal;
  /** To publish and to ask further machines; null where the scheduler was deployed without their secrets. */
  readonly fleet?: FleetParts | null;
}

export interface FleetParts extends Omit<FleetAccess, 'login'> {
  readonly password: string;
  readonly retirement: Retirement;
}

export interface ObservableCluster extends LiveCluster {
  health(revision: number, desired: DesiredState): Promise<ClusterHealth>;
  /** What is placed where. */
  survey(revision: number, desired: DesiredState): Promise<MachineSurvey>;
  /** All machines of the Swarm as the planner sees them. */
  machines(): Promise<readonly Machine[]>;
  /** Makes the Swarm forget a machine, whether or not it still answers. */
  removeNode(id: string): Promise<void>;
  /** What was deployed last: names and the machines they are told to stay on. */
  standing(): readonly Pick<ServiceSpec, 'name' | 'component' | 'machineId'>[];
  /** What a run that starts now gets of the cluster. */
  share(desired: DesiredState): Promise<RunShare>;
  /** Remembers the first deploy's stack, so that the first change knows what runs. */
  rememberStack(desired: DesiredState): Promise<void>;
}

const readyTimeoutMs = 300_000;
const readyPollMs = 500;
const pullPatienceMs = 60_000;
/** Swarm replaces a changed service within seconds; this process is a part of `scheduler`. */
const ownReplacementMs = 60_000;

/** A plan costs several questions to the engine; machines come and go, and their agents with them. */
const plannedMs = 5_000;

interface PlannedRevision {
  readonly revision: number;
  readonly atMs: number;
  readonly stack: StackSpec;
  readonly plan: ClusterPlan;
}

export function createLiveCluster(parts: LiveClusterParts): ObservableCluster {
  const { docker, store, projectId } = parts;
  /** For a few seconds: what stands on which machine changes by itself. */
  let planned: PlannedRevision | null = null;
  let standing: { readonly text: string | null; readonly services: StackSpec['services'] } = {
    text: null,
    services: [],
  };

  const plan = async (desired: DesiredState) => {
    const [machines, state, nodes] = await Promise.all([
      swarmMachines(docker, projectId),
      observeCluster(docker, projectId),
      docker.nodes(),
    ]);
    const current = findPlacements(state, readStack(store), [], machines);
    const options = { ...stackOptions(store, null), socketGids: readSocketGids(nodes) };
    return planStack(desired, machines, options, current);
  };
  const prepare = (change: ClusterChange): Promise<PreparedChange> =>
    prepareDesired(docker, {
      desired: change.desired,
      previous: readStack(store),
      stack: stackOptions(store, change.driverImage),
      situation: {
        ...{ runActive: change.runActive, now: change.now, defer: change.defer },
        replicasOwed: owesReplicas(store),
      },
    });

  const planOnce = async (revision: number, desired: DesiredState): Promise<PlannedRevision> => {
    const nowMs = parts.clock.now();
    if (planned?.revision === revision && Math.abs(nowMs - planned.atMs) < plannedMs) return planned;
    const known = { revision, atMs: nowMs, ...(await plan(desired)) };
    planned = known;
    return known;
  };

  const applyChange = async (change: ClusterChange, progress: ChangeProgress): Promise<void> => {
    const first = await prepare(change);
    const { report, signal, waitUntilIdle } = progress;
    const fleet = accessFleet(parts, change.desired);
    const executeSteps = async (prepared: PreparedChange, steps: ChangeSet['steps']): Promise<void> => {
      const { changeSet, plan: placed } = prepared;
      const context: DrainContext = {
        ...parts,
        previous: readStack(store),
        replication: change.desired.config.hdfs.replication,
        force: change.force,
        report,
        signal,
      };
      await settleEarlierDrains(parts, context, changeSet);
      await executeChangeSet(
        docker,
        { ...changeSet, steps, empty: steps.length === 0 },
        {
          secrets: { secrets: 'external' },
          report,
          signal,
          waitUntilIdle,
          waitUntilReady: (services) => waitUntilReady(parts, changeSet.result, placed, services, signal),
          ...withRunsStarting(carryOutDrains(context), progress.letRunsStart),
          registry: fleet,
        },
      );
    };
    const drained = new Set<string>();
    /** Planned anew after what was drained, as often as runs could start. Returns what was executed last. */
    const execute = async (prepared: PreparedChange): Promise<PreparedChange> => {
      const isDone = (step: ChangeStep): boolean =>
        step.kind === 'drain' && step.services.every((service) => drained.has(service));
      const steps = prepared.changeSet.steps.filter((step) => !isDone(step));
      const lastDrain = steps.findLastIndex(({ kind }) => kind === 'drain');
      if (lastDrain === -1) {
        await executeSteps(prepared, steps);
        return prepared;
      }
      const upToDrains = steps.slice(0, lastDrain + 1);
      await executeSteps(prepared, upToDrains);
      for (const step of upToDrains) if (step.kind === 'drain') for (const name of step.services) drained.add(name);
      return await execute(await prepare({ ...change, ...(await progress.look()) }));
    };
    let last = await execute(first);
    if (await askNewMachines(change.desired, last, { fleet, report, signal })) {
      store.set('stack', JSON.stringify(last.changeSet.result));
      last = await execute(await prepare({ ...change, ...(await progress.look()) }));
    }
    const { changeSet, plan: placed } = last;
    const { result } = changeSet;
    // An earlier process may have deployed all of it, and ended before anything answered.
    if (changeSet.empty) {
      const services = result.services.map(({ name }) => name).filter((name) => name !== 'scheduler');
      await waitUntilReady(parts, result, placed, services, signal);
    }
    signal.throwIfAborted();
    forgetDrained(store, changeSet);
    store.set('stack', JSON.stringify(result));
    if (first.changeSet.steps.some(({ kind }) => kind === 'publish')) await retire(parts, report);
  };

  return {
    compare: async (change) => {
      const { changeSet, plan: placed } = await prepare(change);
      const lines = changeSet.steps.flatMap(({ changes }) =>
        changes.map(({ type, service, cause }) => `${type} ${service}: ${cause}`),
      );
      if (lines.length > 0 || change.desired.registry === undefined) return lines;
      // One that just joined and has room for nothing still gets its agent.
      const conductorId = placed.machines.find(({ conductor }) => conductor)?.id ?? null;
      const unasked = findUnaskedMachines(await docker.nodes(), conductorId);
      return unasked.map(({ hostname }) => `look at ${hostname}: it has no agent yet`);
    },
    refuseImpossible: async (change) => {
      if (change.force) return;
      const { replication } = change.desired.config.hdfs;
      for (const step of (await prepare(change)).changeSet.steps) {
        if (step.kind !== 'drain' || step.component !== 'datanode') continue;
        const request = { datanodes: step.services, remaining: step.remaining, replication, signal: parts.shutdown };
        await refuseImpossibleDrain(parts.drains, request);
      }
    },
    apply: async (change, progress) => {
      try {
        await applyChange(change, progress);
      } finally {
        // Also where it failed half-way: what stands by then is another plan's.
        planned = null;
      }
    },
    driverImage: async () => {
      const services = await docker.services({ [labels.project]: projectId, [labels.component]: 'spark-driver' });
      return services[0]?.image ?? null;
    },
    health: async (revision, desired) => {
      const { stack, plan: placed } = await planOnce(revision, desired);
      return readClusterHealth(docker, stack, placed, parts.probes, parts.clock.now());
    },
    survey: async (revision, desired) => {
      const [{ stack, plan: placed }, info, nodes, state] = await Promise.all([
        planOnce(revision, desired),
        docker.info(),
        docker.nodes(),
        observeCluster(docker, projectId),
      ]);
      return { conductorId: info.swarm.nodeId, nodes, state, stack, plan: placed };
    },
    machines: () => swarmMachines(docker, projectId),
    removeNode: (id) => docker.removeNode(id),
    standing: () => {
      const text = store.setting('stack');
      // Asked every few seconds: read anew only where it is another one.
      if (text !== standing.text) standing = { text, services: readStack(store)?.services ?? [] };
      return standing.services;
    },
    share: async (desired) => shareOfRun(readStack(store) ?? (await plan(desired)).stack, desired),
    rememberStack: async (desired) => {
      if (store.setting('stack') !== null) return;
      const { stack } = await plan(desired);
      if (store.setting('stack') === null && !parts.shutdown.aborted) store.set('stack', JSON.stringify(stack));
    },
  };
}

/** Moving blocks and executors may take hours, and disturbs no run. */
function withRunsStarting<T extends Pick<Execution, 'drain'>>(
  steps: T,
  letRunsStart: ChangeProgress['letRunsStart'],
): T {
  return { ...steps, drain: (step: Parameters<T['drain']>[0]) => letRunsStart(() => steps.drain(step)) };
}

async function settleEarlierDrains(
  { docker, projectId }: LiveClusterParts,
  context: DrainContext,
  { result, steps }: ChangeSet,
): Promise<void> {
  if (!hasLeaving(context.store)) return;
  const { services } = await observeCluster(docker, projectId);
  const going = steps.flatMap((step) => (step.kind === 'drain' ? step.services : []));
  try {
    await settleLeaving(context, {
      running: services.map(({ name }) => name),
      desired: result.services.map(({ name }) => name),
      going,
    });
  } catch (error) {
    // This very change may bring the NameNode back; the next one settles what is left.
    if (!isAway(error)) throw error;
  }
}

/** Null where there is one machine, or none of the secrets yet: the scheduler is deployed with them last. */
function accessFleet({ fleet = null }: LiveClusterParts, { registry }: DesiredState): FleetAccess | null {
  if (fleet === null || registry === undefined) return null;
  return { ...fleet, login: { address: registry.address, user: registryUser, password: fleet.password } };
}

/** What is old stays where this fails: the next change tries again. */
async function retire({ fleet = null, store }: LiveClusterParts, report: ChangeProgress['report']): Promise<void> {
  if (fleet === null) return;
  const newest = store.currentRevision()?.number ?? 0;
  const numbers = Array.from({ length: keptRevisions }, (_, back) => newest - back);
  const texts = numbers.flatMap((number) => store.revision(number)?.desired ?? []);
  try {
    const removed = await retireImages(
      fleet.retirement,
      texts.map((text) => JSON.parse(text) as DesiredState),
    );
    if (removed > 0) report({ kind: 'note', text: `removed ${removed} old images from the registry` });
  } catch (error) {
    report({
      kind: 'warning',
      text: `old images stay in the registry: ${error instanceof Error ? error.message : error}`,
    });
  }
}

function stackOptions(store: ClusterStore, driverImage: string | null): StackOptions {
  return { bootstrap: store.setting('bootstrap'), ...(driverImage === null ? {} : { driverImage }) };
}

function readStack(store: ClusterStore): StackSpec | null {
  const text = store.setting('stack');
  return text === null ? null : (JSON.parse(text) as StackSpec);
}

/** What Docker says of a task whose machine could not pull its image, whatever the cause. */
function isUnpulled({ detail }: ComponentHealth): boolean {
  return detail.includes('No such image');
}

function cannotPull(
  { name, detail }: ComponentHealth,
  stack: StackSpec,
  { machines }: ClusterPlan,
  { components }: ClusterHealth,
): SparkPlugError {
  const machineId = stack.services.find((service) => service.name === name)?.machineId;
  const machine = machines.find(({ id }) => id === machineId)?.name ?? 'the machine';
  const registry = components.find((one) => one.name === 'registry');
  const unready =
    registry === undefined || registry.state === 'ready'
      ? ''
      : `; the registry is ${registry.state}: ${registry.detail}`;
  return new SparkPlugError('MACHINE_UNUSABLE', `${machine} cannot pull the image of ${name}: ${detail}${unready}`, {
    place: machine,
    hint:
      `it tries again by itself every few seconds: see sparkplug logs registry, whether ${machine} reaches the registry, ` +
      'and whether it trusts it (sparkplug machine join-command)',
  });
}

/**
 * Until the services answer. COMPONENT_CRASHING where one fails again and again, MACHINE_UNUSABLE where its image cannot be
 * pulled, CLUSTER_NOT_READY after 5 minutes.
 */
async function waitUntilReady(
  parts: LiveClusterParts,
  stack: StackSpec,
  plan: ClusterPlan,
  services: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts;
  // A changed scheduler ends this process, and its successor finishes the operation.
  // Where only its place or labels change, its container stays.
  const hashOf = (one: StackSpec | null): string | undefined =>
    one?.services.find(({ name }) => name === 'scheduler')?.hash;
  const isReplaced = services.includes('scheduler') && hashOf(readStack(parts.store)) !== hashOf(stack);
  if (isReplaced) await clock.wait(ownReplacementMs, signal);
  const deadline = clock.now() + readyTimeoutMs;
  let unpulledSinceMs: number | null = null;
  for (;;) {
    const health = await readClusterHealth(parts.docker, stack, plan, parts.probes, clock.now());
    const waiting = health.components.filter((one) => services.includes(one.name) && isAwaited(one));
    if (waiting.length === 0) return;
    const failing = waiting.find(({ state }) => state === 'failing');
    if (failing !== undefined && isUnpulled(failing)) {
      // The registry starts anew now and then, and machines ask again every few seconds.
      unpulledSinceMs ??= clock.now();
      if (clock.now() - unpulledSinceMs >= pullPatienceMs) throw cannotPull(failing, stack, plan, health);
    } else if (failing !== undefined) {
      throw new SparkPlugError('COMPONENT_CRASHING', `${failing.name} ${failing.detail}`, {
        place: failing.name,
        hint: `sparkplug logs ${failing.name} --tail 200`,
      });
    }
    if (clock.now() >= deadline) {
      const missing = waiting.map(({ name, detail }) => `${name} (${detail})`).join(', ');
      throw new SparkPlugError('CLUSTER_NOT_READY', `not ready after ${formatDuration(readyTimeoutMs)}: ${missing}`, {
        hint: 'sparkplug up again to wait longer, or see sparkplug logs COMPONENT',
      });
    }
    await clock.wait(readyPollMs, signal);
  }
}
