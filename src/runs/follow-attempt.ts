// Stays with one attempt from hand-over to the end of its container: its log, its progress, its limits, its exit code.

import type { Failure } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { formatDuration } from '../units.ts';
import type { DriverContainer } from './driver-host.ts';
import { announcedApplication, noteApplication } from './note-application.ts';
import { limits, type RunContext } from './run-context.ts';
import { advanceCursor, linesAfter, openRunLog, type RunLog, runLogFile } from './run-log.ts';
import { type LogCursor, runKey, type StoredAttempt, type StoredRun } from './state/run-store.ts';
import { watchAttempt } from './watch-attempt.ts';

/** How an attempt ended. `failure` null: the job exited with 0. */
export interface AttemptEnd {
  readonly exitCode: number | null;
  readonly failure: Failure | null;
}

/** Exit code of a run that was cancelled: as a shell reports an interrupt. */
export const cancelledExitCode = 130;
/** Exit code of a run that took too long: as timeout(1) reports it. */
const timedOutExitCode = 124;

/**
 * Follows until the container has ended. `cancelled` stops the job; `shutdown` leaves it alone and throws, so that
 * the next scheduler takes it up.
 */
export async function followAttempt(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  cancelled: AbortSignal,
  shutdown: AbortSignal,
): Promise<AttemptEnd> {
  const ended = new AbortController();
  const signal = AbortSignal.any([shutdown, ended.signal]);
  let stopped: AttemptEnd | null = null;
  const stop = (end: AttemptEnd): void => {
    if (stopped !== null || signal.aborted) return;
    stopped = end;
    void terminate(context, attempt.container, signal);
  };
  const cancel = (): void => stop(cancelledEnd());
  cancelled.addEventListener('abort', cancel, { once: true });
  if (cancelled.aborted) cancel();
  void limitTime(context, run, attempt, signal).then((end) => end !== null && stop(end));
  void watchAttempt(context, attempt, signal).then((failure) => failure !== null && stop({ exitCode: null, failure }));
  try {
    const container = await readToTheEnd(context, attempt, shutdown);
    return stopped ?? explainExit(context, run, container);
  } finally {
    cancelled.removeEventListener('abort', cancel);
    ended.abort();
  }
}

/** How a run ends that was cancelled. */
export function cancelledEnd(): AttemptEnd {
  return {
    exitCode: cancelledExitCode,
    failure: { code: 'RUN_CANCELLED', message: 'the run was cancelled', hint: null },
  };
}

/** Reads the log until the container has ended; null when the container is gone. */
async function readToTheEnd(
  context: RunContext,
  attempt: StoredAttempt,
  shutdown: AbortSignal,
): Promise<DriverContainer | null> {
  const stored = context.runs.get(attempt.run);
  const before = await inspectPatiently(context, attempt.container, shutdown);
  if (before === null || stored === null) return null;
  const log = openRunLog(
    runLogFile(context.logFolder, attempt.run),
    { bytes: stored.logBytes, lines: stored.logLines },
    context.logCapBytes,
  );
  let cursor = attempt.logCursor;
  try {
    for (;;) {
      cursor = await copyLog(context, { ...attempt, logCursor: cursor }, log, shutdown);
      // The stream also ends when the engine restarts: only the container's own state says that it is over.
      const container = await inspectPatiently(context, attempt.container, shutdown);
      if (container === null || !container.running) return container;
      await context.clock.wait(limits.driverPollMs, shutdown);
    }
  } finally {
    log.close();
  }
}

const silentEngineMs = 120_000;

/** An engine that is restarting does not answer for a while; that says nothing about the job. */
async function inspectPatiently(
  context: RunContext,
  container: string,
  shutdown: AbortSignal,
): Promise<DriverContainer | null> {
  const deadline = context.clock.now() + silentEngineMs;
  for (;;) {
    try {
      return await context.drivers.inspect(container, shutdown);
    } catch (error) {
      shutdown.throwIfAborted();
      if (context.clock.now() >= deadline) throw error;
      await context.clock.wait(1_000, shutdown);
    }
  }
}

