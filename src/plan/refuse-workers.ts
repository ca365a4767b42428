// Refusals of the planner about workers: what is needed, what there is, machine by machine, and the fix.
import type { WorkerShape } from '../config/cluster-config.ts';
import { type Problem, SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import { describeCores, explainMachine } from './explain-machine.ts';
import { describeBudget, freeBeside, type Room, roomHint } from './measure-rooms.ts';
import type { WorkerOrder } from './place-workers.ts';

const machinesShown = 10;

/** What each machine says, for the `problems` of a refusal: the first ten, and how many there are besides. */
export function listMachines(rooms: readonly Room[], explain: (room: Room, index: number) => string): Problem[] {
  const shown = rooms.slice(0, machinesShown).map((room, index) => ({
    place: room.machine.name,
    message: room.machine.state === 'ready' ? explain(room, index) : `${room.machine.state}: takes nothing`,
  }));
  const others = rooms.length - shown.length;
  return others === 0 ? shown : [...shown, { place: 'machines', message: `and ${others} more` }];
}

/** NO_ROOM: not one worker of `shape` fits anywhere; the sums of each machine are in `problems`. */
export function noRoomForOneWorker(
  rooms: readonly Room[],
  datanodes: readonly number[],
  shape: WorkerShape,
): SparkPlugError {
  const cores = shape.executors * shape.cores;
  return new SparkPlugError(
    'NO_ROOM',
    `No machine has room for one Spark worker: it needs ${describeCores(cores)} and ${formatMiB(shape.memoryMiB)}.`,
    {
      place: 'spark.worker',
      met: `${describeCores(cores)}, ${formatMiB(shape.memoryMiB)}`,
      hint: roomHint,
      problems: listMachines(rooms, (room, index) => describeRoom(room, datanodes[index] ?? 0, shape)),
    },
  );
}

/** NO_ROOM: fewer workers fit than the file asks for. */
export function noRoomForWorkers(
  { rooms, datanodes, shape }: WorkerOrder,
  most: readonly number[],
  wanted: number,
  ranOut: 'cores' | 'memory',
): SparkPlugError {
  const each = `${describeCores(shape.executors * shape.cores)} and ${formatMiB(shape.memoryMiB)}`;
  const fit = most.reduce((total, count) => total + count, 0);
  return new SparkPlugError('NO_ROOM', `${wanted} workers of ${each} asked for, ${fit} fit; ${ranOut} ran out first.`, {
    place: 'spark.workers',
    met: String(wanted),
    hint: `Set \`workers: ${fit}\` or \`auto\`, or a smaller \`spark.worker\`.`,
    problems: listMachines(rooms, (room, index) => {
      const workers = most[index] ?? 0;
      const left = {
        cores: room.machine.cores - workers * shape.executors * shape.cores,
        memoryMiB: freeBeside(room, datanodes[index] ?? 0) - workers * shape.memoryMiB,
      };
      const { explanation } = explainMachine({
        machine: room.machine,
        workers,
        datanodes: datanodes[index] ?? 0,
        left,
        shape,
        requested: wanted,
      });
      return `${workers === 1 ? '1 worker fits' : `${workers} workers fit`}; ${explanation}`;
    }),
  });
}

/** NO_ROOM: divided by `runs.parallel`, the cores of one run are fewer than one executor needs. */
export function noRoomForParallelRuns(parallel: number, totalCores: number, shape: WorkerShape): SparkPlugError {
  const most = Math.floor(totalCores / shape.cores);
  const each = Math.floor(totalCores / parallel);
  return new SparkPlugError(
    'NO_ROOM',
    `${parallel} parallel runs share ${describeCores(totalCores)}: ${each} each, but one executor needs ${shape.cores}.`,
    {
      place: 'runs.parallel',
      met: String(parallel),
      hint: `Set \`parallel: ${most}\` or less, or a smaller \`spark.worker.cores\`.`,
    },
  );
}

function describeRoom(room: Room, datanodes: number, shape: WorkerShape): string {
  const { machine, budgetMiB, ownMiB } = room;
  const freeMiB = freeBeside(room, datanodes);
  const what = [
    ...(ownMiB > 0 ? [machine.conductor ? 'conductor' : 'agent'] : []),
    ...(datanodes === 0 ? [] : [datanodes === 1 ? 'DataNode' : `${datanodes} DataNodes`]),
  ].join(' and ');
  const used = what === '' ? '' : `, − ${formatMiB(budgetMiB - freeMiB)} for ${what} = ${formatMiB(freeMiB)}`;
  const cores = machine.cores < shape.executors * shape.cores ? `; ${describeCores(machine.cores)}` : '';
  return `${describeBudget(machine, budgetMiB)}${used}${cores}; a worker needs ${formatMiB(shape.memoryMiB)}`;
}
