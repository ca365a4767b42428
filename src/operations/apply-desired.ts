// Use case: make a cluster what it should be, the first time and every later one: plan → stack → observe → reconcile →
// execute.
import { type ChangeSet, printChangeSet } from '../engine/change-set.ts';
import type { DeployingDocker, ObservingDocker, SurveyingDocker } from '../engine/engine-docker.ts';
import { type Execution, executeChangeSet } from '../engine/execute-change-set.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { readSocketGids } from '../engine/read-socket-gids.ts';
import { reconcile, type Situation } from '../engine/reconcile.ts';
import { swarmMachines } from '../engine/swarm-machines.ts';
import type { ClusterPlan, CurrentPlacements, Machine } from '../plan/cluster-plan.ts';
import { planCluster } from '../plan/plan-cluster.ts';
import { buildStack, type StackOptions } from '../stack/build-stack.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { StackSpec } from '../stack/stack-spec.ts';
import { effectiveConfig, effectiveMachines, findPlacements, type StoredDatanode } from './effective-desired.ts';

export interface DesiredChange {
  readonly desired: DesiredState;
  /** Stack of the last revision that was applied; null when there is none or it is not known. */
  readonly previous: StackSpec | null;
  readonly stack: StackOptions;
  readonly situation: Situation;
  /** Where DataNodes stood before a `down`. */
  readonly datanodesBefore?: readonly StoredDatanode[];
}

/** What would be done, worked out without changing anything. */
export interface PreparedChange {
  readonly plan: ClusterPlan;
  readonly stack: StackSpec;
  readonly changeSet: ChangeSet;
}

type PreparingDocker = ObservingDocker & SurveyingDocker;

/**
 * Plans and compares, changing nothing.
 * @throws SparkPlugError NO_ROOM
 */
export async function prepareDesired(docker: PreparingDocker, change: DesiredChange): Promise<PreparedChange> {
  const { desired, previous, situation } = change;
  const [machines, state] = await Promise.all([
    swarmMachines(docker, desired.projectId),
    observeCluster(docker, desired.projectId),
  ]);
  // Read after the machines: one that was labelled meanwhile is not missed.
  const socketGids = desired.registry === undefined ? new Map() : readSocketGids(await docker.nodes());
  const current = findPlacements(state, previous, change.datanodesBefore ?? [], machines);
  const { plan, stack } = planStack(desired, machines, { ...change.stack, socketGids }, current);
  const { replication } = desired.config.hdfs;
  const away = machines.filter((machine) => machine.state === 'away').map(({ id }) => id);
  const machineNames = new Map(machines.map(({ id, name }) => [id, name]));
  const ready = machines.filter((machine) => machine.state === 'ready').map(({ id }) => id);
  const changeSet = reconcile(state, previous, stack, { ...situation, replication, away, ready, machineNames });
  return { plan, stack, changeSet };
}

/**
 * The pure half: the same desired state on the same machines is always the same stack. `current` is what stands now and
 * stays as far as it can.
 */
export function planStack(
  desired: DesiredState,
  machines: readonly Machine[],
  options: StackOptions,
  current?: CurrentPlacements,
): { readonly plan: ClusterPlan; readonly stack: StackSpec } {
  const { workerShape, drained } = desired;
  const plan = planCluster(effectiveConfig(desired), effectiveMachines(machines, drained), { workerShape, current });
  return { plan, stack: buildStack(desired, plan, options) };
}

/**
 * Makes the cluster what it should be and returns what was done; `changeSet.result` is the `previous` of the next call.
 * Stopped at any point, the same call finishes it.
 */
export async function applyDesired(
  docker: PreparingDocker & DeployingDocker,
  change: DesiredChange,
  execution: Execution,
): Promise<PreparedChange> {
  const prepared = await prepareDesired(docker, change);
  if (prepared.changeSet.empty) {
    execution.report({ kind: 'note', text: printChangeSet(prepared.changeSet).trimEnd() });
  } else {
    await executeChangeSet(docker, prepared.changeSet, execution);
  }
  return prepared;
}
