// How an end of a command becomes an exit code and words on standard error.
import { CommanderError } from 'commander';
import { type Problem, SparkPlugError } from '../errors.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const;

/** Thrown into a command by Ctrl-C. `message` says what goes on and how to take it up again. */
export class Interrupted extends Error {
  constructor(message = 'interrupted') {
    super(message);
    this.name = 'Interrupted';
  }
}

/** A disk of this computer that is full may be met anywhere; it is no bug. Any other error is returned as it is. */
export function nameFullDisk(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SparkPlugError) return error;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new SparkPlugError('DISK_FULL', `a disk of this computer is full: ${error.message}`, {
    ...(path === undefined ? {} : { place: path }),
    hint: 'df -h shows which; free some, or let TMPDIR name another folder for temporary files',
    cause: error,
  });
}

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof SparkPlugError) return error.exitCode;
  if (error instanceof Interrupted) return exitCodes.interrupted;
  // Help and version end with 0; everything else that commander throws is wrong use.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  return exitCodes.failed;
}

/** The lines for people: code and message, each place with the value met, each fix. */
export function describeError(error: unknown): readonly string[] {
  if (!(error instanceof SparkPlugError)) return describeBug(error);
  const { code, message, place, met, hint, problems } = error;
  // With one problem alone the error is that problem: its place and fix are said once.
  const placeIsSaid = problems.some((problem) => problem.place === place);
  const fixIsSaid = problems.some((problem) => problem.hint === hint);
  return [
    `error ${code}: ${message}`,
    ...(placeIsSaid ? [] : describePlace(place, met)),
    ...problems.flatMap(describeProblem),
    ...(hint === undefined || fixIsSaid ? [] : [`  fix: ${hint}`]),
  ];
}

/** The same for scripts, the value of `error` in JSON output. */
export function errorAsJson(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof SparkPlugError)) return { code: 'BUG', message: messageOf(error) };
  const { code, message, place, met, hint, problems } = error;
  return { code, message, place, met, hint, problems };
}

function describeProblem(problem: Problem): readonly string[] {
  return [
    `  ${problem.place}: ${problem.message}${problem.met === undefined ? '' : ` (met: ${problem.met})`}`,
    ...(problem.hint === undefined ? [] : [`    fix: ${problem.hint}`]),
  ];
}

function describePlace(place: string | undefined, met: string | undefined): readonly string[] {
  if (place === undefined && met === undefined) return [];
  if (place === undefined) return [`  met: ${met}`];
  return [`  at ${place}${met === undefined ? '' : ` (met: ${met})`}`];
}

function describeBug(error: unknown): readonly string[] {
  const trace = error instanceof Error && error.stack !== undefined ? error.stack : String(error);
  return [`bug: ${messageOf(error)}`, ...trace.split('\n').slice(1), '  fix: please report this with the lines above'];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
