// Refusals of the planner about workers: what is needed, what there is, and the fix.
import type { WorkerShape } from '../config/cluster-config.ts';
import { type Problem, SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import { describeBudget, type Room, roomHint } from './measure-rooms.ts';

const machinesShown = 10;

/** NO_ROOM: not one worker of `shape` fits anywhere; the sums of each machine are in `problems`. */
export function noRoomForOneWorker(rooms: readonly Room[], shape: WorkerShape): SparkPlugError {
  const cores = shape.executors * shape.cores;
  return new SparkPlugError(
    'NO_ROOM',
    `No machine has room for one Spark worker: it needs ${describeCores(cores)} and ${formatMiB(shape.memoryMiB)}.`,
    {
      place: 'spark.worker',
      met: `${describeCores(cores)}, ${formatMiB(shape.memoryMiB)}`,
      hint: roomHint,
      problems: rooms.slice(0, machinesShown).map((room) => describeRoom(room, shape)),
    },
  );
}

/** NO_ROOM: fewer workers fit than the file asks for. */
export function noRoomForWorkers(
  wanted: number,
  fit: number,
  shape: WorkerShape,
  ranOut: 'cores' | 'memory',
): SparkPlugError {
  const each = `${describeCores(shape.executors * shape.cores)} and ${formatMiB(shape.memoryMiB)}`;
  return new SparkPlugError('NO_ROOM', `${wanted} workers of ${each} asked for, ${fit} fit; ${ranOut} ran out first.`, {
    place: 'spark.workers',
    met: String(wanted),
    hint: `Set \`workers: ${fit}\` or \`auto\`, or a smaller \`spark.worker\`.`,
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

/** `1 core`, `4 cores`. */
export function describeCores(cores: number): string {
  return `${cores} core${cores === 1 ? '' : 's'}`;
}

function describeRoom({ machine, reservedMiB, conductorMiB, datanodes, freeMiB }: Room, shape: WorkerShape): Problem {
  const budgetMiB = machine.memoryMiB - reservedMiB;
  const usedMiB = budgetMiB - freeMiB;
  const what = [conductorMiB > 0 ? 'conductor' : '', datanodes > 0 ? 'DataNode' : '']
    .filter((text) => text !== '')
    .join(' and ');
  const used = usedMiB > 0 ? `, − ${formatMiB(usedMiB)} for ${what} = ${formatMiB(freeMiB)}` : '';
  return {
    place: machine.name,
    met: `${describeCores(machine.cores)}, ${formatMiB(freeMiB)} free`,
    message: `${describeBudget(machine, budgetMiB)}${used}; a worker needs ${formatMiB(shape.memoryMiB)}`,
  };
}
