// Alone changes the living cluster: keeps revisions, applies them one operation at a time, takes an operation up again
// after a restart, and sets the drivers' image for a run.
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { NewDesiredState, type Operation, type Step } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { compareVersions } from '../operations/compare-versions.ts';
import { applyScale, keepOverrides, type ScaleRequest } from '../operations/effective-desired.ts';
import type { ClusterChange, LiveCluster } from '../operations/live-cluster.ts';
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

/** How a change is asked for. */
export interface ChangeOptions {
  /** Only when the cluster still has this revision; null: whatever it has. */
  readonly ifMatch: number | null;
  /** Do not wait for running jobs. */
  readonly now: boolean;
  /** Go on where data would be lost; false where it is left out. */
  readonly force?: boolean;
}

/** A machine that a change is about. */
export interface NamedMachine {
  readonly id: string;
  readonly name: string;
}

/** What `reconcile` came to. `busy`: someone else is changing the cluster. */
export type ReconcileAnswer =
  | { readonly kind: 'unchanged' | 'busy' }
  | { readonly kind: 'done'; readonly operation: Operation };

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
  submit(desired: unknown, options: ChangeOptions): Promise<SubmitAnswer>;
  /** Other numbers of followers than the file's, until the file's own change. Throws NO_ROOM and what a drain refuses. */
  scale(request: ScaleRequest, options: ChangeOptions): Promise<SubmitAnswer>;
  /** Takes everything of the project off machines, or (`drained` false) lets them take containers again. */
  setDrained(machines: readonly NamedMachine[], drained: boolean, options: ChangeOptions): Promise<SubmitAnswer>;
  /** What differs from the current revision, one line each, in the order it would change. */
  preview(): Promise<readonly string[]>;
  /** Makes the cluster what the current revision says on the machines that are there now, without disturbing a run. */
  reconcile(cause: string): Promise<ReconcileAnswer>;
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
  /** Changes that somebody asks for and that are still being compared: the scheduler's own looks wait for them. */
  let asking = 0;
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

  const settle = async (): Promise<void> => {
    while (carrying !== null) await carrying.done;
  };

  /** What the scheduler does by itself gives way to what somebody asks for: whatever is left of it is found again later. */
  const makeWay = async (): Promise<void> => {
    const running = store.runningOperation();
    if (running?.kind !== 'reconcile' || carrying?.id !== running.id) return;
    record('operation', `${running.id} makes way for a change that was asked for`);
    carrying.abort.abort();
    await settle();
  };

  /** Throws also what would only be refused on the way: then nothing is written down, and nothing begun. */
  const differs = async (desired: DesiredState, driverImage: string | null, options: ChangeOptions) => {
    const { now, force = false } = options;
    const runActive = parts.gate.running().length > 0;
    const change = { desired, driverImage, runActive, now, force, defer: false };
    const changes = await parts.cluster.compare(change);
    if (changes.length > 0) await parts.cluster.refuseImpossible(change);
    return changes.length > 0;
  };

  /** What is left alone is what a run needs; a run that is over by the next look frees it. */
  const reconciling = (desired: DesiredState, driverImage: string | null): ClusterChange => {
    const runActive = parts.gate.running().length > 0;
    return { desired, driverImage, runActive, now: false, force: false, defer: true };
  };

  const begin = (kind: string, text: string | null, { now, force = false }: ChangeOptions): SubmitAnswer => {
    const operation = startOperation(parts, { kind, text, now, force }, record);
    carry(operation);
    return { kind: 'accepted', operation };
  };

  /** Makes the desired state as it is now another one, and the cluster what that says. */
  const settleOn = async (
    kind: 'apply' | 'scale' | 'drain' | 'return',
    make: (desired: DesiredState) => DesiredState,
    options: ChangeOptions,
  ): Promise<SubmitAnswer> => {
    await makeWay();
    refuseBusy(store);
    const desired = make(current().desired);
    const { revision, text } = compareRevision(store, desired, options.ifMatch);
    // Only a new revision that the command line sent brings an image along; else drivers stay at the last run's.
    const driverImage = kind === 'apply' && text !== null ? null : await parts.cluster.driverImage();
    // Also where the revision is another one: what cannot be is refused before anything is written down.
    const isDifferent = await differs(desired, driverImage, options);
    if (text === null && !isDifferent) return { kind: 'unchanged', revision };
    // Asking took a while: someone else may have been faster.
    refuseBusy(store);
    return begin(kind === 'apply' && text === null ? 'repair' : kind, text, options);
  };

  const change: typeof settleOn = async (...wish) => {
    asking += 1;
    try {
      return await settleOn(...wish);
    } finally {
      asking -= 1;
    }
  };

  return {
    adopt: (bootstrap) => {
      if (store.setting('bootstrap') === bootstrap && store.currentRevision() !== null) return;
      store.atomically(() => startAnew(parts, bootstrap, record));
    },
    current,
    submit: async (submitted, options) => {
      const sent = readDesired(submitted, parts.projectId);
      refuseOlder(sent, parts.version);
      return await change('apply', (desired) => keepOverrides(desired, sent), options);
    },
    scale: (request, options) => change('scale', (desired) => applyScale(desired, request), options),
    setDrained: (machines, drained, options) => {
      const ids = machines.map(({ id }) => id);
      const make = (desired: DesiredState): DesiredState => ({
        ...desired,
        drained: [...new Set([...(desired.drained ?? []), ...ids])].filter((id) => drained || !ids.includes(id)),
      });
      return change(drained ? 'drain' : 'return', make, options);
    },
    preview: async () => {
      const { desired } = current();
      return await parts.cluster.compare(reconciling(desired, await parts.cluster.driverImage()));
    },
    reconcile: async (cause) => {
      const isBusy = () => asking > 0 || store.runningOperation() !== null;
      if (isBusy() || carrying !== null) return { kind: 'busy' };
      const { desired } = current();
      const changes = await parts.cluster.compare(reconciling(desired, await parts.cluster.driverImage()));
      if (changes.length === 0) return { kind: 'unchanged' };
      if (isBusy()) return { kind: 'busy' };
      for (const one of changes) record('reconcile', `${one} (${cause})`);
      const operation = startOperation(parts, { kind: 'reconcile', text: null, now: false, force: false }, record);
      carry(operation);
      await settle();
      return { kind: 'done', operation: store.operation(operation.id) ?? operation };
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
    settled: settle,
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
  const before = store.currentRevision();
  const submitted = readDesired(deployed, projectId);
  const known = before === null ? null : (JSON.parse(before.desired) as DesiredState);
  // What `scale` and `drain` said holds over a `down` as well.
  const desired = canonicalJson(known === null ? submitted : keepOverrides(known, submitted));
  store.set('bootstrap', bootstrap);
  store.set('stack', null);
  if (before?.desired !== desired) {
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

interface NewOperation {
  readonly kind: string;
  /** Text of the new revision; null: the current one is applied again. */
  readonly text: string | null;
  readonly now: boolean;
  readonly force: boolean;
}

function startOperation(
  { store, clock }: KeeperParts,
  { kind, text, now, force }: NewOperation,
  record: (kind: string, message: string) => void,
): StoredOperation {
  return store.atomically(() => {
    const startedAt = timestamp(clock);
    const revision = text === null ? (store.currentRevision()?.number ?? 0) : store.addRevision(text, startedAt);
    const operation: StoredOperation = {
      id: `op-${store.nextOperationNumber()}-${randomInt(36 ** 4)
        .toString(36)
        .padStart(4, '0')}`,
      kind,
      state: 'running',
      revision,
      steps: [],
      failure: null,
      startedAt,
      finishedAt: null,
      now,
      force,
    };
    store.addOperation(operation);
    if (text !== null) record('revision', `revision ${revision} was submitted`);
    record('operation', `${operation.id} ${verbs[kind] ?? 'applies'} revision ${revision}`);
    return operation;
  });
}

/** How events call an operation's kind. */
const verbs: Readonly<Record<string, string>> = {
  apply: 'applies',
  repair: 'repairs',
  scale: 'scales to',
  drain: 'drains a machine for',
  return: 'takes a machine back for',
  reconcile: 'reconciles the cluster with',
};

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
    // Only a revision that the command line sent brings an image along; else drivers stay at the last run's.
    const driverImage = operation.kind === 'apply' ? null : await parts.cluster.driverImage();
    const { now, force } = operation;
    const defer = operation.kind === 'reconcile';
    const change = { desired, driverImage, runActive: gate.running().length > 0, now, force, defer };
    await parts.cluster.apply(change, {
      report: (event) => reportInto(store, operation.id, event, shutdown),
      waitUntilIdle: () => gate.whenIdle(signal),
      // Moving blocks may take hours, and runs go on meanwhile.
      letRunsStart: async (work) => {
        open?.();
        open = null;
        try {
          return await work();
        } finally {
          if (!signal.aborted) open = await gate.close(operation.id, signal);
        }
      },
      look: async () => ({
        driverImage: operation.kind === 'apply' ? null : await parts.cluster.driverImage(),
        runActive: gate.running().length > 0,
      }),
      signal,
    });
    shutdown.throwIfAborted();
    end('succeeded', null);
  } catch (error) {
    // The next scheduler goes on with it.
    if (shutdown.aborted) return;
    if (cancelled.aborted) {
      end('cancelled', null);
      takeBack(parts, operation, record);
    } else end('failed', toFailure(error));
  } finally {
    open?.();
  }
}

/** Whoever cancels a `scale` or a `drain` wants the numbers from before; the reconciler sees to what was done by then. */
function takeBack(
  { store, clock }: KeeperParts,
  { id, kind, revision }: StoredOperation,
  record: (kind: string, message: string) => void,
): void {
  if (kind !== 'scale' && kind !== 'drain' && kind !== 'return') return;
  const before = store.revision(revision - 1);
  if (before === null || store.currentRevision()?.number !== revision) return;
  const number = store.addRevision(before.desired, timestamp(clock));
  record('revision', `revision ${number} takes ${id} back: it is revision ${before.number} again`);
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
    const change = { desired, driverImage: image, runActive: false, now: true, force: false, defer: false };
    await cluster.apply(change, {
      report: () => undefined,
      waitUntilIdle: () => gate.whenIdle(signal),
      letRunsStart: (work) => work(),
      look: async () => ({ driverImage: image, runActive: false }),
      signal,
    });
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
