// First in, first out over all jobs, `parallel` at once; takes up what an earlier scheduler left unfinished.
import { createHash, randomInt } from 'node:crypto';
import { finishedStates, type JobDefinition, type NewRun, type Run } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { carryOutRun } from './carry-out-run.ts';
import { timestamp } from './clock.ts';
import { toFailure } from './failure.ts';
import { cancelledEnd } from './follow-attempt.ts';
import { pruneRuns } from './prune-runs.ts';
import type { RunContext } from './run-context.ts';
import { publicRun, type StoredRun } from './state/run-store.ts';

/** What the last `up` says about jobs and runs. */
export interface RunDefaults {
  readonly revision: number;
  readonly driverImage: string;
  readonly jobs: readonly JobDefinition[];
  readonly sparkConf: Readonly<Record<string, string>>;
  /** Runs at once. */
  readonly parallel: number;
  /** Finished runs that are kept. */
  readonly keep: number;
}

export interface RunQueue {
  /** Takes up unfinished runs and starts queued ones. */
  start(): void;
  /** `created` is false when the idempotency key was used before for the same request. */
  submit(request: RunRequest): { readonly run: Run; readonly created: boolean };
  /** Queues without starting: for a transaction of the caller, who calls `dispatch` after it. */
  enqueue(request: RunRequest): Run;
  /** Asks the run to stop; a finished one stays as it is. Throws RUN_UNKNOWN. */
  cancel(id: string): Run;
  /** Looks again whether a run can start: after a change of `parallel`. */
  dispatch(): void;
  /** Resolves when nothing is active; for tests and a tidy end. */
  settled(): Promise<void>;
}

export interface RunRequest {
  readonly job: string;
  readonly newRun: NewRun;
  readonly trigger: Run['trigger'];
  /** The moment of the schedule that asks for it. */
  readonly tick?: string;
  readonly idempotencyKey: string | null;
}

