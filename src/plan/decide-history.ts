// Whether the history server stands: a comfort, so it comes only where workers hardly notice.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import type { HistoryPlan, Machine } from './cluster-plan.ts';
import { measureRooms, type Room } from './measure-rooms.ts';

/** It takes at most this part of what workers would have on the conductor machine. */
const smallestShare = 8;

/**
 * `spark.history`: true and false are obeyed. `auto`: where it takes at most an eighth of the workers' memory on the
 * conductor machine (counted as if no other project were there, so that one that comes or goes changes nothing) and
 * costs no worker of `shape`.
 *
 * @param shape of a worker, null while it is still to be chosen
 * @throws SparkPlugError NO_ROOM when conductor or DataNodes don't fit even without it
 */
export function decideHistory(
  config: ClusterConfig,
  machines: readonly Machine[],
  shape: WorkerShape | null,
): HistoryPlan {
  const wanted = config.spark.history ?? 'auto';
  if (wanted === true) return { planned: true, explanation: 'stands, as `spark.history` asks' };
  if (wanted === false) return { planned: false, explanation: 'left out, as `spark.history` asks' };
  const workerMiB = shape?.memoryMiB ?? null;
  const { rooms, sizing } = measureRooms(config, machines, workerMiB, false);
  const neededMiB = sizing.history.reservationMiB;
  const leftMiB = leftForWorkers(config, machines, workerMiB);
  const insist = 'set `spark: { history: true }` to have it all the same';
  if (leftMiB < smallestShare * neededMiB) {
    const left = `it needs ${formatMiB(neededMiB)}, more than an eighth of the ${formatMiB(leftMiB)} for workers`;
    return { planned: false, explanation: `left out: ${left}; ${insist}` };
  }
  if (
    shape !== null &&
    countFitting(config, roomsWith(config, machines, shape), shape) < countFitting(config, rooms, shape)
  ) {
    return { planned: false, explanation: `left out: it would take the place of a worker; ${insist}` };
  }
  return { planned: true, explanation: `stands: memory allows its ${formatMiB(neededMiB)}` };
}

function leftForWorkers(config: ClusterConfig, machines: readonly Machine[], workerMiB: number | null): number {
  const alone = machines.map((machine) => ({ ...machine, othersMemoryMiB: 0 }));
  const { rooms } = measureRooms(config, alone, workerMiB, false);
  return rooms.find(({ machine }) => machine.conductor)?.freeMiB ?? 0;
}

/** None where conductor and DataNodes fit only without it. */
function roomsWith(config: ClusterConfig, machines: readonly Machine[], shape: WorkerShape): readonly Room[] {
  try {
    return measureRooms(config, machines, shape.memoryMiB, true).rooms;
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'NO_ROOM') return [];
    throw error;
  }
}

function countFitting(config: ClusterConfig, rooms: readonly Room[], shape: WorkerShape): number {
  const cores = shape.executors * shape.cores;
  const most = rooms.reduce((sum, { machine, freeMiB }) => {
    return sum + Math.min(Math.floor(machine.cores / cores), Math.floor(freeMiB / shape.memoryMiB));
  }, 0);
  return config.spark.workers === 'auto' ? most : Math.min(most, config.spark.workers);
}
