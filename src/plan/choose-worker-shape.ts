// `worker: auto`: the shape with which these machines use most of their cores.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import type { Machine } from './cluster-plan.ts';
import { decideHistory } from './decide-history.ts';
import { smallestWorkerMiB } from './derive-worker.ts';
import { freeBeside, type Ground, measureRooms, type Room, withConductor } from './measure-rooms.ts';
import { countFreshDatanodes } from './place-datanodes.ts';
import { noRoomForOneWorker } from './refuse-workers.ts';

/** More cores in one executor gain little: HDFS clients and the collector get in each other's way. */
export const mostWorkerCores = 5;
const mostMiBPerCore = 4096;
const stepMiB = 64;
/** Below this much per core, a worker with several cores is not worth having. */
const leastMiBPerCore = 416;

/** One shape that fits the weakest machine. */
export interface ShapeCandidate {
  readonly shape: WorkerShape;
  /** Workers on all machines, at most as many as the file asks for. */
  readonly workers: number;
  /** Holds the workers and parallel runs that the file asks for. */
  readonly enough: boolean;
}

/** Machines that give workers the same. */
interface Group {
  readonly cores: number;
  readonly freeMiB: number;
  readonly machines: number;
}

/**
 * The worker shape for these machines: the file's own, or for `auto` the best of 1 to 5 cores with one executor each,
 * where best is most cores in use, then fewer and larger workers. One worker must fit on every machine that could
 * hold any worker at all; a machine with less than that stays without workers. Machines that are away count (they come
 * back), drained ones don't.
 *
 * Memory per worker is as much as leaves the number of workers unchanged, at most 4 GiB per core, in steps of 64 MiB;
 * at least max(896 MiB, 416 MiB per core).
 *
 * The history server, where the file leaves it open, must not cost a core.
 *
 * @throws SparkPlugError NO_ROOM when no machine can hold a worker.
 */
export function chooseWorkerShape(config: ClusterConfig, machines: readonly Machine[]): WorkerShape {
  if (config.spark.worker !== 'auto') return config.spark.worker;
  return chooseBest(listWorkerShapes(config, machines)).shape;
}

/**
 * All candidates of `worker: auto`, by cores: one shape for each number of cores that fits the weakest machine.
 * @throws SparkPlugError NO_ROOM when no machine can hold a worker.
 */
export function listWorkerShapes(config: ClusterConfig, machines: readonly Machine[]): readonly ShapeCandidate[] {
  const history = decideHistory(config, machines, null);
  const measure = { workerMiB: null, history: false, datanodes: 0 };
  const without = measureRooms(config, expectAll(machines), measure);
  if (!history.planned) return listFor(config, without);
  const beside = (): readonly ShapeCandidate[] =>
    listFor(config, withConductor(config, without, { ...measure, history: true }));
  if (config.spark.history === true) return beside();
  const [lean, comfortable] = [listFor(config, without), beside()];
  return countCores(chooseBest(comfortable)) < countCores(chooseBest(lean)) ? lean : comfortable;
}

/** The best of the candidates: enough workers first, then most cores, then the larger worker. */
export function chooseBest(candidates: readonly ShapeCandidate[]): ShapeCandidate {
  return candidates.reduce((best, candidate) => (isBetter(candidate, best) ? candidate : best));
}

/** Cores that the candidate's workers use. */
function countCores({ workers, shape }: ShapeCandidate): number {
  return workers * shape.executors * shape.cores;
}

/** As if machines that are away were back. */
function expectAll(machines: readonly Machine[]): readonly Machine[] {
  if (machines.every(({ state }) => state !== 'away')) return machines;
  return machines.map((machine) => (machine.state === 'away' ? { ...machine, state: 'ready' } : machine));
}

