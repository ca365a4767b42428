// Waits until the cluster really works: what its components answer counts, Docker's task history tells of crash loops.

import pWaitFor, { TimeoutError } from 'p-wait-for';
import type { Docker } from '../adapters/docker/docker.ts';
import type { ApiClient } from '../api/client.ts';
import type { ClusterStatus } from '../api/schemas.ts';
import { type FailingService, findFailingServices } from '../engine/find-failing-services.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { formatDuration } from '../units.ts';
import { isAwaited, optionalComponent } from './cluster-health.ts';

type WatchingDocker = Pick<Docker, 'services' | 'tasks' | 'logs'>;

interface Waiting {
  readonly api: Pick<ApiClient, 'clusterStatus'>;
  readonly docker: WatchingDocker;
  readonly projectId: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

const stepName = 'wait until every component answers';
const defaultTimeoutMs = 300_000;
const pollMs = 400;
/** Docker is asked less often: each question is a process. */
const observeMs = 3_000;
const lastLines = 15;

/**
 * Resolves with the status of a cluster that is ready.
 * @throws SparkPlugError COMPONENT_CRASHING with the last log lines; CLUSTER_NOT_READY with what is missing
 */
export async function waitUntilReady(waiting: Waiting): Promise<ClusterStatus> {
  const { docker, projectId, report, signal, timeoutMs = defaultTimeoutMs } = waiting;
  let latest: ClusterStatus | null = null;
  let observedAt = performance.now();
  const isReady = async () => {
    latest = await readStatus(waiting);
    if (latest?.ready === true) return true;
    report({ kind: 'step-progress', step: stepName, detail: describeMissing(latest) });
    if (performance.now() - observedAt >= observeMs) {
      observedAt = performance.now();
      await refuseCrashLoop(docker, projectId);
    }
    return false;
  };
  const startedAt = performance.now();
  report({ kind: 'step-started', step: stepName });
  try {
    await pWaitFor(isReady, { interval: pollMs, timeout: timeoutMs, signal });
  } catch (error) {
    report({ kind: 'step-failed', step: stepName, durationMs: performance.now() - startedAt });
    signal.throwIfAborted();
    throw error instanceof TimeoutError ? notReady(latest, timeoutMs) : error;
  }
  report({ kind: 'step-done', step: stepName, durationMs: performance.now() - startedAt });
  if (latest === null) throw new Error('ready without a status');
  for (const text of describeAway(latest)) report({ kind: 'warning', text });
  return latest;
}

/** What was not waited for, a line for each machine. */
function describeAway({ components }: ClusterStatus): readonly string[] {
  const away = Map.groupBy(
    components.filter(({ state }) => state === 'away'),
    ({ detail }) => detail,
  );
  return [...away].map(([detail, there]) => `${detail}, and with it ${there.map(({ name }) => name).join(', ')}`);
}

/** Null while web or scheduler do not answer yet. */
async function readStatus({ api, signal }: Waiting): Promise<ClusterStatus | null> {
  try {
    return await api.clusterStatus({ signal });
  } catch (error) {
    if (error instanceof SparkPlugError && error.exitCode === 3) return null;
    throw error;
  }
}

/** What is not ready yet, in one line. */
export function describeMissing(status: ClusterStatus | null): string {
  if (status === null) return 'web and scheduler do not answer yet';
  const waiting = status.components.filter(isAwaited);
  if (waiting.length === 0) return 'the last details';
  return waiting.map(({ name, detail }) => (detail === '' ? name : `${name} (${detail})`)).join(', ');
}

async function refuseCrashLoop(docker: WatchingDocker, projectId: string): Promise<void> {
  const state = await observeCluster(docker, projectId);
  const [failing] = findFailingServices(state, Date.now()).filter(({ service }) => service !== optionalComponent);
  if (failing !== undefined) throw await crashing(docker, failing);
}

async function crashing(docker: WatchingDocker, failing: FailingService): Promise<SparkPlugError> {
  const { service, failures, error, containerId } = failing;
  const lines = containerId === null ? [] : await readLastLines(docker, containerId);
  return new SparkPlugError('COMPONENT_CRASHING', `${service} failed ${failures} times: ${error}`, {
    place: service,
    problems: lines.map((line) => ({ place: service, message: line })),
    hint: /\b137\b/.test(error)
      ? `it was killed, mostly for lack of memory: see sparkplug plan, and sparkplug logs ${service}`
      : `sparkplug logs ${service} --tail 200`,
  });
}

/** Of a container that may be gone by now. */
async function readLastLines(docker: WatchingDocker, containerId: string): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    for await (const line of docker.logs(containerId, { tail: lastLines })) lines.push(line);
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
  }
  return lines;
}

function notReady(status: ClusterStatus | null, timeoutMs: number): SparkPlugError {
  return new SparkPlugError(
    'CLUSTER_NOT_READY',
    `the cluster was not ready after ${formatDuration(timeoutMs)}: ${describeMissing(status)}`,
    {
      problems: (status?.components ?? [])
        .filter(isAwaited)
        .map(({ name, state, detail }) => ({ place: name, met: state, message: detail || 'does not answer' })),
      hint: 'run `sparkplug up` again to wait longer, or see `sparkplug logs COMPONENT`',
    },
  );
}
