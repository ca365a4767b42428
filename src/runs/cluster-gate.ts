// Attempts and changes of the cluster keep out of each other's way: while it is being changed no attempt starts,
// and a change that restarts what a job needs waits for the attempts that run.
import { type ChangeSignal, untilHolds } from './change-signal.ts';

export interface ClusterGate {
  /** Waits until nobody changes the cluster, then counts the run as running. Returns how it leaves. */
  enter(run: string, signal: AbortSignal): Promise<() => void>;
  /** Counts an attempt that was running before this process began. */
  occupy(run: string): () => void;
  /** Waits its turn, then keeps attempts from starting until the returned function is called. */
  close(reason: string, signal: AbortSignal): Promise<() => void>;
  /** Why attempts cannot start now, null when they can. */
  closedBy(): string | null;
  running(): readonly string[];
  /** Resolves when no attempt runs. */
  whenIdle(signal: AbortSignal): Promise<void>;
}

const key = 'cluster gate';

export function createClusterGate(changes: ChangeSignal): ClusterGate {
  const inside = new Set<string>();
  let closed: string | null = null;
  const occupy = (run: string): (() => void) => {
    inside.add(run);
    return () => {
      inside.delete(run);
      changes.changed(key);
    };
  };
  return {
    enter: async (run, signal) => {
      await untilHolds(changes, key, () => closed === null, signal);
      return occupy(run);
    },
    occupy,
    close: async (reason, signal) => {
      await untilHolds(changes, key, () => closed === null, signal);
      closed = reason;
      return () => {
        closed = null;
        changes.changed(key);
      };
    },
    closedBy: () => closed,
    running: () => [...inside],
    whenIdle: (signal) => untilHolds(changes, key, () => inside.size === 0, signal),
  };
}
