// What stays where it is: the placements that stand now, as far as their machines are there and may hold them.
import type { Placement } from './cluster-plan.ts';
import { createHeap } from './heap.ts';
import type { Room } from './measure-rooms.ts';

export interface Kept {
  /** By ordinal, each ordinal once. */
  readonly placements: readonly Placement[];
  /** Index of the room of each placement. */
  readonly rooms: readonly number[];
  /** How many are kept in each room. */
  readonly counts: readonly number[];
}

/** Nothing stands yet. */
export function keepNothing(rooms: readonly Room[]): Kept {
  return { placements: [], rooms: [], counts: new Array<number>(rooms.length).fill(0) };
}

/** Keeps at most `most(index)` placements in each room, those of the lowest ordinals. */
export function keepPlacements(
  current: readonly Placement[],
  rooms: readonly Room[],
  most: (index: number) => number,
): Kept {
  const kept = { placements: [] as Placement[], rooms: [] as number[], counts: keepNothing(rooms).counts.slice() };
  const find = createFinder(rooms);
  let lastOrdinal = 0;
  for (const placement of sortByOrdinal(current)) {
    const index = find(placement.machineId);
    const count = kept.counts[index];
    if (count === undefined || count >= most(index) || placement.ordinal <= lastOrdinal) continue;
    lastOrdinal = placement.ordinal;
    kept.placements.push(placement);
    kept.rooms.push(index);
    kept.counts[index] = count + 1;
  }
  return kept;
}

/** One room whose placements may go. */
interface Holder {
  readonly index: number;
  /** Positions in `kept`, ascending. */
  readonly positions: number[];
  top: number;
}

/**
 * Takes `howMany` placements away: each from the room with the most of them, there (and among rooms with equally many)
 * the one of the highest ordinal. Only rooms for which `may` holds give any.
 */
export function takeAway(kept: Kept, howMany: number, may: (index: number) => boolean): Kept {
  if (howMany <= 0) return kept;
  const holders = new Map<number, Holder>();
  for (const [position, index] of kept.rooms.entries()) {
    if (!may(index)) continue;
    const holder = holders.get(index);
    if (holder === undefined) holders.set(index, { index, positions: [position], top: position });
    else {
      holder.positions.push(position);
      holder.top = position;
    }
  }
  const heap = createHeap([...holders.values()], (a, b) =>
    a.positions.length === b.positions.length ? a.top > b.top : a.positions.length > b.positions.length,
  );
  const gone = new Set<number>();
  for (let first = heap.first(); first !== undefined && gone.size < howMany; first = heap.first()) {
    gone.add(first.top);
    first.positions.pop();
    const top = first.positions.at(-1);
    if (top === undefined) heap.removeFirst();
    else {
      first.top = top;
      heap.settle();
    }
  }
  const counts = kept.counts.slice();
  for (const position of gone) {
    const index = kept.rooms[position] ?? 0;
    counts[index] = (counts[index] ?? 0) - 1;
  }
  return {
    placements: kept.placements.filter((_, position) => !gone.has(position)),
    rooms: kept.rooms.filter((_, position) => !gone.has(position)),
    counts,
  };
}

/**
 * Kept placements and as many new ones as `counts` says beyond them, by ordinal, each as `make` gives it. New ones take
 * the lowest ordinals that are neither kept nor `taken`, room by room.
 */
export function assignOrdinals<Made>(
  kept: Kept,
  rooms: readonly Room[],
  counts: readonly number[],
  taken: ReadonlySet<number>,
  make: (ordinal: number, room: Room, standing: Placement | null) => Made,
): readonly Made[] {
  const made: Made[] = [];
  let next = 1;
  let position = 0;
  const putKept = (): void => {
    const standing = kept.placements[position];
    const room = rooms[kept.rooms[position] ?? -1];
    if (standing === undefined || room === undefined) throw new Error('what is kept has its room');
    made.push(make(standing.ordinal, room, standing));
    position += 1;
  };
  for (let index = 0; index < rooms.length; index++) {
    const room = rooms[index];
    for (let missing = (counts[index] ?? 0) - (kept.counts[index] ?? 0); room !== undefined && missing > 0; missing--) {
      for (;;) {
        if (kept.placements[position]?.ordinal === next) putKept();
        else if (!taken.has(next)) break;
        next += 1;
      }
      made.push(make(next, room, null));
      next += 1;
    }
  }
  while (position < kept.placements.length) putKept();
  return made;
}

