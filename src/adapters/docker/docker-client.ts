// The only place that starts processes of the docker client.
import { pipeline } from 'node:stream/promises';
import { execa, type Options } from 'execa';
import { SparkPlugError } from '../../errors.ts';
import { formatDuration } from '../../units.ts';
import type {
  CommandResult,
  DockerClient,
  PipedOutput,
  PipeOptions,
  RunOptions,
  StreamLine,
  StreamOptions,
} from './docker.ts';
import { mapDockerFailure } from './map-docker-failure.ts';
import { mergeChunks } from './merge-chunks.ts';
import { mergeLines } from './merge-lines.ts';

/** Enough for the inspection of thousands of objects. */
const largestOutputBytes = 256 * 1024 * 1024;
/** Lines of standard error kept for the message of a failed stream. */
const keptErrorLines = 20;
/** Well above what a loaded engine takes for its slowest call, the removal of a large volume. */
const defaultAnswerWithinMs = 120_000;

/** Where a process could not even be started, the operating system's code says why. */
function explainStartFailure(program: string, code: string | undefined, cause: unknown): SparkPlugError | null {
  if (code === 'ENOENT') {
    return new SparkPlugError('DOCKER_MISSING', `the docker client (${program}) is not installed`, {
      hint: 'sparkplug doctor --fix',
      cause,
    });
  }
  if (code === 'EACCES') {
    return new SparkPlugError('DOCKER_NOT_PERMITTED', `${program} may not be executed by this user`, { cause });
  }
  return null;
}

interface ClientSettings {
  readonly program: string;
  readonly context: string | null;
  readonly answerWithinMs?: number | undefined;
}

export function createDockerClient(settings: ClientSettings): DockerClient {
  const { program, context, answerWithinMs = defaultAnswerWithinMs } = settings;
  const globalArgs = context === null ? [] : ['--context', context];

  function baseOptions(options: RunOptions) {
    return {
      reject: false,
      stripFinalNewline: true,
      // Advertisements would end up in messages.
      env: { DOCKER_CLI_HINTS: 'false', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    } as const satisfies Options;
  }

  async function tryRun(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    options.signal?.throwIfAborted();
    const withinMs = options.answerWithinMs === undefined ? answerWithinMs : options.answerWithinMs;
    const result = await execa(program, [...globalArgs, ...args], {
      ...baseOptions(options),
      maxBuffer: largestOutputBytes,
      ...(withinMs === null ? {} : { timeout: withinMs }),
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    });
    options.signal?.throwIfAborted();
    const notStarted = explainStartFailure(program, result.code, result);
    if (notStarted !== null) throw notStarted;
    if (result.timedOut && withinMs !== null) {
      throw new SparkPlugError('DOCKER_STUCK', 'the Docker engine took a call and gave no answer', {
        met: `\`docker ${args.slice(0, 2).join(' ')}\` for ${formatDuration(withinMs)}`,
        hint: 'sparkplug doctor --fix restarts a local engine; what runs in the cluster comes back with it',
      });
    }
    return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode ?? 1 };
  }

  async function run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await tryRun(args, options);
    if (result.exitCode !== 0) throw mapDockerFailure(args, result.stderr || result.stdout, context);
    return result.stdout;
  }

  async function* stream(args: readonly string[], options: StreamOptions = {}): AsyncGenerator<StreamLine> {
    options.signal?.throwIfAborted();
    const merged = options.merged === true;
    // Two pipes lose the order between the streams; only the shell can give the client one pipe for both.
    const [file, before] = merged ? ['/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program]] : [program, []];
    const process = execa(file, [...before, ...globalArgs, ...args], {
      ...baseOptions(options),
      buffer: false,
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    });
    const lastErrors: string[] = [];
    try {
      for await (const entry of mergeLines({ stdout: process.stdout, stderr: process.stderr })) {
        if ((merged || entry.source === 'stderr') && lastErrors.push(entry.line) > keptErrorLines) lastErrors.shift();
        yield entry;
      }
    } finally {
      process.kill();
    }
    const result = await process;
    options.signal?.throwIfAborted();
    const notStarted = explainStartFailure(program, result.code, result);
    if (notStarted !== null) throw notStarted;
    if (result.exitCode !== 0) throw mapDockerFailure(args, lastErrors.join('\n'), context);
  }

  async function* pipe(args: readonly string[], options: PipeOptions = {}): AsyncGenerator<PipedOutput> {
    options.signal?.throwIfAborted();
    const { input, signal } = options;
    const process = execa(program, [...globalArgs, ...args], {
      ...baseOptions({ signal }),
      buffer: false,
      encoding: 'buffer',
      stdin: input === undefined ? 'ignore' : 'pipe',
    });
    // A command may end before it has read everything.
    if (input !== undefined && process.stdin !== null) pipeline(input, process.stdin).catch(() => undefined);
    try {
      for await (const chunk of mergeChunks({ stdout: process.stdout, stderr: process.stderr })) yield chunk;
    } finally {
      process.kill();
    }
    const result = await process;
    signal?.throwIfAborted();
    const notStarted = explainStartFailure(program, result.code, result);
    if (notStarted !== null) throw notStarted;
    yield { kind: 'exit', exitCode: result.exitCode ?? 1 };
  }

  async function attach(args: readonly string[], options: RunOptions = {}): Promise<number> {
    const result = await execa(program, [...globalArgs, ...args], { ...baseOptions(options), stdio: 'inherit' });
    options.signal?.throwIfAborted();
    const notStarted = explainStartFailure(program, result.code, result);
    if (notStarted !== null) throw notStarted;
    return result.exitCode ?? 1;
  }

  return { run, tryRun, stream, pipe, attach };
}
