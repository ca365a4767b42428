import type { Command } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { type PlanReport, planForThoughtMachines, planProject } from '../../operations/plan.ts';
import { writeCompose } from '../../operations/write-compose.ts';
import { projectChoice } from '../project-choice.ts';
import { renderPlan } from '../render-plan.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

interface PlanOptions {
  readonly machine: readonly string[];
  readonly compose?: string;
  readonly build: boolean;
}

export function addPlan(program: Command, act: Act): void {
  const command = program
    .command('plan')
    .description('show what `up` would do and why; changes nothing')
    .option(
      '--machine <shape>',
      'plan for a machine one only thinks of, such as 8c16g or 2c4g*3 (repeatable)',
      collect,
      [],
    )
    .option('--compose <dir>', 'write the Compose file and the files it names to this folder')
    .option('--no-build', 'with --compose: do not pull or build images');
  withExamples(
    command,
    'sparkplug plan',
    'sparkplug plan --machine 8c16g --machine 4c8g -o json',
    'sparkplug plan --compose out && docker stack deploy -c out/compose.yaml my-app',
  ).action(
    act<PlanOptions>(async ({ shell, options }) => {
      if (options.compose !== undefined) {
        if (options.machine.length > 0) {
          throw new SparkPlugError('USAGE', '--machine and --compose exclude each other', {
            hint: 'leave one out: a Compose file is for the machine that there is',
          });
        }
        await composeFolder(shell, options.compose, options.build);
        return 0;
      }
      const choice = projectChoice(shell);
      const report =
        options.machine.length > 0 ? await planForThoughtMachines(choice, options.machine) : await planProject(choice);
      show(shell, report);
      return 0;
    }),
  );
}

function show(shell: Shell, report: PlanReport): void {
  if (shell.json) shell.printJson(report.json);
  else shell.print(renderPlan(report));
}

async function composeFolder(shell: Shell, dir: string, build: boolean): Promise<void> {
  const written = await writeCompose(projectChoice(shell), { dir, build, report: shell.report, signal: shell.signal });
  if (shell.json) {
    shell.printJson(written);
    return;
  }
  shell.print(`wrote ${written.dir} (${written.files.length} files). Deploy it with:`);
  shell.print(`  ${written.command}`);
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
