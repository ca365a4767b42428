// Gives a run to a waiting driver container of its image; which container is on record before it is asked.

import { SparkPlugError } from '../errors.ts';
import { formatDuration } from '../units.ts';
import { timestamp } from './clock.ts';
import type { DriverContainer, HandOverAnswer, RunOrder } from './driver-host.ts';
import { toFailure } from './failure.ts';
import { judgeExecutors, readExecutorRequest } from './judge-executors.ts';
import { limits, type RunContext, type RunShare } from './run-context.ts';
import { cursorAt } from './run-log.ts';
import type { StoredAttempt, StoredRun } from './state/run-store.ts';

/** No container of the run's image is there, and none will come before the service's image is changed. */
export type WrongImage = 'wrong-image';

/**
 * Starts attempt `number` and returns it once a driver has accepted it; the container stays claimed.
 * `signal` ends the waiting, `shutdown` the hand-over itself. Throws JOB_FILE_MISSING, RUN_CANNOT_GET_EXECUTORS, DRIVER_UNAVAILABLE.
 */
export async function startAttempt(
  context: RunContext,
  run: StoredRun,
  number: number,
  signal: AbortSignal,
  shutdown: AbortSignal,
): Promise<StoredAttempt | WrongImage> {
  await refuseImpossibleExecutors(context, run, signal);
  const deadline = context.clock.now() + limits.driverWaitMs;
  let refusal = 'no waiting driver container';
  for (;;) {
    signal.throwIfAborted();
    const container = await findDriver(context, run, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      refusal = toFailure(error).message;
      return null;
    });
    if (container === 'wrong-image') return container;
    if (container !== null) {
      // Not to be interrupted by a cancel: whether the driver has taken the run must be known.
      const outcome = await offer(context, run, number, container, shutdown);
      if (typeof outcome !== 'string') return outcome;
      refusal = outcome;
    }
    if (context.clock.now() >= deadline) throw driverUnavailable(run, refusal);
    await context.clock.wait(limits.driverPollMs, signal);
  }
}

/** The order for the driver's hand-over program. */
export async function prepareOrder(
  context: RunContext,
  run: StoredRun,
  attempt: number,
  signal: AbortSignal,
): Promise<RunOrder> {
  const { definition } = run;
  const share = await context.share();
  // Spark ends a job that cannot write its event log, so it stays off where HDFS is not ready.
  const eventLog = share.eventLog && (await context.eventLogs.prepare(signal));
  return {
    runId: run.id,
    attempt,
    job: run.job,
    main: definition.main,
    class: definition.className,
    args: run.args,
    env: definition.env,
    conf: {
      ...run.sparkConf,
      ...limitCores(run.sparkConf, share),
      'spark.hadoop.dfs.replication': String(share.replication),
      'spark.eventLog.enabled': String(eventLog),
    },
  };
}

const coresMaxKey = 'spark.cores.max';

/** The run may ask for fewer cores than its share, never for more. */
function limitCores(sparkConf: StoredRun['sparkConf'], { coresMax }: RunShare): Readonly<Record<string, string>> {
  if (coresMax === null) return {};
  const asked = Number.parseInt(sparkConf[coresMaxKey] ?? '', 10);
  return { [coresMaxKey]: String(asked > 0 ? Math.min(asked, coresMax) : coresMax) };
}

/** On record before the container is asked. One that is asked again after it was not ready is on record already. */
function recordAttempt(context: RunContext, run: StoredRun, number: number, container: DriverContainer): StoredAttempt {
  const known = context.runs.lastAttempt(run.id);
  if (known?.number === number && known.container === container.id) return known;
  const startedAt = timestamp(context.clock);
  const attempt: StoredAttempt = {
    run: run.id,
    number,
    startedAt,
    finishedAt: null,
    exitCode: null,
    failure: null,
    container: container.id,
    address: container.address,
    logCursor: cursorAt(startedAt),
  };
  context.runs.putAttempt(attempt);
  context.runs.update(run.id, { imageDigest: container.imageId });
  return attempt;
}

/** Throws where the job itself is why the driver did not take it. */
export function refuseWrongJob(run: StoredRun, answer: HandOverAnswer): void {
  if (answer.kind === 'main-missing') throw jobFileMissing(run);
  if (answer.kind !== 'rejected') return;
  throw new SparkPlugError('JOB_REFUSED', `the driver does not take the job: ${answer.reason}`, {
    place: `jobs.${run.job}`,
    hint: `correct jobs.${run.job} in sparkplug.yaml`,
  });
}

function jobFileMissing(run: StoredRun): SparkPlugError {
  return new SparkPlugError('JOB_FILE_MISSING', `the image of this run has no file ${run.definition.main}`, {
    place: `jobs.${run.job}.main`,
    met: run.definition.main,
    hint: 'correct `main` in sparkplug.yaml, then `sparkplug run`: it makes the image anew',
  });
}

/** An idle driver, claimed; null while one is still on its way. */
async function findDriver(
  context: RunContext,
  run: StoredRun,
  signal: AbortSignal,
): Promise<DriverContainer | WrongImage | null> {
  const containers = await context.drivers.list(signal);
  const fitting = containers.filter(({ image }) => image === run.image);
  const idle = fitting.find(({ id }) => !context.claimed.has(id));
  // Claimed in the same breath: parallel runs look at the same list.
  if (idle !== undefined) context.claimed.add(idle.id);
  if (idle !== undefined || fitting.length > 0) return idle ?? null;
  return (await context.images.current(signal)) === run.image ? null : 'wrong-image';
}

/** The accepted attempt, or why the container refused. */
async function offer(
  context: RunContext,
  run: StoredRun,
  number: number,
  container: DriverContainer,
  signal: AbortSignal,
): Promise<StoredAttempt | string> {
  const attempt = recordAttempt(context, run, number, container);
  const order = await prepareOrder(context, run, number, signal);
  const answer = await context.drivers.handOver(container.id, order, signal).catch((error: unknown): HandOverAnswer => {
    signal.throwIfAborted();
    // The container may have ended just now. If it has taken the run all the same, it says so when asked again.
    return { kind: 'refused', reason: toFailure(error).message };
  });
  if (answer.kind === 'accepted') return attempt;
  context.claimed.delete(container.id);
  refuseWrongJob(run, answer);
  return answer.kind === 'refused' ? answer.reason : 'unknown';
}

/** What can be known before the job starts: the run's own settings against the workers that are there. */
async function refuseImpossibleExecutors(context: RunContext, run: StoredRun, signal: AbortSignal): Promise<void> {
  const request = readExecutorRequest(new Map(Object.entries(run.sparkConf)));
  if (request.memoryMiB === null && request.cores === null) return;
  const master = await context.spark.master(signal).catch(() => null);
  signal.throwIfAborted();
  if (master === null) return;
  const verdict = judgeExecutors(request, master, null);
  if (verdict.kind !== 'never') return;
  const { message, hint } = verdict.failure;
  throw new SparkPlugError('RUN_CANNOT_GET_EXECUTORS', message, hint === null ? {} : { hint });
}

function driverUnavailable(run: StoredRun, refusal: string): SparkPlugError {
  return new SparkPlugError('DRIVER_UNAVAILABLE', 'no driver container took the run', {
    place: 'spark-driver',
    met: `${refusal} (image ${run.image}, waited ${formatDuration(limits.driverWaitMs)})`,
    hint: 'sparkplug logs spark-driver',
  });
}
