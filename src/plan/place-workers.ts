// Where workers stand: everywhere until nothing more fits, or as many as the file says; those that are there stay.
import type { WorkerShape } from '../config/cluster-config.ts';
import type { Placement } from './cluster-plan.ts';
import { addEvenly, assignOrdinals, keepPlacements, sum, takeAway } from './keep-placements.ts';
import { countFitting, freeBeside, type Room } from './measure-rooms.ts';
import { noRoomForOneWorker, noRoomForWorkers } from './refuse-workers.ts';

export interface PlacedWorkers {
  readonly placements: readonly Placement[];
  /** How many stand in each room. */
  readonly counts: readonly number[];
  /** Asked for by number and without room while a machine is away. */
  readonly missing: number;
}

export interface WorkerOrder {
  readonly rooms: readonly Room[];
  /** DataNodes in each room. */
  readonly datanodes: readonly number[];
  /** `spark.workers` of the file. */
  readonly wanted: 'auto' | number;
  readonly shape: WorkerShape;
  readonly current: readonly Placement[];
}

/**
 * Those that stand stay where they are as far as the machine is ready and they fit. `auto` fills every machine; a number
 * adds what is missing on the machines that are least full, and takes what is too many from the machines with the most
 * workers, there the highest ordinal first. New ones take the lowest free ordinals.
 *
 * A number that fits only with the machines that are away is planned as far as it fits now: a machine that fails must
 * not keep the rest of the cluster from being planned.
 *
 * @throws SparkPlugError NO_ROOM where not one worker fits, or fewer than the number asked for
 */
export function placeWorkers(order: WorkerOrder): PlacedWorkers {
  const { rooms, wanted, current } = order;
  const most = countMost(order, (room) => room.machine.state === 'ready');
  const fit = sum(most);
  const target = wanted === 'auto' ? fit : Math.min(wanted, fit);
  if (fit === 0 || (wanted !== 'auto' && wanted > fit)) refuse(order, most, fit);
  const standing = keepPlacements(current, rooms, (index) => most[index] ?? 0);
  const kept = takeAway(standing, standing.placements.length - target, () => true);
  const counts = target === fit ? most : addEvenly(kept.counts, most, target - kept.placements.length);
  const placements =
    kept.placements.length === target ? kept.placements : assignOrdinals(kept, rooms, counts, new Set(), makePlacement);
  return { placements, counts, missing: wanted === 'auto' ? 0 : wanted - target };
}

function makePlacement(ordinal: number, { machine }: Room, standing: Placement | null): Placement {
  return standing ?? { ordinal, machineId: machine.id, machineName: machine.name };
}

function countMost({ rooms, datanodes, shape }: WorkerOrder, counts: (room: Room) => boolean): readonly number[] {
  return rooms.map((room, index) => (counts(room) ? countFitting(room, datanodes[index] ?? 0, shape) : 0));
}

/** Throws, unless the machines that are away would have the room that is missing. */
function refuse(order: WorkerOrder, most: readonly number[], fit: number): void {
  const { rooms, wanted, shape } = order;
  const later = sum(countMost(order, ({ machine }) => machine.state !== 'drained'));
  if (later > 0 && (wanted === 'auto' || wanted <= later)) return;
  if (fit === 0) throw noRoomForOneWorker(rooms, order.datanodes, shape);
  if (wanted !== 'auto') throw noRoomForWorkers(order, most, wanted, findScarce(order));
}

/** The resource with which fewer workers fit over all machines. */
function findScarce({ rooms, datanodes, shape }: WorkerOrder): 'cores' | 'memory' {
  let byCores = 0;
  let byMemory = 0;
  for (const [index, room] of rooms.entries()) {
    if (room.machine.state !== 'ready') continue;
    byCores += Math.floor(room.machine.cores / (shape.executors * shape.cores));
    byMemory += Math.floor(freeBeside(room, datanodes[index] ?? 0) / shape.memoryMiB);
  }
  return byCores <= byMemory ? 'cores' : 'memory';
}
