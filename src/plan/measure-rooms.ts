// What of each machine is SparkPlug's to use, and what of it the conductor's containers take.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import type { Machine, Sizing } from './cluster-plan.ts';
import { type ConductorSizing, sizeConductor, sizeDatanode, sumConductorMiB } from './size-components.ts';

/** A machine before any follower stands there. */
export interface Room {
  readonly machine: Machine;
  /** What of it is this project's to use. */
  readonly budgetMiB: number;
  /** What the conductor's containers take of that, on a further machine its agent. */
  readonly ownMiB: number;
  /** A DataNode there. */
  readonly datanode: Sizing;
}

/** All machines, by name. */
export interface Ground {
  readonly rooms: readonly Room[];
  /** Index of the conductor machine. */
  readonly conductor: number;
  readonly sizing: ConductorSizing;
}

export interface Measure {
  /** Memory of one worker, null while it is still to be chosen. */
  readonly workerMiB: number | null;
  /** True: the history server stands too. */
  readonly history: boolean;
  /** DataNodes that stand on an only machine now. */
  readonly datanodes: number;
  /** True: the registry is counted also where there is one machine only. */
  readonly registry?: boolean;
}

/**
 * What `auto` counts for one worker when it asks how much a machine must give: an executor with more than the bare
 * minimum.
 */
const comfortableWorkerMiB = 1024;

/**
 * Rooms of all machines, by name.
 * @throws SparkPlugError NO_ROOM when the conductor doesn't fit.
 */
export function measureRooms(config: ClusterConfig, machines: readonly Machine[], measure: Measure): Ground {
  const sorted = sortByName(machines);
  const conductor = findConductor(sorted);
  const sizing = sizeConductor(sorted[conductor]?.memoryMiB ?? 0);
  const rooms: Room[] = [];
  let known: Sizing | null = null;
  let knownMiB = -1;
  for (const machine of sorted) {
    // Machines alike stand together more often than not.
    const datanode: Sizing = known !== null && knownMiB === machine.memoryMiB ? known : sizeDatanode(machine.memoryMiB);
    known = datanode;
    knownMiB = machine.memoryMiB;
    const budgetMiB = machine.conductor ? 0 : measureShare(config, machine, datanode, machines.length, measure, 0);
    // A further machine that is too small for anything stays without.
    rooms.push({ machine, budgetMiB, ownMiB: Math.min(budgetMiB, sizing.agent.reservationMiB), datanode });
  }
  return withConductor(config, { rooms, conductor, sizing }, measure);
}

/**
 * The same ground measured with the history server, or without it: only the conductor machine differs.
 * @throws SparkPlugError NO_ROOM when the conductor doesn't fit.
 */
export function withConductor(config: ClusterConfig, ground: Ground, measure: Measure): Ground {
  const { rooms, conductor, sizing } = ground;
  const room = rooms[conductor];
  if (room === undefined) throw new Error('the conductor machine has its room');
  const { machine, datanode } = room;
  const conductorMiB = sumConductorMiB(sizing, config.runs.parallel, {
    history: measure.history,
    // A machine of its own has had further machines or is to have them: the registry then takes nothing from a worker.
    registry: measure.registry === true || rooms.length > 1 || !machine.shared,
  });
  const budgetMiB = measureShare(config, machine, datanode, rooms.length, measure, conductorMiB);
  if (budgetMiB < conductorMiB) throw noRoomForConductor(machine, budgetMiB, conductorMiB);
  return { ...ground, rooms: rooms.with(conductor, { machine, budgetMiB, ownMiB: conductorMiB, datanode }) };
}

function measureShare(
  config: ClusterConfig,
  machine: Machine,
  datanode: Sizing,
  machines: number,
  measure: Measure,
  ownMiB: number,
): number {
  const followersMiB = machine.shared ? needOfFollowers(config, machines, datanode.reservationMiB, measure) : 0;
  return measureBudget(machine, config.reserve.memoryMiB, ownMiB + followersMiB);
}

/** What a room has left beside conductor and DataNodes, in MiB; never below 0. */
export function freeBeside(room: Room, datanodes: number): number {
  return Math.max(0, room.budgetMiB - room.ownMiB - datanodes * room.datanode.reservationMiB);
}

/** How many workers of `shape` fit in one room beside `datanodes` DataNodes, whatever state the machine is in. */
export function countFitting(room: Room, datanodes: number, shape: WorkerShape): number {
  const byCores = Math.floor(room.machine.cores / (shape.executors * shape.cores));
  return Math.min(byCores, Math.floor(freeBeside(room, datanodes) / shape.memoryMiB));
}

