import type { Command } from 'commander';
import { parseScale, scaleCluster } from '../../operations/scale.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

interface ScaleOptions {
  readonly now: boolean;
  readonly force: boolean;
}

export function addScale(program: Command, act: Act): void {
  const command = program
    .command('scale')
    .description('other numbers of workers and DataNodes than the file’s; what goes is drained first')
    .argument('<number...>', 'workers=N, datanodes=N; `=file` goes back to the project file')
    .option('--now', 'do not wait for running jobs where a restart is needed', false)
    .option('--force', 'remove DataNodes even where blocks are lost with them', false);
  withExamples(command, 'sparkplug scale workers=4', 'sparkplug scale workers=file datanodes=2').action(
    act<ScaleOptions>(async ({ shell, options, args }) => {
      const texts = args.flat().filter((text) => text !== undefined);
      const { report, signal } = shell;
      const scaled = await scaleCluster(projectChoice(shell), parseScale(texts), { ...options, report, signal });
      if (shell.json) shell.printJson(scaled);
      else
        shell.print(`${scaled.changed ? '' : 'no change: '}${scaled.workers} workers, ${scaled.datanodes} DataNodes`);
      return 0;
    }),
  );
}
