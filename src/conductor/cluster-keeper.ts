// Alone changes the living cluster: keeps revisions, applies them one operation at a time, takes an operation up again
// after a restart, and sets the drivers' image for a run.
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { NewDesiredState, type Operation, type Step } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { compareVersions } from '../operations/compare-versions.ts';
import type { LiveCluster } from '../operations/live-cluster.ts';
import type { ProgressEvent } from '../progress.ts';
import { type Clock, timestamp } from '../runs/clock.ts';
import type { ClusterGate } from '../runs/cluster-gate.ts';
import { toFailure } from '../runs/failure.ts';
import type { ClusterStore, StoredOperation } from '../runs/state/cluster-store.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { canonicalJson } from './canonical-json.ts';

export interface KeeperParts {
  readonly store: ClusterStore;
  readonly gate: ClusterGate;
  readonly cluster: LiveCluster;
  readonly clock: Clock;
  /** Version of this program. */
  readonly version: string;
  readonly projectId: string;
  /** Called after an operation: more runs may start at once now. */
  readonly changed: () => void;
  readonly shutdown: AbortSignal;
}

export type SubmitAnswer =
  | { readonly kind: 'unchanged'; readonly revision: number }
  | { readonly kind: 'accepted'; readonly operation: Operation };

export interface ClusterKeeper {
  /**
   * Takes the text that this container was deployed with: the scheduler's own definition in every later stack, and the
   * current revision where the cluster was deployed for the first time or, after a `down`, anew. To be called at each
   * start, before `resume` and before schedules start: what they make up for runs as it is deployed now.
   */
  adopt(bootstrap: string): void;
  current(): { readonly revision: number; readonly desired: DesiredState };
  submit(desired: unknown, options: { readonly ifMatch: number | null; readonly now: boolean }): Promise<SubmitAnswer>;
  /** Goes on with the operation that a restart interrupted. */
  resume(): void;
  cancel(operation: string): Operation;
  /** For the run queue. */
  currentDriverImage(): Promise<string | null>;
  setDriverImage(image: string, run: string, signal: AbortSignal): Promise<void>;
  /** Resolves when no operation is being carried out. */
  settled(): Promise<void>;
}

export function createClusterKeeper(parts: KeeperParts): ClusterKeeper {
  const { store, clock, shutdown } = parts;
  let carrying: { readonly id: string; readonly abort: AbortController; readonly done: Promise<void> } | null = null;
  const record = (kind: string, message: string): void => store.addEvent({ at: timestamp(clock), kind, message });

  const current = (): { revision: number; desired: DesiredState } => {
    const revision = store.currentRevision();
    if (revision === null) throw new Error('the cluster has no revision: SPARKPLUG_DESIRED was not adopted');
    return { revision: revision.number, desired: JSON.parse(revision.desired) as DesiredState };
  };

  const carry = (operation: StoredOperation): void => {
    const abort = new AbortController();
    const done = carryOut(parts, operation, abort.signal, record).finally(() => {
      carrying = null;
      if (!shutdown.aborted) parts.changed();
    });
    carrying = { id: operation.id, abort, done };
  };

  return {
    adopt: (bootstrap) => {
      if (store.setting('bootstrap') === bootstrap && store.currentRevision() !== null) return;
      store.atomically(() => startAnew(parts, bootstrap, record));
    },
    current,
    submit: async (submitted, options) => {
      const desired = readDesired(submitted, parts.projectId);
      refuseOlder(desired, parts.version);
      const { revision, text } = compareRevision(store, desired, options.ifMatch);
      refuseBusy(store);
      if (text === null) {
        const driverImage = await parts.cluster.driverImage();
        const change = { desired, driverImage, runActive: parts.gate.running().length > 0, now: options.now };
        if (!(await parts.cluster.differs(change))) return { kind: 'unchanged', revision };
        // Asking took a while: someone else may have been faster.
        refuseBusy(store);
      }
      const operation = startOperation(parts, text, options.now, record);
      carry(operation);
      return { kind: 'accepted', operation };
    },
    resume: () => {
      const operation = store.runningOperation();
      if (operation === null) return;
      record('operation', `${operation.id} goes on after a restart of the scheduler`);
      const steps = operation.steps.map((one) =>
        one.state === 'running' ? { ...one, state: 'skipped' as const } : one,
      );
      carry({ ...store.updateOperation(operation.id, { steps }), now: operation.now });
    },
    cancel: (id) => {
      const operation = store.operation(id);
      if (operation === null) throw unknownOperation(id);
      if (carrying?.id === id) carrying.abort.abort();
      return operation;
    },
    currentDriverImage: () => parts.cluster.driverImage(),
    setDriverImage: (image, run, signal) => setDriverImage(parts, current().desired, image, run, signal, record),
    settled: async () => {
      while (carrying !== null) await carrying.done;
    },
  };
}

