// What the desired state comes to once `scale` and `drain` are counted in; pure.
import type { ClusterConfig } from '../config/cluster-config.ts';
import type { ClusterState } from '../engine/cluster-state.ts';
import type { Machine, Placement } from '../plan/cluster-plan.ts';
import type { DesiredState, ScaleOverride } from '../stack/desired-state.ts';
import type { StackSpec } from '../stack/stack-spec.ts';

/** Followers that stand now, each with its machine. */
export interface Placements {
  readonly workers: readonly Placement[];
  readonly datanodes: readonly Placement[];
}

/** Nothing stands yet. */
export const noPlacements: Placements = { workers: [], datanodes: [] };

/** A change of the numbers: `file` takes an override back, what is left out stays. */
export interface ScaleRequest {
  readonly workers?: number | 'file' | undefined;
  readonly datanodes?: number | 'file' | undefined;
}

/** The config with the numbers that `scale` set in place of the file's. */
export function effectiveConfig({ config, scale = {} }: Pick<DesiredState, 'config' | 'scale'>): ClusterConfig {
  const { workers, datanodes } = scale;
  return {
    ...config,
    spark: { ...config.spark, workers: workers?.value ?? config.spark.workers },
    hdfs: { ...config.hdfs, datanodes: datanodes?.value ?? config.hdfs.datanodes },
  };
}

/** The machines as the planner is to see them: those drained take and keep nothing. */
export function effectiveMachines(machines: readonly Machine[], drained: readonly string[] = []): readonly Machine[] {
  if (drained.length === 0) return machines;
  return machines.map((machine) => (drained.includes(machine.id) ? { ...machine, state: 'drained' } : machine));
}

/** The desired state after a `scale`. */
export function applyScale(desired: DesiredState, request: ScaleRequest): DesiredState {
  const { config, scale = {} } = desired;
  const workers = chooseOverride(scale.workers, request.workers, config.spark.workers);
  const datanodes = chooseOverride(scale.datanodes, request.datanodes, config.hdfs.datanodes);
  return withScale(desired, workers, datanodes);
}

function chooseOverride(
  before: ScaleOverride | undefined,
  asked: number | 'file' | undefined,
  over: 'auto' | number,
): ScaleOverride | undefined {
  if (asked === undefined) return before;
  return asked === 'file' || asked === over ? undefined : { value: asked, over };
}

/**
 * A submitted desired state with what only the scheduler knows: machines drained, and the numbers set by `scale` as far
 * as the file still says what it said then.
 */
export function keepOverrides(before: DesiredState, submitted: DesiredState): DesiredState {
  const { scale = {}, drained } = before;
  const { config } = submitted;
  const workers = scale.workers?.over === config.spark.workers ? scale.workers : undefined;
  const datanodes = scale.datanodes?.over === config.hdfs.datanodes ? scale.datanodes : undefined;
  return { ...withScale(submitted, workers, datanodes), ...(drained === undefined ? {} : { drained }) };
}

function withScale(
  desired: DesiredState,
  workers: ScaleOverride | undefined,
  datanodes: ScaleOverride | undefined,
): DesiredState {
  const { scale: _, ...rest } = desired;
  if (workers === undefined && datanodes === undefined) return rest;
  return { ...rest, scale: { ...(workers && { workers }), ...(datanodes && { datanodes }) } };
}

/**
 * Where the followers stand: as the running services say, and for a DataNode whose service is not there as the last
 * stack says, or as it was before a `down`, since its data waits on that machine.
 */
export function findPlacements(
  state: ClusterState,
  previous: StackSpec | null,
  desired: Pick<DesiredState, 'datanodesAt'>,
  machines: readonly Machine[],
): Placements {
  const observed = state.services.flatMap((service) => {
    const running = service.tasks.find((task) => task.desiredState === 'running' && task.machineId !== null);
    return toPlacement(service.name, service.component, service.machineId ?? running?.machineId ?? null, machines);
  });
  const lastStack = (previous?.services ?? []).flatMap((service) =>
    toPlacement(service.name, service.component, service.machineId, machines),
  );
  const beforeDown = (desired.datanodesAt ?? []).flatMap(({ ordinal, machineName }) => {
    const machine = machines.find(({ name }) => name === machineName);
    return machine === undefined ? [] : [{ component: 'datanode', ordinal, machineId: machine.id, machineName }];
  });
  return {
    workers: observed.filter(({ component }) => component === 'spark-worker').map(placementOf),
    datanodes: firstOfEach(
      [...observed, ...lastStack, ...beforeDown].filter(({ component }) => component === 'datanode').map(placementOf),
    ),
  };
}

interface FoundPlacement extends Placement {
  readonly component: string;
}

function toPlacement(
  name: string,
  component: string,
  machineId: string | null,
  machines: readonly Machine[],
): readonly FoundPlacement[] {
  const ordinal = Number(/-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
  if (machineId === null || !Number.isInteger(ordinal)) return [];
  const machineName = machines.find(({ id }) => id === machineId)?.name ?? machineId;
  return [{ component, ordinal, machineId, machineName }];
}

function placementOf({ ordinal, machineId, machineName }: FoundPlacement): Placement {
  return { ordinal, machineId, machineName };
}

function firstOfEach(placements: readonly Placement[]): readonly Placement[] {
  const seen = new Set<number>();
  return placements.filter(({ ordinal }) => {
    if (seen.has(ordinal)) return false;
    seen.add(ordinal);
    return true;
  });
}
