// Submits a desired state and follows the scheduler's operation, step by step.
import type { ApiClient } from '../api/client.ts';
import type { Failure, Operation, Step } from '../api/schemas.ts';
import { isErrorCode, SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';

/** What a change of the cluster answers at once. */
type Submission = Awaited<ReturnType<ApiClient['submitDesiredState']>>;

interface Submitting {
  readonly api: Pick<ApiClient, 'desiredState' | 'submitDesiredState' | 'clusterStatus' | 'followOperation'>;
  readonly desired: DesiredState;
  readonly now: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Returns when the cluster is what `desired` says; false when it already was. What the cluster is at already, such as
 * what an interrupted `up` had begun, is waited for.
 * @throws SparkPlugError REVISION_CONFLICT, or what stopped the operation
 */
export async function submitAndFollow(submitting: Submitting): Promise<boolean> {
  // Once: what another one changes from here on, while it is waited for too, is not overwritten.
  const { revision } = await submitting.api.desiredState(submitting);
  for (;;) {
    const submission = await submitUnlessBusy(submitting, revision);
    if (submission !== 'busy') return await followSubmission(submission, submitting);
    await awaitOperation(submitting);
  }
}

async function submitUnlessBusy(
  { api, desired, now, signal }: Submitting,
  basedOn: number,
): Promise<Submission | 'busy'> {
  try {
    return await api.submitDesiredState(desired, { ifMatch: basedOn, now, signal });
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'CLUSTER_BUSY') return 'busy';
    throw error;
  }
}

/** Returns when the operation in progress has ended: how, is for those who began it. */
async function awaitOperation({ api, report, signal }: Submitting): Promise<void> {
  const { operation } = await api.clusterStatus({ signal });
  if (operation === null) return;
  const follow = async () => {
    for await (const { state } of api.followOperation(operation, { signal })) if (state !== 'running') return;
  };
  await step(report, `wait for operation ${operation}`, follow, 'it is changing the cluster already');
}

/**
 * Follows what a change of the cluster answered to its end; false where there was nothing to do.
 * @throws SparkPlugError what stopped the operation
 */
export async function followSubmission(
  submission: Submission,
  { api, report, signal }: Pick<Submitting, 'report' | 'signal'> & { readonly api: Pick<ApiClient, 'followOperation'> },
): Promise<boolean> {
  if (submission.kind === 'unchanged') return false;
  let shown: readonly Step[] = [];
  let last: Operation | null = null;
  for await (const operation of api.followOperation(submission.operation, { signal })) {
    reportSteps(shown, operation.steps, report);
    shown = operation.steps;
    last = operation;
  }
  if (last?.state !== 'succeeded') throw operationError(submission.operation, last);
  return true;
}

/** Tells what changed from one state of an operation to the next. */
export function reportSteps(before: readonly Step[], after: readonly Step[], report: Report): void {
  for (const [index, step] of after.entries()) {
    const old = before[index]?.state ?? 'pending';
    if (old === step.state) continue;
    const isStart = old === 'pending' && step.state !== 'skipped';
    if (isStart) report({ kind: 'step-started', step: step.text, ...(step.cause === '' ? {} : { cause: step.cause }) });
    const durationMs = step.durationMs ?? 0;
    if (step.state === 'done') report({ kind: 'step-done', step: step.text, durationMs });
    if (step.state === 'failed') report({ kind: 'step-failed', step: step.text, durationMs });
  }
}

function operationError(id: string, operation: Operation | null): SparkPlugError {
  if (operation?.state === 'cancelled') {
    return new SparkPlugError('OPERATION_FAILED', `operation ${id} was cancelled`, { hint: 'sparkplug up' });
  }
  if (operation?.failure) return failureError(operation.failure, `operation ${id}`);
  return new SparkPlugError('OPERATION_FAILED', `operation ${id} ended without saying how`, {
    hint: 'sparkplug logs scheduler',
  });
}

/** A failure that the cluster reports, as the error it is; a code unknown here is named as the value met. */
function failureError(failure: Failure, place: string): SparkPlugError {
  const { code } = failure;
  return new SparkPlugError(isErrorCode(code) ? code : 'OPERATION_FAILED', failure.message, {
    place,
    ...(isErrorCode(code) ? {} : { met: code }),
    hint: failure.hint ?? 'sparkplug logs scheduler',
  });
}
