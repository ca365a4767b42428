// Wakes readers of a thing that changed. A counter per key, so that no change between reading and waiting is lost.

export interface ChangeSignal {
  /** Read this before the thing itself. */
  version(key: string): number;
  changed(key: string): void;
  /** Resolves once the key's version is above `seen`; rejects when the signal aborts. */
  after(key: string, seen: number, signal: AbortSignal): Promise<void>;
}

export function createChangeSignal(): ChangeSignal {
  const versions = new Map<string, number>();
  const waiters = new Map<string, Set<() => void>>();
  const version = (key: string): number => versions.get(key) ?? 0;
  return {
    version,
    changed: (key) => {
      versions.set(key, version(key) + 1);
      const woken = waiters.get(key);
      waiters.delete(key);
      for (const wake of woken ?? []) wake();
    },
    after: (key, seen, signal) => {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (version(key) > seen) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const waiting = waiters.get(key) ?? new Set();
        waiters.set(key, waiting);
        const wake = (): void => {
          signal.removeEventListener('abort', abort);
          resolve();
        };
        const abort = (): void => {
          waiting.delete(wake);
          reject(signal.reason);
        };
        waiting.add(wake);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
  };
}

/** Waits until `holds`, looking again at each change of `key`. */
export async function untilHolds(
  changes: ChangeSignal,
  key: string,
  holds: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const seen = changes.version(key);
    signal.throwIfAborted();
    if (holds()) return;
    await changes.after(key, seen, signal);
  }
}