/** Halvings of the range in which a fill level is looked for: finer than any two levels of machines lie apart. */
const levelSteps = 40;

/**
 * Adds up to `howMany` to `counts` and returns the sums: each to the room that is least full, `counts / most`; among
 * rooms equally full to the first by name. `most` is how many the room could hold in all.
 *
 * The same as one after another, but a level is found for all of them: what is surely below it comes in one go.
 */
export function addEvenly(counts: readonly number[], most: readonly number[], howMany: number): readonly number[] {
  const sums = counts.slice();
  let missing = howMany;
  let low = 0;
  let high = 1;
  for (let step = 0; step < levelSteps && missing > 0; step++) {
    const level = (low + high) / 2;
    if (countBelow(counts, most, level) <= howMany) low = level;
    else high = level;
  }
  for (let index = 0; index < sums.length && low > 0; index++) {
    const have = counts[index] ?? 0;
    const added = Math.max(0, Math.ceil(low * (most[index] ?? 0)) - have);
    sums[index] = have + added;
    missing -= added;
  }
  while (missing > 0) {
    const least = findLeastFull(sums, most);
    if (least === -1) break;
    const [have, limit] = [sums[least] ?? 0, most[least] ?? 0];
    for (let index = least; index < sums.length && missing > 0; index++) {
      const [other, otherLimit] = [sums[index] ?? 0, most[index] ?? 0];
      if (other >= otherLimit || other * limit !== have * otherLimit) continue;
      sums[index] = other + 1;
      missing -= 1;
    }
  }
  return sums;
}

/** How many would be added if all rooms were filled up to `level`, a part of what they could hold. */
function countBelow(counts: readonly number[], most: readonly number[], level: number): number {
  let total = 0;
  for (let index = 0; index < counts.length; index++) {
    total += Math.max(0, Math.ceil(level * (most[index] ?? 0)) - (counts[index] ?? 0));
  }
  return total;
}

/** Index of the first of the rooms that are least full, -1 where all are full. */
function findLeastFull(counts: readonly number[], most: readonly number[]): number {
  let least = -1;
  for (let index = 0; index < counts.length; index++) {
    const [have, limit] = [counts[index] ?? 0, most[index] ?? 0];
    if (have < limit && (least === -1 || have * (most[least] ?? 0) < (counts[least] ?? 0) * limit)) least = index;
  }
  return least;
}

/** The sum of all counts. */
export function sum(counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

function sortByOrdinal(current: readonly Placement[]): readonly Placement[] {
  const sorted = current.every((placement, index) => (current[index - 1]?.ordinal ?? 0) <= placement.ordinal);
  if (sorted) return current;
  return current.toSorted((a, b) => a.ordinal - b.ordinal || (a.machineId < b.machineId ? -1 : 1));
}

/** Index of the room of a machine, -1 where there is none. Placements mostly come in the order of the rooms. */
function createFinder(rooms: readonly Room[]): (machineId: string) => number {
  let known: Map<string, number> | null = null;
  let cursor = 0;
  return (machineId) => {
    if (rooms[cursor]?.machine.id === machineId) return cursor;
    if (rooms[cursor + 1]?.machine.id === machineId) {
      cursor += 1;
      return cursor;
    }
    known ??= new Map(rooms.map(({ machine }, index) => [machine.id, index]));
    return known.get(machineId) ?? -1;
  };
}
