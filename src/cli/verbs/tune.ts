import type { Command } from 'commander';
import { tuneProject } from '../../operations/tune.ts';
import { projectChoice } from '../project-choice.ts';
import { renderTune } from '../render-tune.ts';
import { type Act, withExamples } from '../verb.ts';

interface TuneOptions {
  readonly machine: readonly string[];
  readonly apply: boolean;
}

export function addTune(program: Command, act: Act): void {
  const command = program
    .command('tune')
    .description('find the worker with which these machines use most cores')
    .option(
      '--machine <shape>',
      'tune for a machine one only thinks of, such as 8c16g or 2c4g*3 (repeatable)',
      (value: string, before: readonly string[]) => [...before, value],
      [] as readonly string[],
    )
    .option('--apply', 'write it into sparkplug.yaml, comments and all else kept', false);
  withExamples(
    command,
    'sparkplug tune',
    'sparkplug tune --apply && sparkplug up',
    'sparkplug tune --machine 2c8g --machine 4c8g --machine 8c16g -o json',
  ).action(
    act<TuneOptions>(async ({ shell, options }) => {
      const report = await tuneProject(projectChoice(shell), { machines: options.machine, apply: options.apply });
      if (shell.json) shell.printJson(report);
      else shell.print(renderTune(report));
      return 0;
    }),
  );
}
