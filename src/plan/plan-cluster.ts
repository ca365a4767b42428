// config + machines → which containers stand where, how large they are, what is left over and why.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import { chooseWorkerShape } from './choose-worker-shape.ts';
import type {
  ClusterPlan,
  CurrentPlacements,
  HistoryPlan,
  Machine,
  MachinePlan,
  Placement,
  Sizing,
  WorkerPlan,
} from './cluster-plan.ts';
import { decideHistory, historyCrowdedOut } from './decide-history.ts';
import { deriveWorker } from './derive-worker.ts';
import { computeOnly, explainMachine } from './explain-machine.ts';
import { freeBeside, type Ground, measureRooms, type Room, withConductor } from './measure-rooms.ts';
import { type PlacedDatanodes, placeDatanodes } from './place-datanodes.ts';
import { type PlacedWorkers, placeWorkers } from './place-workers.ts';
import { noRoomForParallelRuns } from './refuse-workers.ts';
import type { ConductorSizing } from './size-components.ts';

export interface PlanOptions {
  /** What `worker: auto` was resolved to at the first `up`; ignored where the file itself names a shape. */
  readonly workerShape?: WorkerShape | undefined;
  /** What stands now and stays as far as it can; nothing by default. */
  readonly current?: CurrentPlacements | undefined;
}

const nothing: CurrentPlacements = { workers: [], datanodes: [] };

/**
 * Plans the cluster: `N = Σ min(⌊cores / c⌋, ⌊(memory − reserved) / m⌋)` workers with c = executors × cores and m =
 * the worker's memory. Cores are counted for workers only; memory is counted for everything: the conductor first, then
 * DataNodes, then workers. Pure and deterministic: machines are taken by name, so the same machines in another order
 * give the same plan. Linear in machines and containers.
 *
 * What stands (`current`) stays: a machine that joins or goes moves nothing else, and what it already planned, planned
 * again, changes nothing.
 *
 * @throws SparkPlugError NO_ROOM with the sums, CONFIG_INVALID for a worker too small for its executors or a
 * replication above the number of DataNodes.
 */
export function planCluster(
  config: ClusterConfig,
  machines: readonly Machine[],
  options: PlanOptions = {},
): ClusterPlan {
  const current = options.current ?? nothing;
  const shape = resolveShape(config, machines, options);
  const worker = deriveWorker(shape);
  const { history, ground, datanodes, workers } = placeAll(config, machines, shape, current);
  const { rooms, sizing } = ground;
  return {
    machines: planMachines(config, rooms, datanodes, workers, shape),
    worker,
    workers: workers.placements,
    datanodes: datanodes.placements,
    totalWorkers: workers.placements.length,
    missingWorkers: workers.missing,
    replication: chooseReplication(config.hdfs.replication, datanodes.placements.length),
    history,
    sizing: sizeAll(sizing, worker),
    coresPerRun: divideCores(config.runs.parallel, workers, rooms, shape),
    parallelRuns: config.runs.parallel,
  };
}

function resolveShape(config: ClusterConfig, machines: readonly Machine[], options: PlanOptions): WorkerShape {
  if (config.spark.worker !== 'auto') return config.spark.worker;
  return options.workerShape ?? chooseWorkerShape(config, machines);
}

interface Placed {
  readonly history: HistoryPlan;
  readonly ground: Ground;
  readonly datanodes: PlacedDatanodes;
  readonly workers: PlacedWorkers;
}

/**
 * With the history server where it is planned; without it where others have taken the memory that it was to have, or
 * where something that stands would have to go for it.
 */
function placeAll(
  config: ClusterConfig,
  machines: readonly Machine[],
  shape: WorkerShape,
  current: CurrentPlacements,
): Placed {
  const history = decideHistory(config, machines, shape);
  const measure = { workerMiB: shape.memoryMiB, history: false, datanodes: countOnOnly(machines, current) };
  const ground = measureRooms(config, machines, measure);
  const place = (on: Ground, decided: HistoryPlan): Placed => {
    const datanodes = placeDatanodes({
      rooms: on.rooms,
      wanted: config.hdfs.datanodes,
      current: current.datanodes,
      workersMiB: sumWorkers(on.rooms, current, shape),
    });
    const workers = placeWorkers({
      rooms: on.rooms,
      datanodes: datanodes.counts,
      wanted: config.spark.workers,
      shape,
      current: current.workers,
    });
    return { history: decided, ground: on, datanodes, workers };
  };
  if (!history.planned) return place(ground, history);
  const isOptional = config.spark.history !== true;
  try {
    const beside = place(withConductor(config, ground, { ...measure, history: true }), history);
    const moved = isOptional ? countMoved(beside, current) : 0;
    if (moved === 0) return beside;
    const without = place(ground, historyCrowdedOut);
    return countMoved(without, current) < moved ? without : beside;
  } catch (error) {
    if (!isOptional || !(error instanceof SparkPlugError) || error.code !== 'NO_ROOM') throw error;
    return place(ground, historyCrowdedOut);
  }
}

