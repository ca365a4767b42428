// One run from the head of the queue to its end. Every step starts from what is stored, so that a new scheduler
// goes on exactly where the last one stopped.

import type { Failure } from '../api/schemas.ts';
import { timestamp } from './clock.ts';
import { rethrowAbort, toFailure } from './failure.ts';
import { cancelledEnd, followAttempt } from './follow-attempt.ts';
import { publishResults } from './publish-results.ts';
import { isRetried, retryDelayMs } from './retry.ts';
import type { RunContext } from './run-context.ts';
import { openRunLog, runLogFile } from './run-log.ts';
import { prepareOrder, refuseWrongJob, startAttempt } from './start-attempt.ts';
import type { StoredAttempt, StoredRun } from './state/run-store.ts';

/** Ends when the run has ended; throws the reason of `shutdown` when that comes first. */
export async function carryOutRun(
  context: RunContext,
  id: string,
  cancelled: AbortSignal,
  shutdown: AbortSignal,
): Promise<void> {
  for (;;) {
    const run = mustGet(context, id);
    const attempt = context.runs.lastAttempt(id);
    const next = chooseNext(run, attempt);
    switch (next.kind) {
      case 'attempt':
        await makeAttempt(context, run, next.number, next.notBeforeMs, cancelled, shutdown);
        break;
      case 'resume':
        await resumeAttempt(context, run, next.attempt, cancelled, shutdown);
        break;
      case 'publish':
        await publish(context, run, next.attempt, shutdown);
        return;
      case 'finish':
        finish(context, run, next.state, next.exitCode, next.failure);
        return;
    }
  }
}

export type NextStep =
  | { readonly kind: 'attempt'; readonly number: number; readonly notBeforeMs: number }
  | { readonly kind: 'resume'; readonly attempt: StoredAttempt }
  | { readonly kind: 'publish'; readonly attempt: StoredAttempt }
  | {
      readonly kind: 'finish';
      readonly state: 'failed' | 'cancelled';
      readonly exitCode: number | null;
      readonly failure: Failure;
    };

/** What comes next for an unfinished run, from what is stored alone. */
export function chooseNext(run: StoredRun, attempt: StoredAttempt | null): NextStep {
  if (attempt !== null && attempt.finishedAt === null) return { kind: 'resume', attempt };
  if (attempt !== null && attempt.failure === null) return { kind: 'publish', attempt };
  const { failure: cancelFailure, exitCode } = cancelledEnd();
  if (run.cancelRequested && cancelFailure !== null) {
    return { kind: 'finish', state: 'cancelled', exitCode, failure: cancelFailure };
  }
  // Found before any container was asked: stored with the run itself.
  if (run.failure !== null) return { kind: 'finish', state: 'failed', exitCode: run.exitCode, failure: run.failure };
  if (attempt === null || attempt.failure === null) return { kind: 'attempt', number: 1, notBeforeMs: 0 };
  if (!isRetried(attempt.failure.code, attempt.number, run.definition.retries)) {
    return { kind: 'finish', state: 'failed', exitCode: attempt.exitCode, failure: attempt.failure };
  }
  const endedMs = Date.parse(attempt.finishedAt ?? attempt.startedAt);
  return { kind: 'attempt', number: attempt.number + 1, notBeforeMs: endedMs + retryDelayMs(attempt.number) };
}

async function makeAttempt(
  context: RunContext,
  run: StoredRun,
  number: number,
  notBeforeMs: number,
  cancelled: AbortSignal,
  shutdown: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([cancelled, shutdown]);
  try {
    await waitForRetry(context, run, number, notBeforeMs, signal);
    if (number > 1) noteAttempt(context, run, number);
    while (!(await tryAttempt(context, run, number, cancelled, shutdown))) {
      context.runs.update(run.id, { waiting: 'waits for a driver container with this version of the app' });
      await context.images.set(run.image, run.id, signal);
    }
  } catch (error) {
    shutdown.throwIfAborted();
    giveUpStarting(context, run, cancelled, error);
  }
}

/** Starts and follows the attempt; false when the drivers are of another image, which only a change mends. */
async function tryAttempt(
  context: RunContext,
  run: StoredRun,
  number: number,
  cancelled: AbortSignal,
  shutdown: AbortSignal,
): Promise<boolean> {
  const signal = AbortSignal.any([cancelled, shutdown]);
  const leave = await enterGate(context, run, signal);
  try {
    context.runs.update(run.id, { state: 'starting', waiting: null, progress: null });
    const attempt = await startAttempt(context, run, number, signal, shutdown);
    if (attempt === 'wrong-image') return false;
    await follow(context, run, attempt, cancelled, shutdown);
    return true;
  } finally {
    leave();
  }
}

