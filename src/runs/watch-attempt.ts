// Looks at a running job about once a second: progress by stages, executors it waits for, whether its container lives.
import type { Failure, Progress } from '../api/schemas.ts';
import { judgeExecutors, judgeLostExecutors, readExecutorRequest } from './judge-executors.ts';
import { noteApplication } from './note-application.ts';
import { limits, type RunContext } from './run-context.ts';
import { measureProgress } from './stage-progress.ts';
import type { StoredAttempt } from './state/run-store.ts';

/** Looks until `signal` aborts or the application can never get executors: then that failure. Never throws. */
export async function watchAttempt(
  context: RunContext,
  attempt: StoredAttempt,
  signal: AbortSignal,
): Promise<Failure | null> {
  const executors = createExecutorWatch(context, attempt);
  let openSince: number | null = null;
  while (!signal.aborted) {
    try {
      await context.clock.wait(limits.watchMs, signal);
      if (attempt.address === null) continue;
      if (openSince === null && (await context.spark.listening(attempt.address, signal)))
        openSince = context.clock.now();
      if (openSince === null) continue;
      const look = context.clock.now() - openSince < limits.progressDelayMs ? lookFromOutside : lookInside;
      const failure = await look(context, attempt, attempt.address, executors, signal);
      if (failure !== null) return failure;
    } catch {
      // A job without Spark, or one that is just starting or ending: nothing to see yet.
    }
  }
  return null;
}

type Look = (
  context: RunContext,
  attempt: StoredAttempt,
  address: string,
  executors: ExecutorWatch,
  signal: AbortSignal,
) => Promise<Failure | null>;

/** Asks the master alone, for the application that the driver's log has announced: that costs the job nothing. */
const lookFromOutside: Look = async (context, attempt, address, executors, signal) => {
  const application = context.runs.get(attempt.run)?.applications.at(-1);
  return application === undefined ? null : await executors(application, address, signal);
};

const lookInside: Look = async (context, attempt, address, executors, signal) => {
  const application = await context.spark.application(address, signal);
  if (application === null || signal.aborted) return null;
  noteApplication(context, attempt.run, application);
  const progress = measureProgress(await context.spark.stages(address, application, signal));
  if (signal.aborted) return null;
  if (progress !== null) saveProgress(context, attempt.run, progress);
  const refused = await executors(application, address, signal);
  // A job whose tasks get done is spared the further question.
  if (refused !== null || signal.aborted || (progress?.tasksDone ?? 0) > 0) return refused;
  return judgeLostExecutors(await context.spark.executors(address, application, signal));
};

function saveProgress(context: RunContext, run: string, progress: Progress): void {
  const known = context.runs.get(run)?.progress ?? null;
  if (JSON.stringify(known) !== JSON.stringify(progress)) context.runs.update(run, { progress });
}

type ExecutorWatch = (application: string, address: string, signal: AbortSignal) => Promise<Failure | null>;

/** Asks the master until the application has cores; remembers since when it has been refused. */
function createExecutorWatch(context: RunContext, attempt: StoredAttempt): ExecutorWatch {
  let granted: string | null = null;
  let refusedSince: number | null = null;
  return async (application, address, signal) => {
    if (granted === application) return null;
    const master = await context.spark.master(signal);
    const known = master.applications.find(({ id }) => id === application);
    if (known === undefined) return null;
    if (known.cores > 0) {
      granted = application;
      refusedSince = null;
      setWaiting(context, attempt.run, null, signal);
      return null;
    }
    refusedSince ??= context.clock.now();
    const settings = await context.spark.settings(address, application, signal).catch(() => new Map<string, string>());
    const request = { ...readExecutorRequest(settings), memoryMiB: known.executorMemoryMiB };
    const verdict = judgeExecutors(request, master, application);
    const refusedMs = context.clock.now() - refusedSince;
    if (verdict.kind === 'never' && refusedMs >= limits.impossibleExecutorsMs) return verdict.failure;
    if (verdict.kind === 'no-workers' && refusedMs >= limits.noWorkersMs) return verdict.failure;
    setWaiting(context, attempt.run, verdict.kind === 'later' ? verdict.waiting : 'waits for executors', signal);
    return null;
  };
}

function setWaiting(context: RunContext, run: string, waiting: string | null, signal: AbortSignal): void {
  if (!signal.aborted && context.runs.get(run)?.waiting !== waiting) context.runs.update(run, { waiting });
}
