// `worker: auto`: the shape with which these machines use most of their cores.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import type { Machine } from './cluster-plan.ts';
import { decideHistory } from './decide-history.ts';
import { smallestWorkerMiB } from './derive-worker.ts';
import { measureRooms, type Room } from './measure-rooms.ts';
import { noRoomForOneWorker } from './refuse-workers.ts';

/** More cores in one executor gain little: HDFS clients and the collector get in each other's way. */
const mostCores = 5;
const mostMiBPerCore = 4096;
const stepMiB = 64;
/** Below this much per core, a worker with several cores is not worth having. */
const leastMiBPerCore = 416;

interface Candidate {
  readonly shape: WorkerShape;
  readonly workers: number;
  /** Holds the workers and parallel runs that the file asks for. */
  readonly enough: boolean;
}

/**
 * The worker shape for these machines: the file's own, or for `auto` the best of 1 to 5 cores with one executor each,
 * where best is most cores in use, then fewer and larger workers. One worker must fit on every machine that could
 * hold any worker at all; a machine with less than that stays without workers.
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
  const history = decideHistory(config, machines, null);
  const best = chooseBest(config, measureRooms(config, machines, null, history.planned).rooms);
  if (!history.planned || config.spark.history === true) return best.shape;
  const without = chooseBest(config, measureRooms(config, machines, null, false).rooms);
  return (countCores(best) < countCores(without) ? without : best).shape;
}

function chooseBest(config: ClusterConfig, rooms: readonly Room[]): Candidate {
  const able = rooms.filter((room) => room.machine.cores >= 1 && room.freeMiB >= leastMemory(1));
  if (able.length === 0) throw noRoomForOneWorker(rooms, { executors: 1, cores: 1, memoryMiB: leastMemory(1) });
  const weakestCores = able.reduce((least, room) => Math.min(least, room.machine.cores), mostCores);
  const weakestMiB = able.reduce((least, room) => Math.min(least, room.freeMiB), Number.POSITIVE_INFINITY);
  let best: Candidate | null = null;
  for (let cores = 1; cores <= weakestCores && leastMemory(cores) <= weakestMiB; cores++) {
    const candidate = fitCandidate(config, able, cores, weakestMiB);
    if (best === null || isBetter(candidate, best)) best = candidate;
  }
  if (best === null) throw new Error('one core fits every machine that can hold a worker');
  return best;
}

function countCores({ workers, shape }: Candidate): number {
  return workers * shape.cores;
}

function leastMemory(cores: number): number {
  return ceilTo(Math.max(smallestWorkerMiB(1), leastMiBPerCore * cores), stepMiB / 2);
}

function ceilTo(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/**
 * Most memory at which the machines still hold as many workers as they would at the least memory (or as many as asked
 * for).
 */
function fitCandidate(config: ClusterConfig, rooms: readonly Room[], cores: number, weakestMiB: number): Candidate {
  const leastMiB = leastMemory(cores);
  const possible = countWorkers(rooms, cores, leastMiB);
  const workers = config.spark.workers === 'auto' ? possible : Math.min(possible, config.spark.workers);
  let low = leastMiB / stepMiB;
  let high = Math.floor(Math.min(mostMiBPerCore * cores, weakestMiB) / stepMiB);
  while (low < high) {
    const middle = Math.floor((low + high + 1) / 2);
    if (countWorkers(rooms, cores, middle * stepMiB) >= workers) low = middle;
    else high = middle - 1;
  }
  const memoryMiB = Math.max(leastMiB, Math.floor(low) * stepMiB);
  const asked = config.spark.workers === 'auto' ? 0 : config.spark.workers;
  const enough = workers >= asked && workers >= config.runs.parallel;
  return { shape: { executors: 1, cores, memoryMiB }, workers, enough };
}

function countWorkers(rooms: readonly Room[], cores: number, memoryMiB: number): number {
  let total = 0;
  for (const { machine, freeMiB } of rooms) {
    total += Math.min(Math.floor(machine.cores / cores), Math.floor(freeMiB / memoryMiB));
  }
  return total;
}

function isBetter(candidate: Candidate, best: Candidate): boolean {
  if (candidate.enough !== best.enough) return candidate.enough;
  if (!candidate.enough && candidate.workers !== best.workers) return candidate.workers > best.workers;
  const [cores, bestCores] = [countCores(candidate), countCores(best)];
  if (cores !== bestCores) return cores > bestCores;
  return candidate.shape.cores > best.shape.cores;
}
