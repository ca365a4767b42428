// Use case `plan`: what `up` would do and why; changes nothing.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { findProject } from '../config/find-project.ts';
import { type Change, type ChangeSet, isGoing, printChangeSet } from '../engine/change-set.ts';
import { readPlacements } from '../engine/current-placements.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import type { ClusterPlan, CurrentPlacements, HistoryPlan, Machine, MachinePlan } from '../plan/cluster-plan.ts';
import { parseMachines } from '../plan/parse-machine.ts';
import { planCluster } from '../plan/plan-cluster.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { planStack, prepareDesired } from './apply-desired.ts';
import { resolveWorkerShape, settleListen } from './build-desired.ts';
import { createProjectClient } from './cluster-access.ts';
import { describeOverrides, effectiveConfig, effectiveMachines, keepOverrides } from './effective-desired.ts';
import { type OpenedProject, openConfig, openProject, type ProjectChoice } from './open-project.ts';
import { nameProjectImages } from './prepare-project-images.ts';
import { bootstrapText } from './start-cluster.ts';
import { surveyMachines } from './survey-machines.ts';

/** Documented shape of `plan -o json`. */
export interface PlanJson {
  readonly machines: readonly Omit<MachinePlan, 'id'>[];
  readonly worker: WorkerShape & { readonly heapMiB: number };
  readonly totalWorkers: number;
  /** Asked for by number and without room while a machine is away. */
  readonly missingWorkers: number;
  readonly totalDatanodes: number;
  readonly replication: number;
  readonly history: HistoryPlan;
  readonly containers: readonly PlannedContainer[];
  /** What would change in the running cluster; null where there is none. */
  readonly changes: readonly PlannedChange[] | null;
  /** Numbers that `scale` set instead of the file's: "workers=3 by scale (the file says auto)". */
  readonly overrides?: readonly string[];
}

export interface PlannedContainer {
  readonly component: string;
  readonly count: number;
  readonly limitMiB: number;
  readonly reservationMiB: number;
  readonly heapMiB: number;
}

export interface PlannedChange {
  readonly type: string;
  readonly service: string;
  /** Where it is added or changed, or taken away from; null where that is not one machine. */
  readonly machine: string | null;
  readonly cause: string;
}

export interface PlanReport {
  readonly json: PlanJson;
  /** The changes as text, null where there is no cluster. */
  readonly changes: string | null;
}

/** For machines one only thinks of: needs neither Docker nor a cluster. `texts` look like `8c16g` or `2c4g*3`. */
export async function planForThoughtMachines(choice: ProjectChoice, texts: readonly string[]): Promise<PlanReport> {
  const config = await openConfig(await findProject(choice.fromDir), choice.overrides);
  return { json: describe(planFor(config, null, parseMachines(texts)), null), changes: null };
}

/** For machines that are thought of elsewhere. @throws SparkPlugError NO_ROOM, CONFIG_INVALID */
export function describePlanFor(config: ClusterConfig, machines: readonly Machine[]): PlanJson {
  return describe(planFor(config, null, machines), null);
}

/** For the machines that there are; with a running cluster also what would change in it. */
export async function planProject(choice: ProjectChoice): Promise<PlanReport> {
  const project = await openProject(choice);
  const { docker, state } = project;
  const machines = await surveyMachines(docker, state?.id ?? null);
  const config = settleListen(project.config, await project.findHost());
  const observed = state === null ? null : await observeCluster(docker, state.id);
  const standing = observed === null ? undefined : readPlacements(observed, machines);
  const current = await readCurrent(project);
  if (current === null) {
    return { json: describe(planFor(config, state?.workerShape ?? null, machines, standing), null), changes: null };
  }
  const wanted = keepOverrides(current, { ...current, config });
  const plan = planFor(
    effectiveConfig(wanted),
    state?.workerShape ?? null,
    effectiveMachines(machines, wanted.drained),
    standing,
  );
  const changeSet = await compare(project, current, wanted, machines, standing);
  const machineOf = nameMachines(changeSet, standing, machines);
  const changes = changeSet.changes.map((change): PlannedChange => {
    const { type, service, cause } = change;
    return { type, service, machine: machineOf(change), cause };
  });
  const json = { ...describe(plan, changes), overrides: describeOverrides(wanted) };
  return { json, changes: printChangeSet(changeSet, machineOf).trimEnd() };
}

