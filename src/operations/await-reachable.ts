// Whether a cluster that has services also has a conductor to talk to; one that restarts is given time.
import pWaitFor, { TimeoutError } from 'p-wait-for';
import type { ApiClient } from '../api/client.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { findDeadConductor } from './find-dead-conductor.ts';

interface Reaching {
  readonly api: Pick<ApiClient, 'desiredState'>;
  readonly docker: Parameters<typeof findDeadConductor>[0];
  readonly projectId: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** A killed web or scheduler is back within this time; it may also have been deployed a moment ago. */
const defaultTimeoutMs = 60_000;
const pollMs = 500;

/**
 * True when web and scheduler answer; false at once when one of them is not deployed or crash-loops, or after a minute.
 */
export async function awaitReachable(reaching: Reaching): Promise<boolean> {
  const { docker, projectId, report, signal, timeoutMs = defaultTimeoutMs } = reaching;
  if (await answers(reaching)) return true;
  if ((await findDeadConductor(docker, projectId)) !== null) return false;
  report({ kind: 'note', text: 'web or scheduler does not answer yet; waiting for them' });
  let reachable = false;
  const isDecided = async () => {
    reachable = await answers(reaching);
    return reachable || (await findDeadConductor(docker, projectId)) !== null;
  };
  try {
    await pWaitFor(isDecided, { interval: pollMs, timeout: timeoutMs, signal });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  return reachable;
}

/** A token that is not the cluster's is as bad as no answer: new secrets repair it. */
async function answers({ api, signal }: Reaching): Promise<boolean> {
  try {
    await api.desiredState({ signal });
    return true;
  } catch (error) {
    if (error instanceof SparkPlugError && (error.exitCode === 3 || error.code === 'AUTH_REQUIRED')) return false;
    throw error;
  }
}
