// Runs that have ended. Here and not imported: the API's own list would bring the whole of its validation along.
import type { Run, RunState } from './api-types.ts';

const finished: readonly RunState[] = ['succeeded', 'failed', 'cancelled'];

export function isFinished(run: Pick<Run, 'state'>): boolean {
  return finished.includes(run.state);
}
