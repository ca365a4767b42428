// A machine as a drawing to scale: width is cores, height is memory, and inside it every container with its share.
// A worker is as high as its memory and marks its own columns of cores, so that workers rise like stairs: where the
// stairs end, one sees what ran out first. Containers without cores of their own share a block by area.
import type { ContainerView, MachineView } from './api-types.ts';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Scale {
  readonly pxPerCore: number;
  readonly pxPerMiB: number;
}

export interface ContainerBox {
  readonly container: ContainerView;
  readonly rect: Rect;
  /** Its columns of cores; null for one that shares what is left. */
  readonly cores: Rect | null;
}

export interface MachineLayout {
  readonly width: number;
  readonly height: number;
  /** From the top, where nothing is placed; height 0 when full. */
  readonly free: Rect;
  /** At the bottom: left alone. */
  readonly reserved: Rect;
  readonly boxes: readonly ContainerBox[];
  readonly coresTaken: number;
  readonly memoryTakenMiB: number;
}

/** Room in pixels that the drawing of all machines may take. */
export interface DrawingRoom {
  readonly width: number;
  readonly gap: number;
}

const tallest = 560;
const tall = 320;
const low = 150;
const narrowest = 132;

/** One scale for all machines: side by side where they fit, and none too flat to read as long as that is possible. */
export function chooseScale(machines: readonly MachineView[], room: DrawingRoom): Scale {
  const cores = machines.map((machine) => Math.max(machine.cores, 1));
  const memories = machines.map((machine) => Math.max(machine.memoryMiB, 1));
  const inOneRow = (room.width - room.gap * (machines.length - 1)) / sum(cores);
  const readable = narrowest / Math.min(...cores);
  return {
    pxPerCore: Math.min(room.width / Math.max(...cores), Math.max(inOneRow, readable)),
    pxPerMiB: Math.min(
      tallest / Math.max(...memories),
      Math.max(tall / Math.max(...memories), low / Math.min(...memories)),
    ),
  };
}

export function layoutMachine(machine: MachineView, { pxPerCore, pxPerMiB }: Scale): MachineLayout {
  const width = machine.cores * pxPerCore;
  const height = machine.memoryMiB * pxPerMiB;
  const workers = machine.containers.filter(({ cores }) => cores > 0);
  const sharing = machine.containers.filter(({ cores }) => cores === 0);
  const memoryTakenMiB = sum(machine.containers.map(({ memoryMiB }) => memoryMiB));
  const claimed = memoryTakenMiB + machine.reservedMiB;
  // More promised than there is, as on a machine that lost memory: all of it shrinks to fit the frame.
  const shrink = claimed > machine.memoryMiB ? machine.memoryMiB / claimed : 1;
  const toPx = (memoryMiB: number): number => memoryMiB * pxPerMiB * shrink;

  const boxes: ContainerBox[] = [];
  let bottom = height;
  const rise = (memoryMiB: number): Rect => {
    const slab = { x: 0, y: bottom - toPx(memoryMiB), width, height: toPx(memoryMiB) };
    bottom = slab.y;
    return slab;
  };
  const reserved = rise(machine.reservedMiB);
  const shared = rise(sum(sharing.map(({ memoryMiB }) => memoryMiB)));
  const largestFirst = [...sharing].sort((a, b) => b.memoryMiB - a.memoryMiB);
  const cells = squarify(
    largestFirst.map(({ memoryMiB }) => memoryMiB),
    shared,
  );
  for (const [index, rect] of cells.entries()) {
    const container = largestFirst[index];
    if (container !== undefined) boxes.push({ container, rect, cores: null });
  }
  let column = 0;
  for (const container of workers) {
    const rect = rise(container.memoryMiB);
    const x = Math.min(column * pxPerCore, width);
    const wide = Math.min(container.cores * pxPerCore, width - x);
    boxes.push({ container, rect, cores: { ...rect, x, width: wide } });
    column += container.cores;
  }
  const free = { x: 0, y: 0, width, height: Math.max(0, bottom) };
  return { width, height, free, reserved, boxes, coresTaken: column, memoryTakenMiB };
}

/**
 * Cells with areas in the ratio of the values (largest first) that fill the frame, each as near to a square as may be.
 * Bruls, Huizing, van Wijk: Squarified Treemaps, 2000.
 */
export function squarify(values: readonly number[], frame: Rect): readonly Rect[] {
  const total = sum(values);
  if (total <= 0) return values.map(() => ({ ...frame, width: 0, height: 0 }));
  const factor = (frame.width * frame.height) / total;
  const areas = values.map((value) => value * factor);
  const cells: Rect[] = [];
  let left = frame;
  let row: number[] = [];
  for (const area of areas) {
    const side = Math.min(left.width, left.height);
    if (row.length > 0 && worstRatio([...row, area], side) > worstRatio(row, side)) {
      left = placeRow(row, left, cells);
      row = [];
    }
    row.push(area);
  }
  if (row.length > 0) placeRow(row, left, cells);
  return cells;
}

/** Places a row along the shorter side and returns the room beyond it. */
function placeRow(row: readonly number[], left: Rect, cells: Rect[]): Rect {
  const area = sum(row);
  const upright = left.width >= left.height;
  const thickness = area / (upright ? left.height : left.width);
  let offset = 0;
  for (const cell of row) {
    const length = cell / thickness;
    cells.push(
      upright
        ? { x: left.x, y: left.y + offset, width: thickness, height: length }
        : { x: left.x + offset, y: left.y, width: length, height: thickness },
    );
    offset += length;
  }
  return upright
    ? { ...left, x: left.x + thickness, width: left.width - thickness }
    : { ...left, y: left.y + thickness, height: left.height - thickness };
}

/** Longest side over shortest, of the row's worst cell. */
function worstRatio(row: readonly number[], side: number): number {
  const area = sum(row);
  const [largest, smallest] = [Math.max(...row), Math.min(...row)];
  return Math.max((side ** 2 * largest) / area ** 2, area ** 2 / (side ** 2 * smallest));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
