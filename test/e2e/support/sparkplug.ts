// Runs the command line as a user does, in a folder of its own, and keeps what it printed.
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const repository = fileURLToPath(new URL('../../..', import.meta.url));
const bin = join(repository, 'bin', 'sparkplug.js');

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams in the order they were written. */
  readonly all: string;
}

interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Calls `sparkplug ARGS` in `projectDir`; never throws for a non-zero exit code. */
export async function sparkplug(
  projectDir: string,
  args: readonly string[],
  options: CallOptions = {},
): Promise<Outcome> {
  const result = await execa(process.execPath, [bin, ...args], {
    cwd: projectDir,
    reject: false,
    all: true,
    env: { NO_COLOR: '1', ...options.env },
    timeout: options.timeoutMs ?? 300_000,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  return { exitCode: result.exitCode ?? 130, stdout: result.stdout, stderr: result.stderr, all: result.all };
}

/** Calls `sparkplug ARGS` and fails the test, with everything printed, unless the exit code is 0. */
export async function mustRun(
  projectDir: string,
  args: readonly string[],
  options: CallOptions = {},
): Promise<Outcome> {
  const outcome = await sparkplug(projectDir, args, options);
  if (outcome.exitCode !== 0) throw new Error(`sparkplug ${args.join(' ')} → ${outcome.exitCode}\n${outcome.all}`);
  return outcome;
}

/** Calls `sparkplug ARGS -o json` and returns what it printed. */
export async function mustRunJson(
  projectDir: string,
  args: readonly string[],
  options: CallOptions = {},
): Promise<unknown> {
  const separator = args.indexOf('--');
  const withOutput =
    separator === -1 ? [...args, '-o', 'json'] : [...args.slice(0, separator), '-o', 'json', ...args.slice(separator)];
  const outcome = await mustRun(projectDir, withOutput, options);
  return JSON.parse(outcome.stdout);
}

/** Starts `sparkplug ARGS` and returns the process, for tests that interrupt it. */
export function startSparkplug(projectDir: string, args: readonly string[]) {
  return execa(process.execPath, [bin, ...args], {
    cwd: projectDir,
    reject: false,
    all: true,
    env: { NO_COLOR: '1' },
    stdin: 'ignore',
  });
}

/** Makes a project folder with these files (path → text) in the system's temporary folder. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-test-'));
  // Readable to all, as projects mostly are: one test uses it as another user.
  await chmod(folder, 0o755);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
