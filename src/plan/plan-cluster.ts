// config + machines → which containers stand where, how large they are, what is left over and why.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { chooseWorkerShape } from './choose-worker-shape.ts';
import type { ClusterPlan, Component, Machine, MachinePlan, Placement, Sizing, WorkerPlan } from './cluster-plan.ts';
import { decideHistory } from './decide-history.ts';
import { deriveWorker } from './derive-worker.ts';
import { explainMachine } from './explain-machine.ts';
import { measureRooms, type Room } from './measure-rooms.ts';
import { noRoomForOneWorker, noRoomForParallelRuns, noRoomForWorkers } from './refuse-workers.ts';
import type { ComponentSizing } from './size-components.ts';

interface PlanOptions {
  /** What `worker: auto` was resolved to at the first `up`; ignored where the file itself names a shape. */
  readonly workerShape?: WorkerShape | undefined;
}

/** A machine and how many workers it could hold by each resource. */
interface WorkerRoom {
  readonly room: Room;
  readonly byCores: number;
  readonly byMemory: number;
}

/**
 * Plans the cluster: `N = Σ min(⌊cores / c⌋, ⌊(memory − reserved) / m⌋)` workers with c = executors × cores and m =
 * the worker's memory. Cores are counted for workers only; memory is counted for everything. Pure and deterministic:
 * machines are taken by name, so the same machines in another order give the same plan. Linear in machines and
 * containers.
 *
 * @throws SparkPlugError NO_ROOM with the sums, CONFIG_INVALID for a worker too small for its executors or a
 * replication above the number of DataNodes.
 */
export function planCluster(
  config: ClusterConfig,
  machines: readonly Machine[],
  options: PlanOptions = {},
): ClusterPlan {
  const shape = resolveShape(config, machines, options);
  const worker = deriveWorker(shape);
  const history = decideHistory(config, machines, shape);
  const { rooms, sizing } = measureRooms(config, machines, shape.memoryMiB, history.planned);
  const counts = countWorkers(config, rooms, shape);
  const totalWorkers = counts.reduce((sum, count) => sum + count, 0);
  const datanodes = placeFollowers(
    rooms,
    rooms.map((room) => room.datanodes),
  );
  return {
    machines: rooms.map((room, index) => planMachine(config, room, counts[index] ?? 0, shape)),
    worker,
    workers: placeFollowers(rooms, counts),
    datanodes,
    totalWorkers,
    replication: chooseReplication(config.hdfs.replication, datanodes.length),
    history,
    sizing: sizeAll(sizing, worker),
    coresPerRun: divideCores(config.runs.parallel, totalWorkers, shape),
    parallelRuns: config.runs.parallel,
  };
}

function resolveShape(config: ClusterConfig, machines: readonly Machine[], options: PlanOptions): WorkerShape {
  if (config.spark.worker !== 'auto') return config.spark.worker;
  return options.workerShape ?? chooseWorkerShape(config, machines);
}

/** Workers per machine, in the order of `rooms`. */
function countWorkers(config: ClusterConfig, rooms: readonly Room[], shape: WorkerShape): readonly number[] {
  const cores = shape.executors * shape.cores;
  const workerRooms = rooms.map(
    (room): WorkerRoom => ({
      room,
      byCores: Math.floor(room.machine.cores / cores),
      byMemory: Math.floor(room.freeMiB / shape.memoryMiB),
    }),
  );
  const most = workerRooms.map(({ byCores, byMemory }) => Math.min(byCores, byMemory));
  const fit = most.reduce((sum, count) => sum + count, 0);
  if (fit === 0) throw noRoomForOneWorker(rooms, shape);
  const wanted = config.spark.workers;
  if (wanted === 'auto') return most;
  if (wanted > fit) throw noRoomForWorkers(wanted, fit, shape, findScarce(workerRooms));
  return spreadWorkers(most, wanted);
}

/** The resource with which fewer workers fit over all machines. */
function findScarce(rooms: readonly WorkerRoom[]): 'cores' | 'memory' {
  const byCores = rooms.reduce((sum, room) => sum + room.byCores, 0);
  const byMemory = rooms.reduce((sum, room) => sum + room.byMemory, 0);
  return byCores <= byMemory ? 'cores' : 'memory';
}

/** `wanted` workers in rounds of one per machine, never above what the machine holds. */
function spreadWorkers(most: readonly number[], wanted: number): readonly number[] {
  const counts = most.map(() => 0);
  let missing = wanted;
  let open = most.flatMap((limit, index) => (limit > 0 ? [index] : []));
  for (let round = 1; missing > 0; round++) {
    open = open.filter((index) => (most[index] ?? 0) >= round);
    for (const index of open.slice(0, missing)) counts[index] = round;
    missing -= Math.min(missing, open.length);
  }
  return counts;
}

function planMachine(config: ClusterConfig, room: Room, workers: number, shape: WorkerShape): MachinePlan {
  const { machine, reservedMiB, datanodes } = room;
  const left = {
    cores: machine.cores - workers * shape.executors * shape.cores,
    memoryMiB: room.freeMiB - workers * shape.memoryMiB,
  };
  return {
    id: machine.id,
    name: machine.name,
    cores: machine.cores,
    memoryMiB: machine.memoryMiB,
    reservedMiB,
    workers,
    datanodes,
    conductor: machine.conductor,
    left,
    ...explainMachine({ cores: machine.cores, workers, left, shape, requested: config.spark.workers }),
  };
}

/** Ordinals from 1, machine by machine. */
function placeFollowers(rooms: readonly Room[], counts: readonly number[]): readonly Placement[] {
  const placements: Placement[] = [];
  for (const [index, { machine }] of rooms.entries()) {
    for (let placed = 0; placed < (counts[index] ?? 0); placed++) {
      placements.push({ ordinal: placements.length + 1, machineId: machine.id, machineName: machine.name });
    }
  }
  return placements;
}

function chooseReplication(wanted: 'auto' | number, datanodes: number): number {
  if (wanted === 'auto') return Math.min(3, datanodes);
  if (wanted > datanodes) {
    throw new SparkPlugError(
      'CONFIG_INVALID',
      `${wanted} replicas of a file need ${wanted} DataNodes; there are ${datanodes}.`,
      {
        place: 'hdfs.replication',
        met: String(wanted),
        hint: `Set \`replication: ${datanodes}\` or \`auto\`, or \`datanodes: ${wanted}\`.`,
      },
    );
  }
  return wanted;
}

function divideCores(parallel: number, workers: number, shape: WorkerShape): number {
  const totalCores = workers * shape.executors * shape.cores;
  const coresPerRun = Math.floor(totalCores / parallel);
  // Spark launches no executor at all where an application may use fewer cores than one executor has.
  if (coresPerRun < shape.cores) throw noRoomForParallelRuns(parallel, totalCores, shape);
  return coresPerRun;
}

function sizeAll(sizing: ComponentSizing, worker: WorkerPlan): Readonly<Record<Component, Sizing>> {
  const { memoryMiB, daemonHeapMiB } = worker;
  return { ...sizing, 'spark-worker': { limitMiB: memoryMiB, reservationMiB: memoryMiB, heapMiB: daemonHeapMiB } };
}
