// Why no more workers stand on a machine, in one sentence.
import type { WorkerShape } from '../config/cluster-config.ts';
import { formatMiB } from '../units.ts';
import type { LimitedBy, MachinePlan } from './cluster-plan.ts';
import { describeCores } from './refuse-workers.ts';

interface Situation {
  readonly cores: number;
  readonly workers: number;
  readonly left: MachinePlan['left'];
  readonly shape: WorkerShape;
  /** `spark.workers` of the file. */
  readonly requested: 'auto' | number;
}

interface Explanation {
  readonly limitedBy: LimitedBy;
  readonly explanation: string;
}

/**
 * What ran out first on a machine; cores are named where both did. `requested`: nothing did, the file wants no more.
 */
export function explainMachine({ cores, workers, left, shape, requested }: Situation): Explanation {
  const coresPerWorker = shape.executors * shape.cores;
  const moreByCores = Math.floor(left.cores / coresPerWorker);
  const moreByMemory = Math.floor(left.memoryMiB / shape.memoryMiB);
  const more = Math.min(moreByCores, moreByMemory);
  const memoryLeft = `${formatMiB(left.memoryMiB)} left`;
  if (more > 0) {
    return { limitedBy: 'requested', explanation: `room for ${more} more, ${requested} requested in all` };
  }
  if (left.cores === 0 && moreByCores <= moreByMemory) {
    return {
      limitedBy: 'cores',
      explanation: `${cores === 1 ? 'its core is' : `all ${cores} cores are`} in use; ${memoryLeft}`,
    };
  }
  const without = workers === 0 ? 'no room for a worker: ' : '';
  if (moreByCores <= moreByMemory) {
    const needs = `${describeCores(left.cores)} left, one worker needs ${coresPerWorker}`;
    return { limitedBy: 'cores', explanation: `${without}${needs}; cores ran out first` };
  }
  const needs = `${memoryLeft}, one worker needs ${formatMiB(shape.memoryMiB)}`;
  return { limitedBy: 'memory', explanation: `${without}${needs}; memory ran out first` };
}