interface ActiveRun {
  readonly image: string;
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

/** `shutdown` leaves all runs where they are: their containers go on without the scheduler. */
export function createRunQueue(context: RunContext, defaults: () => RunDefaults, shutdown: AbortSignal): RunQueue {
  const active = new Map<string, ActiveRun>();

  const begin = (run: StoredRun): void => {
    const cancel = new AbortController();
    if (run.cancelRequested) cancel.abort();
    const done = carryOutRun(context, run.id, cancel.signal, shutdown)
      .catch((error: unknown) => failUnexpectedly(context, run.id, error, shutdown))
      .then(() => end(run.id));
    active.set(run.id, { image: run.image, cancel, done });
  };

  const end = async (id: string): Promise<void> => {
    active.delete(id);
    if (shutdown.aborted) return;
    context.executorLogs.save(id);
    dispatch();
    await prune();
  };

  const prune = (): Promise<void> =>
    pruneRuns(context, defaults().keep, shutdown).catch((error: unknown) => {
      if (!shutdown.aborted) context.record('problem', `old runs could not be removed: ${toFailure(error).message}`);
    });

  const dispatch = (): void => {
    if (shutdown.aborted) return;
    const queued = context.runs.unfinished().filter((run) => !active.has(run.id));
    let started = 0;
    for (const run of queued) {
      if (!mayStart(run, active, defaults().parallel)) break;
      begin(run);
      started += 1;
    }
    queued.slice(started).forEach((run, index) => {
      const waiting = explainQueue([...active.keys()], index);
      if (run.waiting !== waiting) context.runs.update(run.id, { waiting });
    });
  };

  return {
    start: () => {
      for (const run of context.runs.unfinished()) {
        if (run.state !== 'queued' || run.attempts.length > 0) begin(run);
      }
      dispatch();
      context.executorLogs.resume();
      void prune();
    },
    submit: (request) => {
      const known = findRepeated(context, request);
      if (known !== null) return { run: publicRun(known), created: false };
      const run = enqueue(context, request, defaults());
      dispatch();
      return { run: publicRun(context.runs.get(run.id) ?? run), created: true };
    },
    enqueue: (request) => publicRun(enqueue(context, request, defaults())),
    cancel: (id) => {
      const run = mustFind(context, id);
      if (finishedStates.includes(run.state)) return publicRun(run);
      context.runs.requestCancel(id);
      const running = active.get(id);
      if (running === undefined) cancelQueued(context, id);
      else running.cancel.abort();
      return publicRun(mustFind(context, id));
    },
    dispatch,
    settled: async () => {
      while (active.size > 0) await Promise.allSettled([...active.values()].map(({ done }) => done));
    },
  };
}

/** Runs at the same time share one image, since the waiting drivers are one service. */
function mayStart(run: StoredRun, active: ReadonlyMap<string, ActiveRun>, parallel: number): boolean {
  if (active.size >= parallel) return false;
  return [...active.values()].every(({ image }) => image === run.image);
}

function explainQueue(active: readonly string[], before: number): string {
  const others = before === 0 ? '' : `, and for ${before} queued before it`;
  return `waits for ${active.join(', ')}${others}`;
}

/** An idempotency key is forgotten after a day: whoever repeats a request does so within minutes. */
const keyValidMs = 24 * 60 * 60 * 1000;

function findRepeated(context: RunContext, request: RunRequest): StoredRun | null {
  if (request.idempotencyKey === null) return null;
  const known = context.runs.findKey(request.idempotencyKey);
  const run = known === null ? null : context.runs.get(known.run);
  if (known === null || run === null || context.clock.now() - Date.parse(run.queuedAt) > keyValidMs) return null;
  if (known.fingerprint !== fingerprintOf(request)) {
    throw new SparkPlugError('IDEMPOTENCY_CONFLICT', 'this idempotency key was used for another request', {
      place: 'Idempotency-Key',
      met: request.idempotencyKey,
      hint: `use a new key; the key belongs to run ${known.run}`,
    });
  }
  return run;
}

function enqueue(context: RunContext, request: RunRequest, defaults: RunDefaults): StoredRun {
  const { newRun, job } = request;
  const definition = newRun.definition ?? defaults.jobs.find(({ name }) => name === job);
  if (definition === undefined || definition.name !== job)
    throw unknownJob(
      job,
      defaults.jobs.map(({ name }) => name),
    );
  const record = {
    id: `${job}-${context.runs.nextNumber()}-${randomSuffix()}`,
    job,
    state: 'queued' as const,
    args: newRun.args ?? definition.args,
    trigger: request.trigger,
    tick: request.tick ?? null,
    image: newRun.driverImage ?? defaults.driverImage,
    imageDigest: null,
    queuedAt: timestamp(context.clock),
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    failure: null,
    waiting: null,
    progress: null,
    published: {},
    applications: [],
    definition,
    sparkConf: { ...(newRun.sparkConf ?? defaults.sparkConf) },
    revision: defaults.revision,
  };
  const key = request.idempotencyKey;
  return context.runs.insert(record, key === null ? null : { key, fingerprint: fingerprintOf(request) });
}

/** The numbers begin again with an empty history, while web may still have versions of earlier runs. */
function randomSuffix(): string {
  return randomInt(36 ** 4)
    .toString(36)
    .padStart(4, '0');
}

function fingerprintOf({ job, newRun }: RunRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([job, sortKeys(newRun)]))
    .digest('hex');
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, inner]) => [name, sortKeys(inner)]);
}

function cancelQueued(context: RunContext, id: string): void {
  const { exitCode, failure } = cancelledEnd();
  context.runs.update(id, {
    state: 'cancelled',
    exitCode,
    failure,
    waiting: null,
    finishedAt: timestamp(context.clock),
  });
  context.record('run', `run ${id} cancelled before it started`);
}

/** A bug must not leave a run that never ends. */
function failUnexpectedly(context: RunContext, id: string, error: unknown, shutdown: AbortSignal): void {
  if (shutdown.aborted) return;
  const failure = toFailure(error);
  context.runs.update(id, { state: 'failed', failure, waiting: null, finishedAt: timestamp(context.clock) });
  context.record('problem', `run ${id} failed: ${failure.message}`);
}

function mustFind(context: RunContext, id: string): StoredRun {
  const run = context.runs.get(id);
  if (run === null) throw unknownRun(id);
  return run;
}

export function unknownRun(id: string): SparkPlugError {
  return new SparkPlugError('RUN_UNKNOWN', `there is no run ${id}`, { met: id, hint: 'sparkplug runs list' });
}

export function unknownJob(job: string, known: readonly string[]): SparkPlugError {
  return new SparkPlugError('JOB_UNKNOWN', `the project has no job ${job}`, {
    met: job,
    hint: `known jobs: ${known.join(', ')}; a new one is known after sparkplug up`,
  });
}
