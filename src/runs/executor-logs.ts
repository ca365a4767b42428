// What the executors of a run wrote, kept with the run: fetched from their workers once it has ended, since workers
// remove it after a while and lose it with their container.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutorOutput, WorkerExecutor } from '../adapters/spark/spark-worker.ts';
import { finishedStates } from '../api/schemas.ts';
import type { Clock } from './clock.ts';
import { toFailure } from './failure.ts';
import type { SparkView } from './run-context.ts';
import type { RunStore, StoredRun } from './state/run-store.ts';

export interface ExecutorLog extends WorkerExecutor {
  /** `executor-N`, counted over all applications of the run. */
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
}

export interface ExecutorLogs {
  /** Begins to fetch what the workers have of a run that has ended. Never throws. */
  save(run: string): void;
  /** Takes up what an earlier scheduler did not get to. */
  resume(): void;
  /** What is kept of the run; waits while it is being fetched. */
  list(run: string): Promise<readonly ExecutorLog[]>;
  remove(run: string): void;
}

export interface ExecutorLogParts {
  readonly runs: Pick<RunStore, 'get' | 'list'>;
  readonly spark: Pick<SparkView, 'master' | 'workerExecutors' | 'executorOutput'>;
  readonly clock: Clock;
  readonly logFolder: string;
  readonly record: (kind: string, message: string) => void;
}

/** Of each of an executor's two streams: 1 MiB for both. */
const streamBytes = 512 * 1024;
/** Executors that lost their driver write their last lines within about a second. */
const lastLinesMs = 1_500;
const tries = 3;
const pauseMs = 5_000;
/** Workers keep the output of an ended application for an hour (`spark.worker.cleanup.appDataTtl`). */
const keptByWorkersMs = 60 * 60_000;
/** Files on disk; a cluster with more executors keeps the logs of these. */
const mostExecutors = 500;

export function createExecutorLogs(parts: ExecutorLogParts, shutdown: AbortSignal): ExecutorLogs {
  const { runs, clock, logFolder } = parts;
  const fetching = new Map<string, Promise<void>>();
  const folderOf = (run: string): string => join(logFolder, `${run}.executors`);

  const save = (id: string): void => {
    const run = runs.get(id);
    if (run === null || run.applications.length === 0 || fetching.has(id)) return;
    const done = fetchPatiently(parts, run, folderOf(id), shutdown)
      .catch((error: unknown) => {
        if (!shutdown.aborted)
          parts.record('problem', `logs of the executors of ${id} could not be kept: ${toFailure(error).message}`);
      })
      .finally(() => fetching.delete(id));
    fetching.set(id, done);
  };
  return {
    save,
    resume: () => {
      const since = clock.now() - keptByWorkersMs;
      for (const { id, state, finishedAt } of runs.list({ limit: 50 }).runs) {
        const recent = finishedStates.includes(state) && Date.parse(finishedAt ?? '') >= since;
        if (recent && sizeOf(folderOf(id)) === null) save(id);
      }
    },
    list: async (id) => {
      await fetching.get(id);
      return listFolder(folderOf(id), runs.get(id)?.applications ?? []);
    },
    remove: (id) => rmSync(folderOf(id), { recursive: true, force: true }),
  };
}

/** The folder appears whole: its presence says that nothing is left to fetch. */
async function fetchPatiently(
  parts: ExecutorLogParts,
  run: StoredRun,
  folder: string,
  shutdown: AbortSignal,
): Promise<void> {
  await parts.clock.wait(lastLinesMs, shutdown);
  const draft = `${folder}.draft`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      rmSync(draft, { recursive: true, force: true });
      mkdirSync(draft, { recursive: true });
      await fetchAll(parts, run, draft, shutdown);
      break;
    } catch (error) {
      shutdown.throwIfAborted();
      if (attempt === tries) throw error;
      await parts.clock.wait(pauseMs, shutdown);
    }
  }
  // The run may have been dropped from the history meanwhile.
  if (parts.runs.get(run.id) === null) rmSync(draft, { recursive: true, force: true });
  else renameSync(draft, folder);
}

async function fetchAll(parts: ExecutorLogParts, run: StoredRun, draft: string, signal: AbortSignal): Promise<void> {
  const { spark } = parts;
  const { workers } = await spark.master(signal);
  let room = mostExecutors;
  for (const { host, alive } of workers) {
    if (!alive) continue;
    const executors = await spark.workerExecutors(host, signal);
    for (const one of executors.filter(({ application }) => run.applications.includes(application))) {
      if (room <= 0) return;
      room -= 1;
      const [stderr, stdout] = await Promise.all([
        spark.executorOutput(host, one, 'stderr', streamBytes, signal),
        spark.executorOutput(host, one, 'stdout', streamBytes, signal),
      ]);
      if (stderr !== null || stdout !== null) {
        writeFileSync(join(draft, fileName(one)), renderLog(one, host, stderr, stdout));
      }
    }
  }
}

function renderLog(
  { application, executor }: WorkerExecutor,
  host: string,
  stderr: ExecutorOutput | null,
  stdout: ExecutorOutput | null,
): string {
  const part = (name: string, output: ExecutorOutput | null): string => {
    const { text, totalBytes } = output ?? { text: '', totalBytes: 0 };
    const cut = totalBytes > streamBytes ? `, the last ${streamBytes} of ${totalBytes} bytes` : '';
    const end = text === '' || text.endsWith('\n') ? '' : '\n';
    return `[sparkplug] ${name}${cut}${totalBytes === 0 ? ': none' : ''}\n${text}${end}`;
  };
  const head = `[sparkplug] executor ${executor} of ${application}, on the worker at ${host}\n`;
  return head + part('standard error', stderr) + part('standard output', stdout);
}

function fileName({ application, executor }: WorkerExecutor): string {
  return `${application}_${executor}.log`;
}

/** By application in the order of the run, then by Spark's number of the executor. */
function listFolder(folder: string, applications: readonly string[]): ExecutorLog[] {
  if (sizeOf(folder) === null) return [];
  const found = readdirSync(folder).flatMap((name) => {
    const [, application, executor] = /^(app-[\d-]+)_(\d+)\.log$/.exec(name) ?? [];
    if (application === undefined || executor === undefined) return [];
    const file = join(folder, name);
    return [{ application, executor, file, bytes: sizeOf(file) ?? 0 }];
  });
  const place = ({ application }: { readonly application: string }): number => applications.indexOf(application);
  return found
    .toSorted((a, b) => place(a) - place(b) || Number(a.executor) - Number(b.executor))
    .map((log, index) => ({ name: `executor-${index}`, ...log }));
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
