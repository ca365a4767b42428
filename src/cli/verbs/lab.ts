import { type Command, InvalidArgumentError } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { bringUpLab } from '../../operations/lab/bring-up-lab.ts';
import { changeMachine, describeLabDown, type MachineChange, takeLabDown } from '../../operations/lab/change-lab.ts';
import { readLab } from '../../operations/lab/lab-status.ts';
import { projectChoice } from '../project-choice.ts';
import { renderLab } from '../render-lab.ts';
import { type Act, withExamples } from '../verb.ts';

interface UpOptions {
  readonly machine: readonly string[];
  readonly coreScale?: number;
  readonly link?: string;
}

const changes: Readonly<Record<MachineChange, string>> = {
  stop: 'shut a machine down',
  start: 'boot a machine that was stopped',
  cut: 'let nothing through the private link of a machine',
  heal: 'undo `cut`',
};

export function addLab(program: Command, act: Act): void {
  const lab = program.command('lab').description('simulated machines on this computer, for this project');
  withExamples(lab, 'sparkplug lab up --machine 4c4g --machine 2c2g*2', 'sparkplug lab');

  const status = lab.command('status', { isDefault: true }).description('the machines and how they are');
  withExamples(status, 'sparkplug lab status -o json').action(
    act(async ({ shell }) => {
      const report = await readLab(projectChoice(shell));
      if (shell.json) shell.printJson({ lab: report });
      else if (report === null) shell.print('no lab; sparkplug lab up --machine 4c4g --machine 2c2g*2 makes one');
      else shell.print(renderLab(report));
      return 0;
    }),
  );
  addUp(lab, act);
  addDown(lab, act);
  for (const [change, description] of Object.entries(changes))
    addChange(lab, act, change as MachineChange, description);
}

function addUp(lab: Command, act: Act): void {
  const up = lab
    .command('up')
    .description('make the machines and their Swarm, and turn the project to it; finishes what was interrupted')
    .option('--machine <shape>', 'a machine such as 8c16g or 2c4g*3, the conductor first (repeatable)', collect, [])
    .option('--core-scale <n>', 'simulated cores per real one', parseScale)
    .option('--link <shape>', 'delay and bandwidth of every machine, such as 5ms,100mbit; none for no limits');
  withExamples(
    up,
    'sparkplug lab up --machine 2c6g',
    'sparkplug lab up --machine 8c8g --machine 4c4g --machine 2c3g*2 --core-scale 4 --link 100mbit',
  ).action(
    act<UpOptions>(async ({ shell, options }) => {
      const { report, signal } = shell;
      const made = await bringUpLab(projectChoice(shell), {
        machines: options.machine,
        coreScale: options.coreScale ?? null,
        link: options.link ?? null,
        report,
        signal,
      });
      if (shell.json) shell.printJson({ lab: made });
      else shell.print(`${renderLab(made)}\nnext: sparkplug up`);
      return 0;
    }),
  );
}

function addDown(lab: Command, act: Act): void {
  const down = lab.command('down').description('remove the machines with all that is on them');
  withExamples(down, 'sparkplug lab down --yes').action(
    act(async ({ shell }) => {
      const choice = projectChoice(shell);
      const question = await describeLabDown(choice);
      if (question !== null && !(await shell.confirm(question))) {
        throw new SparkPlugError('USAGE', 'nothing was removed', { hint: 'answer y, or give --yes' });
      }
      const { report, signal } = shell;
      const removed = await takeLabDown(choice, { report, signal });
      if (shell.json) shell.printJson(removed);
      else shell.print(sentence(removed.removedMachines));
      return 0;
    }),
  );
}

function addChange(lab: Command, act: Act, change: MachineChange, description: string): void {
  const command = lab
    .command(change)
    .description(description)
    .argument('<machine>', 'as `lab status` names it: conductor, follower-1, …');
  withExamples(command, `sparkplug lab ${change} follower-1`).action(
    act(async ({ shell, args: [machine = ''] }) => {
      const { report, signal } = shell;
      await changeMachine(projectChoice(shell), change, machine, { report, signal });
      if (shell.json) shell.printJson({ lab: await readLab(projectChoice(shell)) });
      return 0;
    }),
  );
}

function sentence(removed: readonly string[]): string {
  return removed.length === 0 ? 'there was no lab' : `removed ${removed.join(', ')}`;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function parseScale(value: string): number {
  if (!/^[1-9]\d{0,2}$/.test(value)) throw new InvalidArgumentError('It is a whole number from 1 to 999.');
  return Number(value);
}