/** Two deployments of the same desired state differ in their time. */
const Bootstrap = z.looseObject({ deployedAt: z.string().optional() });

/**
 * Another text than the remembered one is mounted: the cluster was deployed without a scheduler, for the first time or
 * (with its volumes kept) after a `down`. What ran before runs no more: neither its stack nor an operation on it counts.
 */
function startAnew(
  { store, clock, projectId }: KeeperParts,
  bootstrap: string,
  record: (kind: string, message: string) => void,
): void {
  const { deployedAt: _, ...deployed } = Bootstrap.parse(JSON.parse(bootstrap));
  const desired = canonicalJson(readDesired(deployed, projectId));
  store.set('bootstrap', bootstrap);
  store.set('stack', null);
  if (store.currentRevision()?.desired !== desired) {
    const revision = store.addRevision(desired, timestamp(clock));
    record(
      'revision',
      `revision ${revision}: ${revision === 1 ? 'the first deploy' : 'the cluster was deployed anew'}`,
    );
  }
  const operation = store.runningOperation();
  if (operation === null) return;
  const steps = operation.steps.map((one) => endStep(one, 'cancelled'));
  store.updateOperation(operation.id, { state: 'cancelled', steps, finishedAt: timestamp(clock) });
  record('operation', `${operation.id} cancelled: the cluster was deployed anew`);
}

/** `text` is the new revision's, null when nothing differs from the current one. */
function compareRevision(
  store: ClusterStore,
  desired: DesiredState,
  ifMatch: number | null,
): { readonly revision: number; readonly text: string | null } {
  const revision = store.currentRevision();
  const number = revision?.number ?? 0;
  if (ifMatch !== null && ifMatch !== number) {
    throw new SparkPlugError('REVISION_CONFLICT', `the cluster has revision ${number} by now`, {
      place: 'If-Match',
      met: `${ifMatch}`,
      hint: 'sparkplug up again: it starts from the present revision',
    });
  }
  const text = canonicalJson(desired);
  return { revision: number, text: revision?.desired === text ? null : text };
}

function startOperation(
  { store, clock }: KeeperParts,
  text: string | null,
  now: boolean,
  record: (kind: string, message: string) => void,
): StoredOperation {
  return store.atomically(() => {
    const startedAt = timestamp(clock);
    const revision = text === null ? (store.currentRevision()?.number ?? 0) : store.addRevision(text, startedAt);
    const operation: StoredOperation = {
      id: `op-${store.nextOperationNumber()}-${randomInt(36 ** 4)
        .toString(36)
        .padStart(4, '0')}`,
      kind: text === null ? 'repair' : 'apply',
      state: 'running',
      revision,
      steps: [],
      failure: null,
      startedAt,
      finishedAt: null,
      now,
    };
    store.addOperation(operation);
    if (text !== null) record('revision', `revision ${revision} was submitted`);
    record('operation', `${operation.id} ${operation.kind === 'apply' ? 'applies' : 'repairs'} revision ${revision}`);
    return operation;
  });
}

/** Never throws: the operation's record tells how it went. */
async function carryOut(
  parts: KeeperParts,
  operation: StoredOperation,
  cancelled: AbortSignal,
  record: (kind: string, message: string) => void,
): Promise<void> {
  const { store, gate, shutdown, clock } = parts;
  const signal = AbortSignal.any([cancelled, shutdown]);
  const end = (state: 'succeeded' | 'failed' | 'cancelled', failure: Operation['failure']): void => {
    const steps = (store.operation(operation.id)?.steps ?? []).map((one) => endStep(one, state));
    store.updateOperation(operation.id, { state, failure, steps, finishedAt: timestamp(clock) });
    record('operation', `${operation.id} ${state}${failure === null ? '' : `: ${failure.message}`}`);
  };
  let open: (() => void) | null = null;
  try {
    open = await gate.close(operation.id, signal);
    const desired = JSON.parse(store.revision(operation.revision)?.desired ?? 'null') as DesiredState;
    const driverImage = operation.kind === 'repair' ? await parts.cluster.driverImage() : null;
    const change = { desired, driverImage, runActive: gate.running().length > 0, now: operation.now };
    await parts.cluster.apply(change, {
      report: (event) => reportInto(store, operation.id, event, shutdown),
      waitUntilIdle: () => gate.whenIdle(signal),
      signal,
    });
    shutdown.throwIfAborted();
    end('succeeded', null);
  } catch (error) {
    // The next scheduler goes on with it.
    if (shutdown.aborted) return;
    if (cancelled.aborted) end('cancelled', null);
    else end('failed', toFailure(error));
  } finally {
    open?.();
  }
}

