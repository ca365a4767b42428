// Use case: take Spark workers out of a running cluster: they get no new executors, and those they have move what they
// hold (cached and shuffled blocks) to others before they end.
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { Clock } from '../runs/clock.ts';
import { formatDuration } from '../units.ts';
import { drainStepName } from './drain-datanodes.ts';

/** Whoever can reach the container of a service: this engine, or the agent of another machine. */
export interface ContainerHost {
  /** Sends a signal to a service's container. `absent`: it has none that runs. @throws AGENT_AWAY */
  signal(service: string, signal: 'PWR' | 'TERM'): Promise<'sent' | 'absent'>;
}

export interface DrainWorkersParts {
  readonly host: ContainerHost;
  /** How many executors a worker runs; null when it does not answer. */
  readonly runningExecutors: (worker: string, signal: AbortSignal) => Promise<number | null>;
  readonly clock: Clock;
  /** Aborted: this process ends and its successor goes on; nothing is taken back then. */
  readonly shutdown: AbortSignal;
}

export interface DrainWorkersRequest {
  /** Services that go: `spark-worker-2`. */
  readonly workers: readonly string[];
  readonly report: Report;
  readonly signal: AbortSignal;
}

const pollMs = 500;
/**
 * Spark ends a decommissioned executor once its tasks are done and its blocks moved, and sets no limit itself
 * (`spark.executor.decommission.forceKillTimeout` is unset). Ours: a task of more than ten minutes is done again elsewhere.
 */
export const giveUpMs = 600_000;
/** A worker answers its page within seconds, even on a machine that is busy, and an agent is back by then. */
const silentMs = 20_000;

/**
 * Resolves when the workers have no executor left, or after ten minutes with a warning. A worker that is not there or
 * says nothing has nothing to give. Spark's worker decommissions itself on SIGPWR (`spark.worker.decommission.signal`);
 * the master's own page for it (`/workers/kill`) would be open to every job. Called again it goes on. An abort of `signal`
 * restarts the workers, since Spark cannot take a decommission back.
 */
export async function drainWorkers(parts: DrainWorkersParts, request: DrainWorkersRequest): Promise<void> {
  const { workers, signal } = request;
  try {
    const asked = await Promise.all(workers.map((worker) => askToLeave(parts, request, worker)));
    await awaitEmpty(
      parts,
      request,
      workers.filter((_, index) => asked[index] === 'sent'),
    );
  } catch (error) {
    if (signal.aborted && !parts.shutdown.aborted) {
      await restartWorkers(parts.host, workers);
    }
    throw error;
  }
}

/**
 * Has workers start anew, since Spark cannot take a decommission back. Returns those that could not be told: their
 * machine's agent is silent.
 */
export async function restartWorkers(host: ContainerHost, workers: readonly string[]): Promise<readonly string[]> {
  const untold: string[] = [];
  for (const worker of workers) {
    try {
      await host.signal(worker, 'TERM');
    } catch (error) {
      if (!isAgentAway(error)) throw error;
      untold.push(worker);
    }
  }
  return untold;
}

/** A machine that went this very moment counts as there for Swarm's 15 s: it has nothing to give either. */
async function askToLeave(
  { host, clock }: DrainWorkersParts,
  { report, signal }: DrainWorkersRequest,
  worker: string,
): Promise<'sent' | 'absent'> {
  const startedAt = clock.now();
  for (;;) {
    try {
      return await host.signal(worker, 'PWR');
    } catch (error) {
      if (!isAgentAway(error)) throw error;
      if (clock.now() - startedAt >= silentMs) {
        const text = `${worker} cannot be told to hand over what it holds, ${error.message}: its tasks are done again elsewhere`;
        report({ kind: 'warning', text });
        return 'absent';
      }
    }
    await clock.wait(pollMs, signal);
  }
}

function isAgentAway(error: unknown): error is SparkPlugError {
  return error instanceof SparkPlugError && error.code === 'AGENT_AWAY';
}

async function awaitEmpty(
  { runningExecutors, clock }: DrainWorkersParts,
  { workers, report, signal }: DrainWorkersRequest,
  asked: readonly string[],
): Promise<void> {
  const startedAt = clock.now();
  const heard = new Map(asked.map((worker) => [worker, startedAt]));
  let left: readonly string[] = asked;
  let told = '';
  for (;;) {
    signal.throwIfAborted();
    const now = clock.now();
    const found = await Promise.all(
      left.map(async (worker) => ({ worker, count: await runningExecutors(worker, signal) })),
    );
    for (const { worker, count } of found) if (count !== null) heard.set(worker, now);
    const busy = found.filter(({ worker, count }) =>
      count === null ? now - (heard.get(worker) ?? 0) < silentMs : count > 0,
    );
    left = busy.map(({ worker }) => worker);
    if (left.length === 0) return;
    const executors = busy.reduce((sum, { count }) => sum + (count ?? 0), 0);
    if (now - startedAt >= giveUpMs) {
      report({
        kind: 'warning',
        text: `${left.join(', ')} still ${left.length === 1 ? 'has' : 'have'} ${executors} executors after ${formatDuration(giveUpMs)}: their tasks are done again elsewhere`,
      });
      return;
    }
    const detail = `${executors} executors finish their tasks and move their blocks`;
    if (detail !== told) report({ kind: 'step-progress', step: drainStepName(workers), detail });
    told = detail;
    await clock.wait(pollMs, signal);
  }
}

/** Refuses: whoever changes the cluster in the scheduler's place has no connection to HDFS. */
export function refuseDrain(services: readonly string[]): void {
  const going = services.filter((name) => name.startsWith('datanode-'));
  if (going.length === 0) return;
  throw new SparkPlugError('DATANODE_HOLDS_DATA', `${going.join(', ')} would be removed with the blocks held there.`, {
    place: 'hdfs.datanodes',
    met: `${going.length} fewer`,
    hint: 'Keep `hdfs.datanodes` as it was until the cluster is up again; then the scheduler copies the blocks first.',
  });
}
