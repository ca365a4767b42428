// What a verb has to do with the world: streams, questions, progress, Ctrl-C. Nothing is decided here.
import { createInterface } from 'node:readline/promises';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { Interrupted } from './exit-codes.ts';
import { createScreen, type Screen } from './screen.ts';

/** Flags that every verb knows. */
export interface GlobalOptions {
  readonly project?: string;
  readonly context?: string;
  readonly output: 'text' | 'json';
  readonly yes: boolean;
  /** `--set spark.workers=2`, in the order given. */
  readonly set: readonly string[];
}

export interface Shell {
  readonly options: GlobalOptions;
  readonly json: boolean;
  /** What stood after `--`; null without one. */
  readonly passedOn: readonly string[] | null;
  readonly screen: Screen;
  readonly report: Report;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** A line on standard output. */
  print(text: string): void;
  /** In JSON mode the only thing on standard output. */
  printJson(value: unknown): void;
  /** True with `--yes`; asks on a terminal; elsewhere an error that names `--yes`. */
  confirm(question: string): Promise<boolean>;
  /** What is typed on the terminal; without one an error that names `--yes`. */
  ask(question: string): Promise<string>;
  /** From standard input, or typed unseen on a terminal; one final line break is dropped. */
  readSecret(name: string): Promise<Buffer>;
}

interface ShellParts {
  readonly options: GlobalOptions;
  readonly passedOn: readonly string[] | null;
  readonly signal: AbortSignal;
}

/** The shell of this process. */
export function createShell({ options, passedOn, signal }: ShellParts): Shell {
  const screen = createScreen(process.stderr);
  return {
    options,
    json: options.output === 'json',
    passedOn,
    screen,
    report: screen.report,
    signal,
    print: (text) => screen.aside(() => process.stdout.write(`${text}\n`)),
    printJson: (value) => screen.aside(() => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)),
    confirm: (question) => confirm(question, options.yes, signal),
    ask: (question) => ask(question, signal),
    readSecret: async (name) =>
      process.stdin.isTTY ? Buffer.from(await askUnseen(`value of ${name}: `)) : await readStandardInput(),
  };
}

async function confirm(question: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  if (yes) return true;
  return /^y(es)?$/i.test((await ask(`${question} [y/N]`, signal)).trim());
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new SparkPlugError('USAGE', `this needs a yes, and there is no terminal to ask on: ${question}`, {
      hint: 'give --yes',
    });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(`${question} `, { signal });
  } finally {
    lines.close();
  }
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const end = bytes.at(-1) === 0x0a ? bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1) : bytes.length;
  return bytes.subarray(0, end);
}

/** Raw mode, so that the terminal shows nothing of what is typed. */
function askUnseen(question: string): Promise<string> {
  process.stderr.write(question);
  process.stdin.setRawMode(true);
  process.stdin.setEncoding('utf8');
  return new Promise<string>((resolve, reject) => {
    let typed = '';
    const finish = (settle: () => void) => {
      process.stdin.setRawMode(false);
      process.stdin.pause();
      process.stdin.off('data', take);
      process.stderr.write('\n');
      settle();
    };
    const take = (text: string) => {
      for (const key of text) {
        if (key === '\r' || key === '\n' || key === '\u0004') return finish(() => resolve(typed));
        // Raw mode keeps the terminal from sending the signal itself.
        if (key === '\u0003') return finish(() => reject(new Interrupted()));
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      }
    };
    process.stdin.on('data', take);
    process.stdin.resume();
  });
}
