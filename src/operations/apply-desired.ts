// Use case: make a cluster what it should be, the first time and every later one: plan → stack → observe → reconcile →
// execute.
import { type ChangeSet, printChangeSet } from '../engine/change-set.ts';
import { readPlacements } from '../engine/current-placements.ts';
import type { DeployingDocker, ObservingDocker, SurveyingDocker } from '../engine/engine-docker.ts';
import { type Execution, executeChangeSet } from '../engine/execute-change-set.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { reconcile, type Situation } from '../engine/reconcile.ts';
import { swarmMachines } from '../engine/swarm-machines.ts';
import { SparkPlugError } from '../errors.ts';
import type { ClusterPlan, CurrentPlacements, Machine } from '../plan/cluster-plan.ts';
import { planCluster } from '../plan/plan-cluster.ts';
import { buildStack, type StackOptions } from '../stack/build-stack.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { StackSpec } from '../stack/stack-spec.ts';

export interface DesiredChange {
  readonly desired: DesiredState;
  /** Stack of the last revision that was applied; null when there is none or it is not known. */
  readonly previous: StackSpec | null;
  readonly stack: StackOptions;
  readonly situation: Situation;
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
 * @throws SparkPlugError NO_ROOM; DATANODE_HOLDS_DATA where DataNodes would go with the blocks they hold.
 */
export async function prepareDesired(docker: PreparingDocker, change: DesiredChange): Promise<PreparedChange> {
  const { desired, previous, situation } = change;
  const [machines, state] = await Promise.all([
    swarmMachines(docker, desired.projectId),
    observeCluster(docker, desired.projectId),
  ]);
  const { plan, stack } = planStack(desired, machines, change.stack, readPlacements(state, machines));
  const changeSet = reconcile(state, previous, stack, situation);
  refuseLosingData(changeSet);
  return { plan, stack, changeSet };
}

/** The pure half. `current` is what stands now and stays as far as it can. */
export function planStack(
  desired: DesiredState,
  machines: readonly Machine[],
  options: StackOptions,
  current?: CurrentPlacements,
): { readonly plan: ClusterPlan; readonly stack: StackSpec } {
  const plan = planCluster(desired.config, machines, { workerShape: desired.workerShape, current });
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
    return prepared;
  }
  await executeChangeSet(docker, prepared.changeSet, execution);
  return prepared;
}

/** Nothing drains DataNodes yet, so one that goes would take the only copy of some blocks with it. */
function refuseLosingData(changeSet: ChangeSet): void {
  const going = changeSet.changes
    .filter((change) => change.type === 'remove' && change.service.startsWith('datanode-'))
    .map((change) => change.service);
  if (going.length === 0) return;
  throw new SparkPlugError('DATANODE_HOLDS_DATA', `${going.join(', ')} would be removed with the blocks held there.`, {
    place: 'hdfs.datanodes',
    met: `${going.length} fewer`,
    hint: 'Keep `hdfs.datanodes` as it was, or start over without data: `sparkplug down --volumes`.',
  });
}
