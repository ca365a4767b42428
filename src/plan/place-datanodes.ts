// Where DataNodes stand: one on each machine, or as many as the file says; those that are there stay.
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import type { DatanodePlacement, Placement } from './cluster-plan.ts';
import { computeOnly } from './explain-machine.ts';
import { addEvenly, assignOrdinals, type Kept, keepNothing, keepPlacements, sum, takeAway } from './keep-placements.ts';
import { freeBeside, type Room, roomHint } from './measure-rooms.ts';
import { listMachines } from './refuse-workers.ts';

export interface PlacedDatanodes {
  readonly placements: readonly DatanodePlacement[];
  /** How many stand in each room. */
  readonly counts: readonly number[];
}

interface DatanodeOrder {
  readonly rooms: readonly Room[];
  /** `hdfs.datanodes` of the file. */
  readonly wanted: 'auto' | number;
  readonly current: readonly Placement[];
  /** Memory of the workers that stand in a room now: it is taken last. */
  readonly workersMiB: (index: number) => number;
}

/**
 * Those that stand stay, as far as their machine is ready and they fit, or it is away: its blocks may come back with
 * it. `auto` adds one on each ready machine that has none; a number adds what is missing on the machines that hold the
 * fewest for their room, first where no worker must go for it. A machine without storage holds none.
 *
 * A lower number names who goes: from machines that hold several first, then the highest ordinal; none that is away
 * while two that are ready stand, since a ready one can hand its blocks over and no cluster can be without one.
 *
 * A new DataNode never takes the ordinal of one that stands, not even of one that goes: its volume and its blocks are
 * bound to that name on that machine.
 *
 * @throws SparkPlugError NO_ROOM
 */
export function placeDatanodes(order: DatanodeOrder): PlacedDatanodes {
  const { rooms, wanted, current } = order;
  const most = countMost(rooms);
  const standing = keepPlacements(current, rooms, (index) =>
    rooms[index]?.machine.state === 'away' ? Number.POSITIVE_INFINITY : (most[index] ?? 0),
  );
  const kept = wanted === 'auto' ? standing : takeSurplus(standing, rooms, wanted);
  const counts = countAll(order, kept, most);
  const placements = assignOrdinals(kept, rooms, counts, listGoing(current, kept), makeDatanode);
  return { placements, counts };
}

function makeDatanode(ordinal: number, { machine, datanode }: Room): DatanodePlacement {
  return { ordinal, machineId: machine.id, machineName: machine.name, sizing: datanode };
}

/** Ordinals of those that stand and don't stay. */
function listGoing(current: readonly Placement[], kept: Kept): ReadonlySet<number> {
  if (current.length === kept.placements.length) return new Set();
  const stays = new Set(kept.placements.map(({ ordinal }) => ordinal));
  return new Set(current.map(({ ordinal }) => ordinal).filter((ordinal) => !stays.has(ordinal)));
}

/** How many stand in each room of a cluster that is not there yet. Throws NO_ROOM. */
export function countFreshDatanodes(rooms: readonly Room[], wanted: 'auto' | number): readonly number[] {
  return countAll({ rooms, wanted, current: [], workersMiB: () => 0 }, keepNothing(rooms), countMost(rooms));
}

/** What a room could hold if nothing but the conductor stood there; none where it takes nothing. */
function countMost(rooms: readonly Room[]): readonly number[] {
  return rooms.map((room) =>
    takesDatanodes(room) ? Math.floor(freeBeside(room, 0) / room.datanode.reservationMiB) : 0,
  );
}

function takesDatanodes({ machine }: Room): boolean {
  return machine.state === 'ready' && machine.storage;
}

function takeSurplus(kept: Kept, rooms: readonly Room[], wanted: number): Kept {
  const surplus = kept.placements.length - wanted;
  if (surplus <= 0) return kept;
  const isAway = (index: number): boolean => rooms[index]?.machine.state === 'away';
  const ready = kept.rooms.filter((index) => !isAway(index)).length;
  const fromReady = Math.min(surplus, Math.max(0, ready - 1));
  const rest = takeAway(kept, fromReady, (index) => !isAway(index));
  return takeAway(rest, surplus - fromReady, isAway);
}

function countAll(order: DatanodeOrder, kept: Kept, most: readonly number[]): readonly number[] {
  const { rooms, wanted } = order;
  if (wanted === 'auto') {
    const counts = kept.counts.map((count, index) => (count === 0 && (most[index] ?? 0) > 0 ? 1 : count));
    if (sum(counts) === 0) throw noRoomForDatanodes(rooms, counts, wanted);
    return counts;
  }
  const beside = most.map((limit, index) => {
    const room = rooms[index];
    if (room === undefined || limit === 0) return 0;
    const freeMiB = freeBeside(room, 0) - order.workersMiB(index);
    return Math.max(0, Math.floor(freeMiB / room.datanode.reservationMiB));
  });
  const spared = addEvenly(kept.counts, beside, wanted - sum(kept.counts));
  const counts = addEvenly(spared, most, wanted - sum(spared));
  if (sum(counts) < wanted) throw noRoomForDatanodes(rooms, counts, wanted);
  return counts;
}

function noRoomForDatanodes(
  rooms: readonly Room[],
  counts: readonly number[],
  wanted: 'auto' | number,
): SparkPlugError {
  if (!rooms.some(({ machine }) => machine.storage && machine.state !== 'drained')) throw nowhereToStore(rooms, wanted);
  const placed = sum(counts);
  const left = rooms.map((room, index) => freeBeside(room, counts[index] ?? 0));
  const able = rooms.flatMap((room, index) => (takesDatanodes(room) ? [index] : []));
  const roomiest = able.toSorted((a, b) => (left[b] ?? 0) - (left[a] ?? 0))[0] ?? 0;
  const needMiB = rooms[roomiest]?.datanode.reservationMiB ?? 0;
  const asked =
    wanted === 'auto' ? 'No machine has room for a DataNode' : `${wanted} DataNodes asked for, ${placed} fit`;
  return new SparkPlugError(
    'NO_ROOM',
    `${asked}: one needs ${formatMiB(needMiB)}, the most that is left on a machine is ${formatMiB(left[roomiest] ?? 0)}.`,
    {
      place: 'hdfs.datanodes',
      met: String(wanted),
      hint: wanted === 'auto' ? roomHint : `Ask for at most ${placed}. ${roomHint}`,
      problems: listMachines(rooms, ({ machine, datanode }, index) => {
        if (!machine.storage) return computeOnly;
        const holds = (counts[index] ?? 0) > 0 ? `holds ${counts[index]}; ` : '';
        return `${holds}${formatMiB(left[index] ?? 0)} left, one more needs ${formatMiB(datanode.reservationMiB)}`;
      }),
    },
  );
}

function nowhereToStore(rooms: readonly Room[], wanted: 'auto' | number): SparkPlugError {
  return new SparkPlugError('NO_ROOM', 'No machine may hold a DataNode: each is compute only or drained.', {
    place: 'hdfs.datanodes',
    met: String(wanted),
    hint: 'Add a machine that stays, or take `sparkplug.storage=none` out of the `labels` in /etc/docker/daemon.json on one, and restart its engine.',
    problems: listMachines(rooms, () => computeOnly),
  });
}
