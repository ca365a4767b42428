// Every error a user can meet: a code, what happened, where, the value met, and the fix. Bugs stay plain Error.

/** Exit codes of the command line: 1 failed, 2 wrong use or bad configuration, 3 the cluster cannot be reached. */
export type ExitCode = 1 | 2 | 3;

interface CatalogueEntry {
  readonly exit: ExitCode;
  /** One line for docs/errors.md; a test keeps the page in step with this table. */
  readonly meaning: string;
}

/** The error catalogue. docs/errors.md explains each code; `errors.test.ts` compares the two. */
export const catalogue = {
  USAGE: { exit: 2, meaning: 'The command line itself is wrong: an unknown verb, flag or argument.' },
  CONFIG_UNREADABLE: { exit: 2, meaning: 'The project file cannot be read.' },
  CONFIG_INVALID: { exit: 2, meaning: 'The project file has problems; all of them are listed at once.' },
  PROJECT_MISSING: { exit: 2, meaning: 'There is no sparkplug.yaml in this folder or above it.' },
  CLUSTER_UNREACHABLE: { exit: 3, meaning: 'The cluster does not answer at its published port.' },
  CLUSTER_NOT_UP: { exit: 3, meaning: 'The project has no cluster yet; `sparkplug up` makes it.' },
  CLUSTER_BUSY: { exit: 1, meaning: 'Another operation is changing the cluster.' },
  NO_ROOM: { exit: 1, meaning: 'No machine has room for one worker or for the conductor.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** One finding about one place: the message says what, `place` where, `met` the value, `hint` the fix. */
export interface Problem {
  readonly place: string;
  readonly met?: string;
  readonly message: string;
  readonly hint?: string;
}

interface ErrorDetails {
  /** Where: a path in the project file, a flag, a container. */
  readonly place?: string;
  /** The value met there, as text. */
  readonly met?: string;
  /** The fix: a command or an edit. */
  readonly hint?: string;
  /** All findings, where several are reported in one go. */
  readonly problems?: readonly Problem[];
  readonly cause?: unknown;
}

/** An error for the user. Shells print it; nothing below a shell prints or exits. */
export class SparkPlugError extends Error {
  readonly code: ErrorCode;
  readonly place: string | undefined;
  readonly met: string | undefined;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SparkPlugError';
    this.code = code;
    this.place = details.place;
    this.met = details.met;
    this.hint = details.hint;
    this.problems = details.problems ?? [];
  }

  /** The exit code of the command line for this error. */
  get exitCode(): ExitCode {
    return catalogue[this.code].exit;
  }
}
