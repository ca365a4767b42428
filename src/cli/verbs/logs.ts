import { type Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { readLogs } from '../../operations/logs.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

interface LogsOptions {
  readonly follow: boolean;
  readonly tail: number | 'all';
}

export function addLogs(program: Command, act: Act): void {
  const command = program
    .command('logs')
    .description('what a component, or all of them, wrote')
    .argument('[component]', 'such as spark-master or datanode-1 (default: all)')
    .option('-f, --follow', 'go on with what is written from now on', false)
    .option('--tail <lines>', 'how many of the last lines of each component, or all', parseTail, 100);
  withExamples(command, 'sparkplug logs spark-master', 'sparkplug logs -f --tail 0').action(
    act<LogsOptions>(async ({ shell, options, args }) => {
      const [component] = args;
      const { follow, tail } = options;
      const lines = readLogs(projectChoice(shell), {
        ...(component === undefined ? {} : { component }),
        follow,
        tail,
        signal: shell.signal,
      });
      for await (const { name, line } of lines) {
        if (shell.json) process.stdout.write(`${JSON.stringify({ component: name, line })}\n`);
        else shell.print(component === undefined ? `${pc.cyan(name.padEnd(14))} ${line}` : line);
      }
      return 0;
    }),
  );
}

function parseTail(value: string): number | 'all' {
  if (value === 'all') return 'all';
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('It is a number of lines or all.');
  return Number(value);
}
