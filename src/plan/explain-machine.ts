// Why no more workers stand on a machine, in one sentence.
import type { WorkerShape } from '../config/cluster-config.ts';
import { formatMiB } from '../units.ts';
import type { LimitedBy, Machine, MachinePlan } from './cluster-plan.ts';

interface Situation {
  readonly machine: Machine;
  readonly workers: number;
  readonly datanodes: number;
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
 * A machine that is away or drained says what becomes of what stood there.
 */
export function explainMachine(situation: Situation): Explanation {
  const { machine, workers, left, shape, requested } = situation;
  const { cores } = machine;
  if (machine.state === 'away') return { limitedBy: 'away', explanation: explainAway(situation.datanodes) };
  if (machine.state === 'drained') return { limitedBy: 'drained', explanation: explainDrained(machine) };
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

/** What is said of a machine without storage. */
export const computeOnly = 'compute only, no DataNodes';

/** `1 core`, `4 cores`. */
export function describeCores(cores: number): string {
  return `${cores} core${cores === 1 ? '' : 's'}`;
}

function explainAway(datanodes: number): string {
  if (datanodes === 0) return 'away: its workers are planned elsewhere';
  const waiting = datanodes === 1 ? 'its DataNode waits' : `its ${datanodes} DataNodes wait`;
  return `away: ${waiting} for it, its workers are planned elsewhere`;
}

function explainDrained({ conductor }: Machine): string {
  if (conductor) return 'drained: the conductor stays, everything else is planned elsewhere';
  return 'drained: takes nothing, what stood there is planned elsewhere';
}