/** How many of the workers and DataNodes that stand on the conductor machine would go from there. */
function countMoved({ ground, datanodes, workers }: Placed, current: CurrentPlacements): number {
  const { conductor, rooms } = ground;
  const id = rooms[conductor]?.machine.id;
  const isThere = ({ machineId }: Placement): boolean => machineId === id;
  return (
    Math.max(0, current.workers.filter(isThere).length - (workers.counts[conductor] ?? 0)) +
    Math.max(0, current.datanodes.filter(isThere).length - (datanodes.counts[conductor] ?? 0))
  );
}

/** DataNodes that stand on an only machine. */
function countOnOnly(machines: readonly Machine[], { datanodes }: CurrentPlacements): number {
  const [only] = machines;
  if (only === undefined || machines.length > 1) return 0;
  return datanodes.filter(({ machineId }) => machineId === only.id).length;
}

/** Memory of the workers that stand in each room now. */
function sumWorkers(rooms: readonly Room[], current: CurrentPlacements, shape: WorkerShape): (index: number) => number {
  let counts: Map<string, number> | null = null;
  return (index) => {
    if (counts === null) {
      counts = new Map();
      for (const { machineId } of current.workers) counts.set(machineId, (counts.get(machineId) ?? 0) + 1);
    }
    return (counts.get(rooms[index]?.machine.id ?? '') ?? 0) * shape.memoryMiB;
  };
}

function planMachines(
  config: ClusterConfig,
  rooms: readonly Room[],
  { counts: datanodes }: PlacedDatanodes,
  { counts: workers }: PlacedWorkers,
  shape: WorkerShape,
): readonly MachinePlan[] {
  // Machines alike stand together more often than not, and tell the same.
  let known: { readonly room: Room; readonly plan: MachinePlan } | null = null;
  return rooms.map((room, index) => {
    const count = workers[index] ?? 0;
    const storing = datanodes[index] ?? 0;
    const { id, name } = room.machine;
    if (
      known !== null &&
      areAlike(known.room, room) &&
      known.plan.workers === count &&
      known.plan.datanodes === storing
    ) {
      return { ...known.plan, id, name };
    }
    const plan = planMachine(config, room, storing, count, shape);
    known = { room, plan };
    return plan;
  });
}

function areAlike(a: Room, b: Room): boolean {
  const [one, other] = [a.machine, b.machine];
  return (
    a.budgetMiB === b.budgetMiB &&
    a.ownMiB === b.ownMiB &&
    one.cores === other.cores &&
    one.memoryMiB === other.memoryMiB &&
    one.conductor === other.conductor &&
    one.storage === other.storage &&
    one.state === other.state
  );
}

function planMachine(
  config: ClusterConfig,
  room: Room,
  datanodes: number,
  workers: number,
  shape: WorkerShape,
): MachinePlan {
  const { machine, budgetMiB } = room;
  const left = {
    cores: machine.cores - workers * shape.executors * shape.cores,
    memoryMiB: freeBeside(room, datanodes) - workers * shape.memoryMiB,
  };
  const requested = config.spark.workers;
  const { limitedBy, explanation } = explainMachine({ machine, workers, datanodes, left, shape, requested });
  return {
    id: machine.id,
    name: machine.name,
    state: machine.state,
    cores: machine.cores,
    memoryMiB: machine.memoryMiB,
    reservedMiB: machine.memoryMiB - budgetMiB,
    workers,
    datanodes,
    conductor: machine.conductor,
    storage: machine.storage,
    left,
    limitedBy,
    explanation: [explanation, ...explainDatanodes(config, room, datanodes)].join('; '),
  };
}

/** Why no DataNode stands there, where that is not what was asked for. */
function explainDatanodes(config: ClusterConfig, { machine, datanode }: Room, datanodes: number): readonly string[] {
  if (machine.state !== 'ready') return [];
  if (!machine.storage) return [computeOnly];
  if (config.hdfs.datanodes !== 'auto' || datanodes > 0) return [];
  return [`no room for a DataNode of ${formatMiB(datanode.reservationMiB)}`];
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

function divideCores(
  parallel: number,
  { placements }: PlacedWorkers,
  rooms: readonly Room[],
  shape: WorkerShape,
): number {
  const totalCores = placements.length * shape.executors * shape.cores;
  const coresPerRun = Math.floor(totalCores / parallel);
  if (coresPerRun >= shape.cores) return coresPerRun;
  // Spark launches no executor at all where an application may use fewer cores than one executor has. While a machine
  // is away runs share what is left, one after another if they must.
  if (rooms.some(({ machine }) => machine.state === 'away')) return shape.cores;
  throw noRoomForParallelRuns(parallel, totalCores, shape);
}

function sizeAll(sizing: ConductorSizing, worker: WorkerPlan): ClusterPlan['sizing'] {
  const { memoryMiB, daemonHeapMiB } = worker;
  const follower: Sizing = { limitMiB: memoryMiB, reservationMiB: memoryMiB, heapMiB: daemonHeapMiB };
  return { ...sizing, 'spark-worker': follower };
}
