// What an operation tells its shell while it works: typed events, rendered by the CLI, stored by the scheduler.

export type ProgressEvent =
  | { readonly kind: 'step-started'; readonly step: string; readonly cause?: string }
  | { readonly kind: 'step-progress'; readonly step: string; readonly detail: string }
  | { readonly kind: 'step-done'; readonly step: string; readonly durationMs: number; readonly detail?: string }
  | { readonly kind: 'step-failed'; readonly step: string; readonly durationMs: number; readonly detail?: string }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'warning'; readonly text: string };

/** Receives events; must not throw. */
export type Report = (event: ProgressEvent) => void;

/** Runs `work` as one step: reports its start, its end and the milliseconds between. Errors pass through. */
export async function step<T>(report: Report, name: string, work: () => Promise<T>, cause?: string): Promise<T> {
  const startedAt = performance.now();
  report({ kind: 'step-started', step: name, ...(cause === undefined ? {} : { cause }) });
  try {
    const value = await work();
    report({ kind: 'step-done', step: name, durationMs: performance.now() - startedAt });
    return value;
  } catch (error) {
    report({ kind: 'step-failed', step: name, durationMs: performance.now() - startedAt });
    throw error;
  }
}
