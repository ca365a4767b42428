// What has to happen so that a cluster becomes what it should be; data that prints as text and decides nothing.
import type { PublishedImage, StackSpec } from '../stack/stack-spec.ts';

/**
 * `update` replaces the service's containers unless the cause says otherwise. `keep`: the service differs but stays as
 * it is for now. `wait-idle`: nothing further until no run is active. `drain`: what the service holds moves to others.
 * `discard`: the volume of a removed DataNode goes, and the NameNode forgets it. `replicate`: all files get another
 * number of replicas. `publish`: images, not a service. `restart`: as it is, since Swarm does not try again by itself.
 */
export type ChangeType =
  | 'create'
  | 'update'
  | 'remove'
  | 'keep'
  | 'wait-idle'
  | 'drain'
  | 'discard'
  | 'replicate'
  | 'publish'
  | 'restart';

export interface Change {
  readonly type: ChangeType;
  readonly service: string;
  /** Why: what differs, in a few words. */
  readonly cause: string;
}

/** One `docker stack deploy` of a whole stack: what is new in it, and all else as it already runs. */
export interface DeployStep {
  readonly kind: 'deploy';
  readonly changes: readonly Change[];
  readonly stack: StackSpec;
}

export interface WaitStep {
  readonly kind: 'wait-idle';
  readonly changes: readonly Change[];
}

/** Before the deploy that removes them: DataNodes give their blocks away, workers their executors. */
export interface DrainStep {
  readonly kind: 'drain';
  readonly changes: readonly Change[];
  readonly component: 'datanode' | 'spark-worker';
  /** Services that go. */
  readonly services: readonly string[];
  /** Services of the same component that stay. */
  readonly remaining: readonly string[];
}

/** After the deploy that removed DataNodes. */
export interface DiscardStep {
  readonly kind: 'discard';
  readonly changes: readonly Change[];
  readonly services: readonly string[];
}

/** After DataNodes joined. */
export interface ReplicateStep {
  readonly kind: 'replicate';
  readonly changes: readonly Change[];
  /** How many there are now. */
  readonly datanodes: number;
}

/** Images that the next deploys need on other machines. */
export interface PublishStep {
  readonly kind: 'publish';
  readonly changes: readonly Change[];
  readonly images: readonly PublishedImage[];
}

/** Services whose containers Swarm has given up to start, though their machine is back. */
export interface RestartStep {
  readonly kind: 'restart';
  readonly changes: readonly Change[];
  /** Ids in the Swarm. */
  readonly serviceIds: readonly string[];
}

export type ChangeStep = DeployStep | WaitStep | DrainStep | DiscardStep | ReplicateStep | PublishStep | RestartStep;

export interface ChangeSet {
  /** Name for `docker stack deploy`: what the running services carry (they may have been deployed by hand). */
  readonly namespace: string;
  /** In order; each step's services are ready before the next begins. */
  readonly steps: readonly ChangeStep[];
  /** The changes of all steps, and what is kept as it is. */
  readonly changes: readonly Change[];
  /** The stack that stands when all steps are done: the `currentStack` of the next reconcile. */
  readonly result: StackSpec;
  /** True when nothing is to be done now (things may be kept for later). */
  readonly empty: boolean;
}

/**
 * Prints a change set for people and for golden tests: one line a change, a blank line between steps. `machineOf` names
 * the machine of a change where that is of interest.
 */
export function printChangeSet(changeSet: ChangeSet, machineOf: (change: Change) => string | null = noMachine): string {
  const kept = changeSet.changes.filter((change) => change.type === 'keep');
  const blocks = [...changeSet.steps.map((step) => step.changes), kept].filter((changes) => changes.length > 0);
  if (blocks.length === 0) return 'no change\n';
  return blocks.map((changes) => changes.map((change) => printChange(change, machineOf(change))).join('')).join('\n');
}

const noMachine = (): null => null;

/** True for what takes a service away from the machine it stands on. */
export function isGoing({ type }: Change): boolean {
  return type === 'remove' || type === 'drain' || type === 'discard';
}

function printChange(change: Change, machine: string | null): string {
  if (change.type === 'wait-idle') return `wait until no run is active: ${change.cause}\n`;
  if (change.type === 'replicate') return `replicate all files anew: ${change.cause}\n`;
  const place = machine === null ? '' : ` ${isGoing(change) ? 'from' : 'on'} ${machine}`;
  return `${change.type} ${change.service}${place}: ${change.cause}\n`;
}