/** Ends what did not begin: cancelled meanwhile, or impossible to start. */
function giveUpStarting(context: RunContext, run: StoredRun, cancelled: AbortSignal, error: unknown): void {
  const end = cancelled.aborted ? cancelledEnd() : { exitCode: null, failure: toFailure(error) };
  const attempt = context.runs.lastAttempt(run.id);
  if (attempt !== null && attempt.finishedAt === null) closeAttempt(context, attempt, end);
  else if (!cancelled.aborted) context.runs.update(run.id, { failure: end.failure });
}

async function waitForRetry(
  context: RunContext,
  run: StoredRun,
  number: number,
  notBeforeMs: number,
  signal: AbortSignal,
): Promise<void> {
  const delayMs = notBeforeMs - context.clock.now();
  if (delayMs <= 0) return;
  const attempts = run.definition.retries + 1;
  const waiting = `attempt ${number} of ${attempts} starts at ${new Date(notBeforeMs).toISOString()}`;
  context.runs.update(run.id, { state: 'starting', waiting, progress: null });
  await context.clock.wait(delayMs, signal);
}

async function enterGate(context: RunContext, run: StoredRun, signal: AbortSignal): Promise<() => void> {
  const closed = context.gate.closedBy();
  if (closed !== null) context.runs.update(run.id, { waiting: `waits until ${closed} has changed the cluster` });
  return context.gate.enter(run.id, signal);
}

function noteAttempt(context: RunContext, run: StoredRun, number: number): void {
  const stored = mustGet(context, run.id);
  const file = runLogFile(context.logFolder, run.id);
  const log = openRunLog(file, { bytes: stored.logBytes, lines: stored.logLines }, context.logCapBytes);
  log.append(`[sparkplug] attempt ${number} of ${run.definition.retries + 1}`);
  context.runs.saveLog(run.id, null, { ...log.position, cursor: null });
  log.close();
}

/** An attempt that another scheduler began: is its container still at it, done, or gone? */
async function resumeAttempt(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  cancelled: AbortSignal,
  shutdown: AbortSignal,
): Promise<void> {
  const leave = context.gate.occupy(run.id);
  try {
    if (run.state !== 'starting' || (await hasBegun(context, run, attempt, shutdown))) {
      await follow(context, run, attempt, cancelled, shutdown);
      return;
    }
  } catch (error) {
    shutdown.throwIfAborted();
    giveUpStarting(context, run, cancelled, error);
    return;
  } finally {
    leave();
  }
  await makeAttempt(context, run, attempt.number, 0, cancelled, shutdown);
}

/** True when the container has the attempt: it says so, it takes it now, or it wrote something since and ended. */
async function hasBegun(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  signal: AbortSignal,
): Promise<boolean> {
  const container = await context.drivers.inspect(attempt.container, signal);
  if (container === null) return false;
  if (!container.running) return context.drivers.hasLogged(attempt.container, attempt.logCursor.timestamp, signal);
  const state = await context.drivers.state(attempt.container, signal);
  if (state.kind === 'running') return state.runId === run.id && state.attempt === attempt.number;
  const order = await prepareOrder(context, run, attempt.number, signal);
  const answer = await context.drivers.handOver(attempt.container, order, signal);
  refuseWrongJob(run, answer);
  return answer.kind === 'accepted';
}

async function follow(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  cancelled: AbortSignal,
  shutdown: AbortSignal,
): Promise<void> {
  context.claimed.add(attempt.container);
  context.runs.update(run.id, { state: 'running', startedAt: run.startedAt ?? attempt.startedAt, waiting: null });
  try {
    const end = await followAttempt(context, run, attempt, cancelled, shutdown);
    shutdown.throwIfAborted();
    closeAttempt(context, attempt, end);
  } finally {
    context.claimed.delete(attempt.container);
  }
}

function closeAttempt(
  context: RunContext,
  attempt: StoredAttempt,
  end: { readonly exitCode: number | null; readonly failure: Failure | null },
): void {
  context.runs.updateAttempt(attempt.run, attempt.number, { ...end, finishedAt: timestamp(context.clock) });
}

async function publish(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  shutdown: AbortSignal,
): Promise<void> {
  if (run.definition.results.length > 0) context.runs.update(run.id, { state: 'publishing', waiting: null });
  try {
    await publishResults(context, run, attempt, shutdown);
  } catch (error) {
    rethrowAbort(error, shutdown);
    finish(context, run, 'failed', attempt.exitCode, toFailure(error));
    return;
  }
  context.record('run', `run ${run.id} succeeded`);
}

function finish(
  context: RunContext,
  run: StoredRun,
  state: 'failed' | 'cancelled',
  exitCode: number | null,
  failure: Failure,
): void {
  context.runs.update(run.id, { state, exitCode, failure, waiting: null, finishedAt: timestamp(context.clock) });
  context.record('run', `run ${run.id} ${state}: ${failure.message}`);
}

function mustGet(context: RunContext, id: string): StoredRun {
  const run = context.runs.get(id);
  if (run === null) throw new Error(`there is no run ${id}`);
  return run;
}
