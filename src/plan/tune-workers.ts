// `tune`: every shape that `worker: auto` chooses from, what each makes of these machines, and why it is not the best.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import { chooseBest, leastWorkerMiB, listWorkerShapes, mostWorkerCores } from './choose-worker-shape.ts';
import type { ClusterPlan, Machine } from './cluster-plan.ts';
import { describeCores } from './explain-machine.ts';
import { planCluster } from './plan-cluster.ts';

/** A shape on these machines. */
export interface TunedShape extends WorkerShape {
  /** Null where the shape cannot be planned at all. */
  readonly heapMiB: number | null;
  /** On each machine, in the order of `machines`. */
  readonly workers: readonly number[];
  readonly totalWorkers: number;
  readonly coresUsed: number;
  /** Left on all machines together. */
  readonly memoryLeftMiB: number;
  /** Why it is not the best one; null for the best. */
  readonly whyNot: string | null;
}

export interface Tuning {
  readonly machines: readonly Pick<Machine, 'name' | 'state' | 'cores' | 'memoryMiB'>[];
  /** Of the machines that count. */
  readonly totalCores: number;
  /** By cores; those too large for the weakest machine last, with nothing placed. */
  readonly candidates: readonly TunedShape[];
  readonly best: TunedShape;
}

/**
 * Plans each candidate of `worker: auto`, whatever worker the file names. Machines that are away count as if they were
 * back, drained ones don't count.
 *
 * @throws SparkPlugError NO_ROOM when no machine can hold a worker.
 */
export function tuneWorkers(config: ClusterConfig, machines: readonly Machine[]): Tuning {
  const auto: ClusterConfig = { ...config, spark: { ...config.spark, worker: 'auto' } };
  const candidates = listWorkerShapes(auto, machines);
  const { shape } = chooseBest(candidates);
  const best = { ...tryShape(config, machines, shape), whyNot: null };
  const weighed = candidates.map((candidate) =>
    candidate.shape === shape ? best : weighShape(config, machines, candidate.shape, best),
  );
  return {
    machines: planOf(config, machines, shape).machines.map(({ name, state, cores, memoryMiB }) => ({
      name,
      state,
      cores,
      memoryMiB,
    })),
    totalCores: machines.reduce((sum, { state, cores }) => sum + (state === 'drained' ? 0 : cores), 0),
    candidates: [...weighed, ...listTooLarge(config, machines, candidates.length, best)],
    best,
  };
}

/** One shape against the best: the file's own, for example. */
export function weighShape(
  config: ClusterConfig,
  machines: readonly Machine[],
  shape: WorkerShape,
  best: WorkerShape & Pick<TunedShape, 'coresUsed'>,
): TunedShape {
  const tried = tryShape(config, machines, shape);
  if (tried.whyNot !== null || isSame(shape, best)) return tried;
  const [cores, bestCores] = [shape.executors * shape.cores, best.executors * best.cores];
  if (tried.coresUsed < best.coresUsed) {
    return { ...tried, whyNot: `${describeCores(best.coresUsed - tried.coresUsed)} fewer in use` };
  }
  if (tried.coresUsed > best.coresUsed) {
    return { ...tried, whyNot: 'more cores in use, but it does not fit every machine or has too little memory a core' };
  }
  if (cores < bestCores) return { ...tried, whyNot: 'as many cores in smaller, more numerous executors' };
  return { ...tried, whyNot: 'as many cores in use' };
}

/** True for equal shapes. */
export function isSame(a: WorkerShape, b: WorkerShape): boolean {
  return a.executors === b.executors && a.cores === b.cores && a.memoryMiB === b.memoryMiB;
}

function planOf(config: ClusterConfig, machines: readonly Machine[], worker: WorkerShape): ClusterPlan {
  const back = machines.map(
    (machine): Machine => (machine.state === 'away' ? { ...machine, state: 'ready' } : machine),
  );
  return planCluster({ ...config, spark: { ...config.spark, worker } }, back);
}

function tryShape(config: ClusterConfig, machines: readonly Machine[], shape: WorkerShape): TunedShape {
  const { executors, cores, memoryMiB } = shape;
  const nothing = { executors, cores, memoryMiB, heapMiB: null, workers: machines.map(() => 0) };
  try {
    const plan = planOf(config, machines, shape);
    return {
      ...nothing,
      heapMiB: plan.worker.heapMiB,
      workers: plan.machines.map(({ workers }) => workers),
      totalWorkers: plan.totalWorkers,
      coresUsed: plan.totalWorkers * executors * cores,
      memoryLeftMiB: plan.machines.reduce((sum, { left }) => sum + left.memoryMiB, 0),
      whyNot: null,
    };
  } catch (error) {
    const isRefused = error instanceof SparkPlugError && ['NO_ROOM', 'CONFIG_INVALID'].includes(error.code);
    if (!isRefused) throw error;
    return { ...nothing, totalWorkers: 0, coresUsed: 0, memoryLeftMiB: 0, whyNot: error.message };
  }
}

/** Numbers of cores that the weakest machine rules out, with the machine that does. */
function listTooLarge(
  config: ClusterConfig,
  machines: readonly Machine[],
  candidates: number,
  best: WorkerShape,
): readonly TunedShape[] {
  const holding = planOf(config, machines, best).machines.filter(({ workers }) => workers > 0);
  const tooLarge: TunedShape[] = [];
  for (let cores = candidates + 1; cores <= mostWorkerCores; cores++) {
    const memoryMiB = leastWorkerMiB(cores);
    const few = holding.find((machine) => machine.cores < cores);
    const whyNot =
      few === undefined
        ? `not every machine has the ${formatMiB(memoryMiB)} that it needs at least`
        : `does not fit ${few.name}, which has ${describeCores(few.cores)}`;
    const placed = { workers: machines.map(() => 0), totalWorkers: 0, coresUsed: 0, memoryLeftMiB: 0 };
    tooLarge.push({ executors: 1, cores, memoryMiB, heapMiB: null, ...placed, whyNot });
  }
  return tooLarge;
}
