// How a verb is put together: its action gets the shell and gives an exit code, or nothing for 0.
import type { Command } from 'commander';
import { SparkPlugError } from '../errors.ts';
import type { GlobalOptions, Shell } from './shell.ts';

/** `args`: the verb's positional arguments in order; `options`: its own flags. */
export interface Call<Options> {
  readonly shell: Shell;
  readonly options: Options;
  readonly args: readonly (string | undefined)[];
}

export type Handler<Options> = (call: Call<Options>) => Promise<number | undefined>;

/** Makes a commander action of a handler. */
export type Act = <Options>(handler: Handler<Options>, takes?: { readonly passedOn: boolean }) => CommanderAction;

type CommanderAction = (this: Command, ...parameters: unknown[]) => Promise<void>;

/** Verbs that take nothing after `--` refuse it instead of dropping it. */
export function createAct(openShell: (options: GlobalOptions) => Shell, finish: (exitCode: number) => void): Act {
  return <Options>(handler: Handler<Options>, takes = { passedOn: false }) =>
    async function act(this: Command) {
      const all = this.optsWithGlobals<GlobalOptions>();
      const shell = openShell(all);
      if (shell.passedOn !== null && !takes.passedOn) {
        throw new SparkPlugError('USAGE', `\`${this.name()}\` takes nothing after --`, {
          hint: `sparkplug ${this.name()} --help`,
        });
      }
      finish((await handler({ shell, options: this.opts() as Options, args: this.processedArgs })) ?? 0);
    };
}

/** The example at the end of a verb's help. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}
