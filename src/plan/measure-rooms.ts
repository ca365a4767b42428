// What of each machine is SparkPlug's to use, and what is left once conductor and DataNodes stand there.
import type { ClusterConfig } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import type { Machine } from './cluster-plan.ts';
import { type ComponentSizing, sizeComponents, sumConductorMiB } from './size-components.ts';

/** A machine with what is still free on it; `freeMiB` shrinks as things are placed. */
export interface Room {
  readonly machine: Machine;
  readonly reservedMiB: number;
  readonly conductorMiB: number;
  freeMiB: number;
  datanodes: number;
}

export interface Rooms {
  /** By name. */
  readonly rooms: readonly Room[];
  readonly sizing: ComponentSizing;
}

/**
 * What `auto` counts for one worker when it asks how much a machine must give: an executor with more than the bare
 * minimum.
 */
const comfortableWorkerMiB = 1024;

/**
 * Rooms of all machines, by name, with the conductor and the DataNodes already in place.
 *
 * @param workerMiB memory of one worker, null while it is still to be chosen.
 * @param history true: the history server stands too.
 * @throws SparkPlugError NO_ROOM when conductor or DataNodes don't fit.
 */
export function measureRooms(
  config: ClusterConfig,
  machines: readonly Machine[],
  workerMiB: number | null,
  history: boolean,
): Rooms {
  const conductor = findConductor(machines);
  const weakestMiB = machines.reduce((least, machine) => Math.min(least, machine.memoryMiB), Number.POSITIVE_INFINITY);
  const sizing = sizeComponents(conductor.memoryMiB, weakestMiB);
  const conductorMiB = sumConductorMiB(sizing, config.runs.parallel, { history, registry: machines.length > 1 });
  const followersMiB = needOfFollowers(config, machines.length, sizing.datanode.reservationMiB, workerMiB);
  const rooms = sortByName(machines).map((machine): Room => {
    const ownMiB = machine.conductor ? conductorMiB : sizing.agent.reservationMiB;
    const budgetMiB = measureBudget(machine, config.reserve.memoryMiB, ownMiB + followersMiB);
    if (machine.conductor && budgetMiB < ownMiB) throw noRoomForConductor(machine, budgetMiB, ownMiB);
    const reservedMiB = machine.memoryMiB - budgetMiB;
    // A further machine that is too small for anything stays without.
    const freeMiB = Math.max(0, budgetMiB - ownMiB);
    return { machine, reservedMiB, conductorMiB: machine.conductor ? conductorMiB : 0, freeMiB, datanodes: 0 };
  });
  placeDatanodes(rooms, config.hdfs.datanodes, sizing.datanode.reservationMiB);
  return { rooms, sizing };
}

/**
 * Memory of a machine that this project may use, in MiB.
 *
 * - `reserve.memory` given: everything but that.
 * - A machine of its own: everything but 10 %, at least 512 MiB and at most 4 GiB (kernel, Docker, page cache).
 * - A machine the user also works on: half of it, or what the smallest working cluster needs where half is less,
 *   always leaving max(640 MiB, 8 %) to the system. A 4 GiB machine gives about 3.2 GiB.
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
  if (!shared) return free - Math.ceil(Math.min(4096, Math.max(512, memoryMiB / 10)));
  const wanted = Math.max(memoryMiB / 2, smallestClusterMiB);
  return Math.min(wanted, free - Math.max(640, memoryMiB * 0.08));
}

/**
 * The followers that the smallest working cluster has on one machine; what the file asks for in numbers is honoured
 * in full.
 */
function needOfFollowers(
  config: ClusterConfig,
  machines: number,
  datanodeMiB: number,
  workerMiB: number | null,
): number {
  const { datanodes } = config.hdfs;
  const { workers } = config.spark;
  const datanodesHere = datanodes === 'auto' ? 1 : Math.ceil(datanodes / machines);
  const workersHere = workers === 'auto' || machines > 1 ? 1 : workers;
  return datanodesHere * datanodeMiB + workersHere * (workerMiB ?? comfortableWorkerMiB);
}

/** One DataNode per machine (`auto`), or `wanted` of them in rounds over the machines that have room. */
function placeDatanodes(rooms: readonly Room[], wanted: 'auto' | number, datanodeMiB: number): void {
  let missing = wanted === 'auto' ? rooms.length : wanted;
  let candidates = rooms;
  do {
    candidates = candidates.filter((room) => room.freeMiB >= datanodeMiB).slice(0, missing);
    for (const room of candidates) {
      room.freeMiB -= datanodeMiB;
      room.datanodes += 1;
    }
    missing -= candidates.length;
  } while (wanted !== 'auto' && missing > 0 && candidates.length > 0);
  const placed = (wanted === 'auto' ? rooms.length : wanted) - missing;
  if (placed === 0 || (wanted !== 'auto' && missing > 0)) throw noRoomForDatanodes(rooms, wanted, placed, datanodeMiB);
}

function findConductor(machines: readonly Machine[]): Machine {
  const conductors = machines.filter((machine) => machine.conductor);
  const [conductor] = conductors;
  if (conductor === undefined || conductors.length > 1)
    throw new Error(`${conductors.length} conductor machines instead of one`);
  return conductor;
}

/** Order by name, then id, by code unit: the same on every computer. Sorted input (the usual case) costs one pass. */
function sortByName(machines: readonly Machine[]): readonly Machine[] {
  const sorted = machines.every((machine, index) => {
    const previous = machines[index - 1];
    return previous === undefined || compareMachines(previous, machine) <= 0;
  });
  return sorted ? machines : [...machines].sort(compareMachines);
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

function noRoomForDatanodes(
  rooms: readonly Room[],
  wanted: 'auto' | number,
  placed: number,
  datanodeMiB: number,
): SparkPlugError {
  const freeMiB = rooms.reduce((most, room) => Math.max(most, room.freeMiB), 0);
  const asked =
    wanted === 'auto' ? 'No machine has room for a DataNode' : `${wanted} DataNodes asked for, ${placed} fit`;
  return new SparkPlugError(
    'NO_ROOM',
    `${asked}: one needs ${formatMiB(datanodeMiB)}, the most that is left on a machine is ${formatMiB(freeMiB)}.`,
    {
      place: 'hdfs.datanodes',
      met: String(wanted),
      hint: wanted === 'auto' ? roomHint : `Ask for at most ${placed}. ${roomHint}`,
    },
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