function endStep(one: Step, state: 'succeeded' | 'failed' | 'cancelled'): Step {
  if (one.state !== 'running') return one;
  return { ...one, state: state === 'succeeded' ? 'done' : 'failed' };
}

/** Notes and warnings are steps that are over as they begin. */
function reportInto(store: ClusterStore, id: string, event: ProgressEvent, shutdown: AbortSignal): void {
  if (shutdown.aborted) return;
  const steps = store.operation(id)?.steps ?? [];
  store.updateOperation(id, { steps: applyEvent(steps, event) });
}

/** The steps after one more event. Pure. */
export function applyEvent(steps: readonly Step[], event: ProgressEvent): Step[] {
  const change = (changes: Partial<Step>): Step[] => {
    if (!('step' in event)) return [...steps];
    const index = steps.findLastIndex((one) => one.state === 'running' && isNamed(one, event.step));
    return steps.map((one, at) => (at === index ? { ...one, ...changes } : one));
  };
  switch (event.kind) {
    case 'step-started':
      return [...steps, { text: event.step, cause: event.cause ?? '', state: 'running', durationMs: null }];
    case 'step-progress':
      return change({ text: `${event.step}${detailMark}${event.detail}` });
    case 'step-done':
      return change({ text: event.step, state: 'done', durationMs: Math.round(event.durationMs) });
    case 'step-failed':
      return change({ text: event.step, state: 'failed', durationMs: Math.round(event.durationMs) });
    case 'note':
      return [...steps, { text: event.text, cause: '', state: 'done', durationMs: 0 }];
    case 'warning':
      return [...steps, { text: event.text, cause: 'warning', state: 'done', durationMs: 0 }];
  }
}

const detailMark = ': ';

function isNamed(one: Step, name: string): boolean {
  return one.text === name || one.text.startsWith(`${name}${detailMark}`);
}

async function setDriverImage(
  { gate, cluster, shutdown }: KeeperParts,
  desired: DesiredState,
  image: string,
  run: string,
  signal: AbortSignal,
  record: (kind: string, message: string) => void,
): Promise<void> {
  const open = await gate.close(`run ${run}`, signal);
  try {
    if ((await cluster.driverImage()) === image) return;
    await gate.whenIdle(signal);
    const change = { desired, driverImage: image, runActive: false, now: true };
    await cluster.apply(change, { report: () => undefined, waitUntilIdle: () => gate.whenIdle(signal), signal });
    if (!shutdown.aborted) record('driver', `the drivers' image was set to ${image} for run ${run}`);
  } finally {
    open();
  }
}

function readDesired(value: unknown, projectId: string): DesiredState {
  const parsed = NewDesiredState.safeParse(value);
  if (!parsed.success) {
    throw new SparkPlugError('REQUEST_INVALID', 'this is not a desired state', { met: z.prettifyError(parsed.error) });
  }
  if (parsed.data.projectId !== projectId) {
    const { projectId: met } = parsed.data;
    throw new SparkPlugError('REQUEST_INVALID', `this cluster belongs to project ${projectId}`, {
      place: 'projectId',
      met,
    });
  }
  return value as DesiredState;
}

function refuseOlder(desired: DesiredState, version: string): void {
  if (compareVersions(desired.version, version) >= 0) return;
  throw new SparkPlugError('CLI_TOO_OLD', `the cluster runs SparkPlug ${version}, the command line is older`, {
    met: desired.version,
    hint: `upgrade this copy of SparkPlug to ${version} or later`,
  });
}

function refuseBusy(store: ClusterStore): void {
  const running = store.runningOperation();
  if (running === null) return;
  throw new SparkPlugError('CLUSTER_BUSY', `operation ${running.id} is changing the cluster`, {
    met: running.id,
    hint: 'wait for it (sparkplug status) and try again',
  });
}

export function unknownOperation(id: string): SparkPlugError {
  return new SparkPlugError('OPERATION_UNKNOWN', `there is no operation ${id}`, { met: id });
}