function listFor(config: ClusterConfig, { rooms }: Ground): readonly ShapeCandidate[] {
  const datanodes = countFreshDatanodes(rooms, config.hdfs.datanodes);
  const groups = groupRooms(rooms, datanodes);
  if (groups.length === 0) {
    throw noRoomForOneWorker(rooms, datanodes, { executors: 1, cores: 1, memoryMiB: leastWorkerMiB(1) });
  }
  const weakestCores = groups.reduce((least, group) => Math.min(least, group.cores), mostWorkerCores);
  const weakestMiB = groups.reduce((least, group) => Math.min(least, group.freeMiB), Number.POSITIVE_INFINITY);
  const candidates: ShapeCandidate[] = [];
  for (let cores = 1; cores <= weakestCores && leastWorkerMiB(cores) <= weakestMiB; cores++) {
    candidates.push(fitCandidate(config, groups, cores, weakestMiB));
  }
  return candidates;
}

/** Those that could hold any worker at all. */
function groupRooms(rooms: readonly Room[], datanodes: readonly number[]): readonly Group[] {
  const leastMiB = leastWorkerMiB(1);
  const byCores = new Map<number, Map<number, { cores: number; freeMiB: number; machines: number }>>();
  // Machines alike stand together more often than not.
  let last = { cores: 0, freeMiB: 0, machines: 0 };
  for (let index = 0; index < rooms.length; index++) {
    const room = rooms[index];
    if (room === undefined) break;
    const { cores, state } = room.machine;
    const freeMiB = freeBeside(room, datanodes[index] ?? 0);
    if (state !== 'ready' || cores < 1 || freeMiB < leastMiB) continue;
    if (last.cores !== cores || last.freeMiB !== freeMiB) {
      const byMemory = byCores.get(cores) ?? new Map<number, typeof last>();
      last = byMemory.get(freeMiB) ?? { cores, freeMiB, machines: 0 };
      byCores.set(cores, byMemory.set(freeMiB, last));
    }
    last.machines += 1;
  }
  return [...byCores.values()].flatMap((byMemory) => [...byMemory.values()]);
}

/** The least memory of a worker with one executor of so many cores that is worth having. */
export function leastWorkerMiB(cores: number): number {
  return ceilTo(Math.max(smallestWorkerMiB(1), leastMiBPerCore * cores), stepMiB / 2);
}

function ceilTo(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/**
 * Most memory at which the machines still hold as many workers as they would at the least memory (or as many as asked
 * for).
 */
function fitCandidate(
  config: ClusterConfig,
  groups: readonly Group[],
  cores: number,
  weakestMiB: number,
): ShapeCandidate {
  const leastMiB = leastWorkerMiB(cores);
  const possible = countWorkers(groups, cores, leastMiB);
  const workers = config.spark.workers === 'auto' ? possible : Math.min(possible, config.spark.workers);
  let low = leastMiB / stepMiB;
  let high = Math.floor(Math.min(mostMiBPerCore * cores, weakestMiB) / stepMiB);
  while (low < high) {
    const middle = Math.floor((low + high + 1) / 2);
    if (countWorkers(groups, cores, middle * stepMiB) >= workers) low = middle;
    else high = middle - 1;
  }
  const memoryMiB = Math.max(leastMiB, Math.floor(low) * stepMiB);
  const asked = config.spark.workers === 'auto' ? 0 : config.spark.workers;
  const enough = workers >= asked && workers >= config.runs.parallel;
  return { shape: { executors: 1, cores, memoryMiB }, workers, enough };
}

function countWorkers(groups: readonly Group[], cores: number, memoryMiB: number): number {
  let total = 0;
  for (const group of groups) {
    total += group.machines * Math.min(Math.floor(group.cores / cores), Math.floor(group.freeMiB / memoryMiB));
  }
  return total;
}

function isBetter(candidate: ShapeCandidate, best: ShapeCandidate): boolean {
  if (candidate.enough !== best.enough) return candidate.enough;
  if (!candidate.enough && candidate.workers !== best.workers) return candidate.workers > best.workers;
  const [cores, bestCores] = [countCores(candidate), countCores(best)];
  if (cores !== bestCores) return cores > bestCores;
  return candidate.shape.cores > best.shape.cores;
}
