// Parses, runs one verb, prints its error, gives the exit code; turns Ctrl-C into an abort.
import { type Command, CommanderError } from 'commander';
import { SparkPlugError } from '../errors.ts';
import { describeError, errorAsJson, exitCodeOf, exitCodes, Interrupted, nameFullDisk } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { createShell, type GlobalOptions, type Shell } from './shell.ts';

/** A launcher may pass on a Ctrl-C that the terminal sent as well: what follows this soon is the same one. */
const sameSignalMs = 250;
/** How long a verb may take to wind down after Ctrl-C. */
const graceMs = 2_000;
const goesOn = 'run the same command again, it goes on where it stopped';
/** Of the verbs of which a second call finishes what the first one had begun. */
const howToGoOn: Readonly<Record<string, string>> = {
  // A cluster that stands carries out by itself what it was given, and is busy meanwhile.
  up: 'what the cluster has begun goes on; run the same command again for the rest',
  down: goesOn,
  'images build': goesOn,
  'images push': goesOn,
  'lab up': goesOn,
};

/** Runs `sparkplug ARGV` and gives its exit code; never throws. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const { own, passedOn } = splitAtDashes(argv);
  const interruption = new AbortController();
  let verb = '';
  const stopListening = listenForInterruption(() => interruption.abort(describeInterruption(verb)));
  let shell: Shell | null = null;
  try {
    let exitCode: number = exitCodes.done;
    const program = createProgram(
      (options: GlobalOptions) => {
        shell = createShell({ options, passedOn, signal: interruption.signal });
        return shell;
      },
      (code) => {
        exitCode = code;
      },
    );
    program.hook('preAction', (_, action) => {
      verb = nameVerb(action);
    });
    await Promise.race([program.parseAsync([...own], { from: 'user' }), hangingOn(interruption.signal)]);
    closeScreen(shell);
    return exitCode;
  } catch (error) {
    closeScreen(shell);
    const cause = interruption.signal.aborted ? findInterruption(error, interruption.signal) : nameFullDisk(error);
    printError(cause, wantsJson(own));
    return exitCodeOf(cause);
  } finally {
    stopListening();
  }
}

/** Rejects when an interrupted verb is still at it after the grace: something it waits for knows no interruption. */
function hangingOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), graceMs).unref(), { once: true });
  });
}

function closeScreen(shell: Shell | null): void {
  shell?.screen.close();
}

/** What stands after the first `--` belongs to the job or to the command in a container. */
function splitAtDashes(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly passedOn: readonly string[] | null;
} {
  const at = argv.indexOf('--');
  return at === -1 ? { own: argv, passedOn: null } : { own: argv.slice(0, at), passedOn: argv.slice(at + 1) };
}

/** As it is typed: `up`, `images push`. */
function nameVerb(command: Command): string {
  const { parent } = command;
  return parent === null ? '' : `${nameVerb(parent)} ${command.name()}`.trim();
}

function describeInterruption(verb: string): Interrupted {
  const how = howToGoOn[verb];
  return how === undefined ? new Interrupted() : new Interrupted(`interrupted: ${how}`);
}

function listenForInterruption(abort: () => void): () => void {
  let firstAt: number | null = null;
  const interrupt = () => {
    if (firstAt === null) {
      firstAt = performance.now();
      abort();
    } else if (performance.now() - firstAt > sameSignalMs) {
      process.exit(exitCodes.interrupted);
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  return () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
}

/** After Ctrl-C most errors are its consequences; one that says how to go on is kept. */
function findInterruption(error: unknown, { reason }: AbortSignal): unknown {
  return error instanceof Interrupted ? error : reason;
}

function wantsJson(own: readonly string[]): boolean {
  return own.some(
    (word, index) =>
      /^(-o=?json|--output=json)$/.test(word) || (/^(-o|--output)$/.test(word) && own[index + 1] === 'json'),
  );
}

function printError(error: unknown, json: boolean): void {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return;
    error = usageError(error);
  }
  if (error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    return;
  }
  process.stderr.write(`${describeError(error).join('\n')}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: errorAsJson(error) }, null, 2)}\n`);
}

function usageError(error: CommanderError): SparkPlugError {
  const [message = error.message, ...hints] = error.message.replace(/^error: /, '').split('\n');
  return new SparkPlugError('USAGE', message, { hint: hints.join(' ').trim() || 'sparkplug --help', cause: error });
}
