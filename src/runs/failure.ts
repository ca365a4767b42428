// Errors as they are stored: a code of the catalogue, a sentence, a fix.
import type { Failure } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';

/** A user's error keeps its code; anything else is a bug in SparkPlug and says so. */
export function toFailure(error: unknown): Failure {
  if (error instanceof SparkPlugError) {
    const where = [error.place, error.met].filter((part) => part !== undefined).join(': ');
    const message = where === '' ? error.message : `${error.message} (${where})`;
    return { code: error.code, message, hint: error.hint ?? null };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'INTERNAL', message, hint: 'this is a bug of SparkPlug: sparkplug logs scheduler' };
}

/** Lets the reason of an abort through, so that nothing is written on behalf of a process that is leaving. */
export function rethrowAbort(error: unknown, signal: AbortSignal): void {
  if (signal.aborted) throw error;
}
