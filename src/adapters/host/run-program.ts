// Programs of this computer, as root where that is needed and possible.
import { constants } from 'node:os';
import { execa } from 'execa';

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** False where there is no such program. */
  readonly found: boolean;
}

export interface ProgramOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What root's programs are started with: nothing for root itself, `sudo -n` where sudo asks no password. */
export type Privilege = readonly string[];

/** A failing program is a value; only an abort throws. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  options.signal?.throwIfAborted();
  const process = execa(program, args, {
    reject: false,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    all: true,
  });
  if (options.onLine !== undefined) for await (const line of process.iterable({ from: 'all' })) options.onLine(line);
  const result = await process;
  options.signal?.throwIfAborted();
  const killed = result.signal === undefined ? undefined : 128 + (constants.signals[result.signal] ?? 0);
  return {
    exitCode: result.exitCode ?? killed ?? 127,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
    found: result.code !== 'ENOENT',
  };
}

/** Null where this user is not root and sudo is missing or wants a password. */
export async function findPrivilege(): Promise<Privilege | null> {
  if (process.getuid?.() === 0) return [];
  const { exitCode } = await runProgram('sudo', ['-n', 'true']);
  return exitCode === 0 ? ['sudo', '-n'] : null;
}

/** Runs a program with root's rights. */
export function runPrivileged(
  privilege: Privilege,
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const [first = program, ...rest] = [...privilege, program, ...args];
  return runProgram(first, rest, options);
}
