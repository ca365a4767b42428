// Whether the history server stands: a comfort, so it comes only where workers hardly notice.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import type { HistoryPlan, Machine } from './cluster-plan.ts';
import { countFitting, freeBeside, type Ground, type Measure, measureRooms, type Room } from './measure-rooms.ts';

/** It takes at most this part of what workers would have on the conductor machine. */
const smallestShare = 8;

const insist = 'set `spark: { history: true }` to have it all the same';

/**
 * `spark.history`: true and false are obeyed. `auto`: where it takes at most an eighth of the workers' memory on the
 * conductor machine (counted as if no other project were there) and costs no worker of `shape` there, with or without
 * other projects.
 *
 * Counted as if the conductor machine, with one DataNode where it may hold any, were the whole cluster and (since a second machine would
 * change that) both shared with a user and not: so no machine that comes or goes changes the answer, but the second, which
 * brings the registry: the history server may have to make room for it.
 *
 * @param shape of a worker, null while it is still to be chosen
 */
export function decideHistory(
  config: ClusterConfig,
  machines: readonly Machine[],
  shape: WorkerShape | null,
): HistoryPlan {
  const wanted = config.spark.history ?? 'auto';
  if (wanted === true) return { planned: true, explanation: 'stands, as `spark.history` asks' };
  if (wanted === false) return { planned: false, explanation: 'left out, as `spark.history` asks' };
  const conductor = machines.find((machine) => machine.conductor);
  if (conductor === undefined) throw new Error('0 conductor machines instead of one');
  const workerMiB = shape?.memoryMiB ?? null;
  const empty = { ...conductor, othersMemoryMiB: 0 };
  const ground = measureAlone(config, { ...empty, shared: true }, { workerMiB, history: false });
  const leftMiB = ground === null ? 0 : leftForWorkers(ground);
  // On a machine without room for the conductor its size is of no interest.
  const neededMiB = ground?.sizing.history.reservationMiB ?? 0;
  if (ground === null || leftMiB < smallestShare * neededMiB) {
    const left = `it needs ${formatMiB(neededMiB)}, more than an eighth of the ${formatMiB(leftMiB)} for workers`;
    return { planned: false, explanation: `left out: ${left}; ${insist}` };
  }
  const cases = [empty, conductor].flatMap((machine) => [true, false].map((shared) => ({ ...machine, shared })));
  const registry = machines.length > 1;
  if (shape !== null && cases.some((machine) => costsWorker(config, machine, shape, registry))) {
    return { planned: false, explanation: `left out: it would take the place of a worker; ${insist}` };
  }
  return { planned: true, explanation: `stands: memory allows its ${formatMiB(neededMiB)}` };
}

/** What is said where the answer was yes, but others have taken the memory meanwhile. */
export const historyCrowdedOut: HistoryPlan = {
  planned: false,
  explanation: `left out: no memory is left for it; ${insist}`,
};

function costsWorker(config: ClusterConfig, machine: Machine, shape: WorkerShape, registry: boolean): boolean {
  const [without, beside] = [false, true].map((history) => {
    const ground = measureAlone(config, machine, { workerMiB: shape.memoryMiB, history, registry });
    const most = ground === null ? 0 : countFitting(onlyRoom(ground), countDatanodes(machine), shape);
    return config.spark.workers === 'auto' ? most : Math.min(most, config.spark.workers);
  });
  return (beside ?? 0) < (without ?? 0);
}

/** Null where the conductor does not fit. */
function measureAlone(config: ClusterConfig, machine: Machine, measure: Omit<Measure, 'datanodes'>): Ground | null {
  const oneDatanode: ClusterConfig = { ...config, hdfs: { ...config.hdfs, datanodes: 'auto' } };
  try {
    return measureRooms(oneDatanode, [machine], { ...measure, datanodes: 1 });
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'NO_ROOM') return null;
    throw error;
  }
}

function leftForWorkers(ground: Ground): number {
  const room = onlyRoom(ground);
  return freeBeside(room, countDatanodes(room.machine));
}

/** That it is counted with: one, where it may hold any. */
function countDatanodes({ storage }: Machine): number {
  return storage ? 1 : 0;
}

function onlyRoom({ rooms, conductor }: Ground): Room {
  const room = rooms[conductor];
  if (room === undefined) throw new Error('the conductor machine has its room');
  return room;
}
