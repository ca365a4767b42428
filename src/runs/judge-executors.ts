// Can this application ever get an executor? Pure arithmetic over what it asks and what the workers have.
import type { SparkExecutor } from '../adapters/spark/spark-driver.ts';
import type { MasterState, SparkWorker } from '../adapters/spark/spark-master.ts';
import type { Failure } from '../api/schemas.ts';

/** What one executor asks; null where the cluster's own setting applies, which always fits. */
export interface ExecutorRequest {
  readonly memoryMiB: number | null;
  readonly cores: number | null;
  /** `spark.cores.max` of the application. */
  readonly maxCores: number | null;
}

export type ExecutorVerdict =
  | { readonly kind: 'possible' }
  /** A worker is large enough, but others hold it now. */
  | { readonly kind: 'later'; readonly waiting: string }
  /** No worker is alive: they may be restarting. */
  | { readonly kind: 'no-workers'; readonly failure: Failure }
  | { readonly kind: 'never'; readonly failure: Failure };

/** Judges the request; `appId` is left out when counting what others hold. */
export function judgeExecutors(request: ExecutorRequest, master: MasterState, appId: string | null): ExecutorVerdict {
  const alive = master.workers.filter((worker) => worker.alive);
  if (alive.length === 0) return { kind: 'no-workers', failure: explainNoWorkers(master) };
  const impossible = explainImpossible(request, alive);
  if (impossible !== null) return { kind: 'never', failure: impossible };
  if (alive.some((worker) => fits(request, free(worker)))) return { kind: 'possible' };
  return { kind: 'later', waiting: explainFull(master, alive, appId) };
}

/** So many executors in a row that end before any task are no accident: Spark itself would start new ones for ever. */
const hopelessExecutors = 4;

/** The failure of an application whose executors end before they finish a task; null while there is hope. */
export function judgeLostExecutors(executors: readonly SparkExecutor[]): Failure | null {
  if (executors.some(({ tasksDone }) => tasksDone > 0)) return null;
  const ended = executors.filter(({ active }) => !active);
  if (ended.length < hopelessExecutors) return null;
  const reason = ended.findLast(({ removeReason }) => removeReason !== null)?.removeReason ?? 'no reason given';
  return cannot(
    `${ended.length} executors ended before they finished a task: ${reason}`,
    'their logs tell more: sparkplug exec spark-worker-1 -- sh -c "tail -n 40 /tmp/spark-work/app-*/*/stderr"',
  );
}

/** Reads the executors' size from Spark settings; what is not set stays null. */
export function readExecutorRequest(settings: ReadonlyMap<string, string>): ExecutorRequest {
  return {
    memoryMiB: parseSparkMemoryMiB(settings.get('spark.executor.memory')),
    cores: parseCores(settings.get('spark.executor.cores')),
    maxCores: parseCores(settings.get('spark.cores.max')),
  };
}

/** Spark's own units: `4g`, `512m`; a bare number is MiB (`spark.executor.memory` in Spark's configuration page). */
export function parseSparkMemoryMiB(text: string | undefined): number | null {
  const match = /^\s*(\d+)\s*(b|kb?|mb?|gb?|tb?|pb?)?\s*$/i.exec(text ?? '');
  if (match === null) return null;
  const unit = (match[2] ?? 'm').charAt(0).toLowerCase();
  const factors: Record<string, number> = { b: 1 / 1024 ** 2, k: 1 / 1024, m: 1, g: 1024, t: 1024 ** 2, p: 1024 ** 3 };
  return Math.floor(Number(match[1]) * (factors[unit] ?? 1));
}

function parseCores(text: string | undefined): number | null {
  return text !== undefined && /^\s*\d+\s*$/.test(text) ? Number(text) : null;
}

interface Room {
  readonly cores: number;
  readonly memoryMiB: number;
}

function free(worker: SparkWorker): Room {
  return { cores: worker.cores - worker.coresUsed, memoryMiB: worker.memoryMiB - worker.memoryUsedMiB };
}

function fits(request: ExecutorRequest, room: Room): boolean {
  return (request.memoryMiB ?? 0) <= room.memoryMiB && (request.cores ?? 1) <= room.cores;
}

function explainImpossible(request: ExecutorRequest, alive: readonly SparkWorker[]): Failure | null {
  const memoryMiB = Math.max(...alive.map((worker) => worker.memoryMiB));
  const cores = Math.max(...alive.map((worker) => worker.cores));
  if (request.memoryMiB !== null && request.memoryMiB > memoryMiB) {
    return cannot(
      `one executor asks for ${request.memoryMiB} MiB of heap, the largest of ${workers(alive)} gives ${memoryMiB} MiB`,
      `lower "spark.executor.memory" in the job to ${memoryMiB}m or less, or raise spark.worker.memory`,
    );
  }
  if (request.cores !== null && request.cores > cores) {
    return cannot(
      `one executor asks for ${count(request.cores, 'core')}, the largest of ${workers(alive)} has ${cores}`,
      `lower "spark.executor.cores" in the job to ${cores} or less, or raise spark.worker.cores`,
    );
  }
  if (request.cores !== null && request.maxCores !== null && request.cores > request.maxCores) {
    return cannot(
      `one executor asks for ${count(request.cores, 'core')}, the whole application may have ${request.maxCores}`,
      `lower "spark.executor.cores" in the job to ${request.maxCores} or less, or raise "spark.cores.max" there`,
    );
  }
  if (alive.some((worker) => fits(request, worker))) return null;
  return cannot(
    `no worker has both ${request.cores ?? 1} cores and ${request.memoryMiB ?? 0} MiB for one executor`,
    'lower "spark.executor.memory" or "spark.executor.cores" in the job',
  );
}

function explainNoWorkers(master: MasterState): Failure {
  const known = master.workers.length;
  return cannot(
    known === 0 ? 'no Spark worker has registered with the master' : `none of ${known} Spark workers is alive`,
    'sparkplug status, then sparkplug logs spark-worker-1',
  );
}

function explainFull(master: MasterState, alive: readonly SparkWorker[], appId: string | null): string {
  const total = alive.reduce((sum, worker) => sum + worker.cores, 0);
  const used = alive.reduce((sum, worker) => sum + worker.coresUsed, 0);
  const others = master.applications.filter((app) => app.id !== appId && app.cores > 0);
  const holders = others.map((app) => `${app.name} holds ${count(app.cores, 'core')}`).join(', ');
  return `waits for executors: ${used} of ${count(total, 'core')} in use${holders === '' ? '' : ` (${holders})`}`;
}

function cannot(message: string, hint: string): Failure {
  return { code: 'RUN_CANNOT_GET_EXECUTORS', message: `the run can never get an executor: ${message}`, hint };
}

function workers(alive: readonly SparkWorker[]): string {
  return count(alive.length, 'worker');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