/**
 * Memory of a machine that this project may use, in MiB.
 *
 * - `reserve.memory` given: everything but that.
 * - A machine of its own: everything but 8 %, at least 512 MiB and at most 4 GiB (kernel, Docker, page cache).
 * - A machine the user also works on: half of it, or what the smallest working cluster needs where half is less,
 *   always leaving max(640 MiB, 8 %) to the system. A 4 GiB machine gives about 3.2 GiB. That is never more than a
 *   machine of its own gives: what stands on a computer stays there when a second machine joins it.
 *
 * Other projects' reservations are taken off what is left beside the system's part, not off the half: then the plan
 * of a project stays what it was after a second one has come.
 */
export function measureBudget(machine: Machine, reserveMiB: 'auto' | number, smallestClusterMiB: number): number {
  const free = machine.memoryMiB - machine.othersMemoryMiB;
  return Math.max(0, Math.floor(measureFree(machine, free, reserveMiB, smallestClusterMiB)));
}

function measureFree(machine: Machine, free: number, reserveMiB: 'auto' | number, smallestClusterMiB: number): number {
  const { memoryMiB, shared } = machine;
  if (reserveMiB !== 'auto') return free - reserveMiB;
  if (!shared) return free - Math.ceil(Math.min(4096, Math.max(512, memoryMiB * 0.08)));
  const wanted = Math.max(memoryMiB / 2, smallestClusterMiB);
  return Math.min(wanted, free - Math.max(640, memoryMiB * 0.08));
}

/**
 * The followers that the smallest working cluster has on one machine; what the file asks for in numbers, and the
 * DataNodes that stand on an only machine, are honoured in full.
 */
function needOfFollowers(config: ClusterConfig, machines: number, datanodeMiB: number, measure: Measure): number {
  const { datanodes } = config.hdfs;
  const { workers } = config.spark;
  const standing = machines === 1 ? Math.max(1, measure.datanodes) : 1;
  const datanodesHere = datanodes === 'auto' ? standing : Math.ceil(datanodes / machines);
  const workersHere = workers === 'auto' || machines > 1 ? 1 : workers;
  return datanodesHere * datanodeMiB + workersHere * (measure.workerMiB ?? comfortableWorkerMiB);
}

/** Index of the one conductor machine. */
function findConductor(machines: readonly Machine[]): number {
  let found = -1;
  for (let index = 0; index < machines.length; index++) {
    if (machines[index]?.conductor !== true) continue;
    if (found !== -1) throw new Error('several conductor machines instead of one');
    found = index;
  }
  if (found === -1) throw new Error('0 conductor machines instead of one');
  if (machines[found]?.state === 'away') throw new Error('the conductor machine is away from itself');
  return found;
}

/** Order by name, then id, by code unit: the same on every computer. Sorted input (the usual case) costs one pass. */
function sortByName(machines: readonly Machine[]): readonly Machine[] {
  let previous: Machine | null = null;
  for (const machine of machines) {
    if (previous !== null && compareMachines(previous, machine) > 0) return machines.toSorted(compareMachines);
    previous = machine;
  }
  return machines;
}

function compareMachines(a: Machine, b: Machine): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}

function noRoomForConductor(machine: Machine, budgetMiB: number, neededMiB: number): SparkPlugError {
  return new SparkPlugError(
    'NO_ROOM',
    `The conductor's containers need ${formatMiB(neededMiB)}; ${machine.name} has ${formatMiB(budgetMiB)} for them.`,
    { place: machine.name, met: describeBudget(machine, budgetMiB), hint: roomHint },
  );
}

export const roomHint =
  'Give Docker more memory, stop other projects on this machine, or lower `reserve.memory`; ' +
  '`sparkplug plan` shows the sums.';

/** `4 GiB − 1 GiB left alone − 512 MiB of other projects = 2.5 GiB`. */
export function describeBudget(machine: Machine, budgetMiB: number): string {
  const aloneMiB = machine.memoryMiB - machine.othersMemoryMiB - budgetMiB;
  const others = machine.othersMemoryMiB > 0 ? ` − ${formatMiB(machine.othersMemoryMiB)} of other projects` : '';
  const alone = `${formatMiB(Math.max(0, aloneMiB))} left alone`;
  return `${formatMiB(machine.memoryMiB)} − ${alone}${others} = ${formatMiB(budgetMiB)}`;
}