/** The machine of a change: where the service is to stand, or where the one that goes stands now. */
function nameMachines(
  changeSet: ChangeSet,
  standing: CurrentPlacements | undefined,
  machines: readonly Machine[],
): (change: Change) => string | null {
  const names = new Map(machines.map(({ id, name }) => [id, name]));
  const planned = new Map(changeSet.result.services.map(({ name, machineId }) => [name, machineId]));
  const stood = new Map<string, string>();
  for (const { ordinal, machineName } of standing?.workers ?? []) stood.set(`spark-worker-${ordinal}`, machineName);
  for (const { ordinal, machineName } of standing?.datanodes ?? []) stood.set(`datanode-${ordinal}`, machineName);
  return (change) => {
    if (isGoing(change)) return stood.get(change.service) ?? null;
    return names.get(planned.get(change.service) ?? '') ?? null;
  };
}

function planFor(
  config: ClusterConfig,
  settled: WorkerShape | null,
  machines: readonly Machine[],
  current?: CurrentPlacements,
): ClusterPlan {
  return planCluster(config, machines, { workerShape: resolveWorkerShape(config, settled, machines), current });
}

/** The desired state of the running cluster, null where none answers. */
async function readCurrent(project: OpenedProject): Promise<DesiredState | null> {
  const api = await createProjectClient(project);
  if (api === null) return null;
  try {
    return (await api.desiredState()).desired;
  } catch (error) {
    if (error instanceof SparkPlugError && error.exitCode === 3) return null;
    throw error;
  }
}

async function compare(
  project: OpenedProject,
  current: DesiredState,
  wanted: DesiredState,
  machines: readonly Machine[],
  standing: CurrentPlacements | undefined,
) {
  const { docker, state } = project;
  const { config } = wanted;
  const desired = {
    ...wanted,
    images: (await nameProjectImages(project)).refs,
    workerShape: resolveWorkerShape(config, state?.workerShape ?? null, machines),
    webPort: config.web.port === 'auto' ? current.webPort : config.web.port,
  };
  const stack = { bootstrap: bootstrapText(current) };
  const previous = planStack(current, machines, stack, standing).stack;
  const situation = { runActive: false, now: true };
  return (await prepareDesired(docker, { desired, previous, stack, situation })).changeSet;
}

function describe(plan: ClusterPlan, changes: PlanJson['changes']): PlanJson {
  const { executors, cores, memoryMiB, heapMiB } = plan.worker;
  const counts = {
    'spark-worker': plan.totalWorkers,
    'spark-driver': plan.parallelRuns,
    history: plan.history.planned ? 1 : 0,
    registry: plan.machines.length > 1 ? 1 : 0,
    agent: plan.machines.length - 1,
  };
  return {
    machines: plan.machines.map(({ id: _, ...machine }) => machine),
    worker: { executors, cores, memoryMiB, heapMiB },
    totalWorkers: plan.totalWorkers,
    missingWorkers: plan.missingWorkers,
    totalDatanodes: plan.datanodes.length,
    replication: plan.replication,
    history: plan.history,
    containers: [
      ...Object.entries(plan.sizing).map(([component, sizing]) => ({
        component,
        count: component in counts ? counts[component as keyof typeof counts] : 1,
        ...sizing,
      })),
      ...groupDatanodes(plan),
    ],
    changes,
  };
}

/** DataNodes are sized by their machines: one entry for each size. */
function groupDatanodes({ datanodes }: ClusterPlan): readonly PlannedContainer[] {
  const groups = Map.groupBy(datanodes, ({ sizing }) => sizing.limitMiB);
  return [...groups.values()].flatMap((group) =>
    group.slice(0, 1).map(({ sizing }) => ({ component: 'datanode', count: group.length, ...sizing })),
  );
}