/** Appends what the container writes; the position is stored at most twice a second, and at the end. */
async function copyLog(
  context: RunContext,
  attempt: StoredAttempt,
  log: RunLog,
  shutdown: AbortSignal,
): Promise<LogCursor> {
  let cursor = attempt.logCursor;
  let savedAt = context.clock.now();
  const save = (): void => {
    savedAt = context.clock.now();
    context.runs.saveLog(attempt.run, attempt.number, { ...log.position, cursor });
  };
  const since = cursor.timestamp;
  const ended = new AbortController();
  const signal = AbortSignal.any([shutdown, ended.signal]);
  void endHangingLog(context, attempt.container, ended, signal);
  try {
    for await (const line of linesAfter(cursor, context.drivers.followLog(attempt.container, since, signal))) {
      shutdown.throwIfAborted();
      if (line.text !== moduleNotice) log.append(line.text);
      const application = announcedApplication(line.text);
      if (application !== null) noteApplication(context, attempt.run, application);
      cursor = advanceCursor(cursor, line);
      if (context.clock.now() - savedAt >= saveLogMs) save();
      context.changes.changed(runKey(attempt.run));
    }
  } catch (error) {
    // A container that was removed ends its log with an error; its state is looked at next. A full disk is told.
    if (!(error instanceof SparkPlugError)) throw error;
  } finally {
    ended.abort();
  }
  shutdown.throwIfAborted();
  save();
  return cursor;
}

/** What the JVM prints at each start because of a module that Spark asks for; it is no concern of the job's author. */
const moduleNotice = 'WARNING: Using incubator modules: jdk.incubator.vector';
const saveLogMs = 500;
const hangingLogMs = 5_000;

/** The engine has been seen to keep a log open after its container's end; one look more, then it is cut. */
async function endHangingLog(
  context: RunContext,
  container: string,
  ended: AbortController,
  signal: AbortSignal,
): Promise<void> {
  for (let looksAfterEnd = 0; !signal.aborted; ) {
    try {
      await context.clock.wait(hangingLogMs, signal);
      const found = await context.drivers.inspect(container, signal);
      looksAfterEnd = found?.running === true ? 0 : looksAfterEnd + 1;
      if (looksAfterEnd > 1) ended.abort();
    } catch {
      // The engine did not answer: it is asked again, unless the log has ended.
    }
  }
}

async function limitTime(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  signal: AbortSignal,
): Promise<AttemptEnd | null> {
  const { timeoutMs } = run.definition;
  if (timeoutMs === null) return null;
  const leftMs = Date.parse(attempt.startedAt) + timeoutMs - context.clock.now();
  try {
    await context.clock.wait(Math.max(0, leftMs), signal);
  } catch {
    return null;
  }
  const failure = {
    code: 'RUN_TIMED_OUT',
    message: `the job ran longer than its timeout of ${formatDuration(timeoutMs)}`,
    hint: `raise jobs.${run.job}.timeout, or see where it hangs: sparkplug runs logs ${run.id}`,
  };
  return { exitCode: timedOutExitCode, failure };
}

async function terminate(context: RunContext, container: string, signal: AbortSignal): Promise<void> {
  try {
    await context.drivers.kill(container, 'SIGTERM').catch(() => undefined);
    await context.clock.wait(limits.stopGraceMs, signal);
    await context.drivers.kill(container, 'SIGKILL').catch(() => undefined);
  } catch {
    // It ended by itself within its grace, or the scheduler is leaving.
  }
}

function explainExit(context: RunContext, run: StoredRun, container: DriverContainer | null): AttemptEnd {
  if (container === null || container.exitCode === null) {
    return lost('its container is gone');
  }
  const { exitCode, outOfMemory } = container;
  if (exitCode === 0) return { exitCode, failure: null };
  const logs = `sparkplug runs logs ${run.id}`;
  if (outOfMemory) {
    const message = `the job ran out of the driver container's memory (exit code ${exitCode})`;
    const hint = `collect less data in the driver, or start fewer Python processes; ${logs}`;
    return { exitCode, failure: { code: 'RUN_OUT_OF_MEMORY', message, hint } };
  }
  const operation = context.gate.closedBy();
  if ((exitCode === 143 || exitCode === 137) && operation !== null) return lost(`${operation} replaced its container`);
  return { exitCode, failure: { code: 'RUN_FAILED', message: `the job exited with code ${exitCode}`, hint: logs } };
}

function lost(why: string): AttemptEnd {
  const message = `the run was lost with its driver: ${why}`;
  return { exitCode: null, failure: { code: 'DRIVER_LOST', message, hint: 'sparkplug run again, or set `retries`' } };
}
