// What the desired state comes to once `scale` and `drain` are counted in; pure.
import type { ClusterConfig } from '../config/cluster-config.ts';
import type { ClusterState } from '../engine/cluster-state.ts';
import { readPlacements } from '../engine/current-placements.ts';
import type { CurrentPlacements, Machine, Placement } from '../plan/cluster-plan.ts';
import type { DesiredState, ScaleOverride } from '../stack/desired-state.ts';
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';

/** A DataNode of a cluster that was stopped: its data waits on that machine. */
export interface StoredDatanode {
  readonly ordinal: number;
  readonly machineName: string;
}

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

/** The numbers that `scale` set, a sentence each. */
export function describeOverrides({ scale = {} }: Pick<DesiredState, 'scale'>): readonly string[] {
  return (['workers', 'datanodes'] as const).flatMap((name) => {
    const override = scale[name];
    return override === undefined ? [] : [`${name}=${override.value} by scale (the file says ${override.over})`];
  });
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
  beforeDown: readonly StoredDatanode[],
  machines: readonly Machine[],
): CurrentPlacements {
  const standing = readPlacements(state, machines);
  const lastStack = (previous?.services ?? []).flatMap((service) => readLast(service, machines));
  if (state.services.some(({ component }) => component === 'datanode')) {
    return { ...standing, datanodes: firstOfEach([...standing.datanodes, ...lastStack]) };
  }
  const stored = beforeDown.flatMap(({ ordinal, machineName }) => {
    const machine = machines.find(({ name }) => name === machineName);
    return machine === undefined ? [] : [{ ordinal, machineId: machine.id, machineName }];
  });
  return { ...standing, datanodes: firstOfEach([...lastStack, ...stored]) };
}

function readLast({ component, ordinal, machineId }: ServiceSpec, machines: readonly Machine[]): readonly Placement[] {
  if (component !== 'datanode' || ordinal === null || machineId === null) return [];
  return [{ ordinal, machineId, machineName: machines.find(({ id }) => id === machineId)?.name ?? machineId }];
}

function firstOfEach(placements: readonly Placement[]): readonly Placement[] {
  const seen = new Set<number>();
  return placements.filter(({ ordinal }) => {
    if (seen.has(ordinal)) return false;
    seen.add(ordinal);
    return true;
  });
}
