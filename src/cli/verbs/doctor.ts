import type { Command } from 'commander';
import pc from 'picocolors';
import { examineProject } from '../../operations/examine-project.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

interface DoctorOptions {
  readonly fix: boolean;
}

const marks = { ok: pc.green('✔'), warning: pc.yellow('!'), failed: pc.red('✖') } as const;

export function addDoctor(program: Command, act: Act): void {
  const command = program
    .command('doctor')
    .description('check Docker, Swarm, port, memory, disk, registry and kernel; each failure with its fix')
    .option('--fix', 'apply the fixes that can be applied: install and start Docker Engine, make a Swarm', false);
  withExamples(command, 'sparkplug doctor', 'sparkplug doctor --fix').action(
    act<DoctorOptions>(async ({ shell, options }) => {
      const { report, signal } = shell;
      const diagnosis = await examineProject(projectChoice(shell), { fix: options.fix, report, signal });
      if (shell.json) shell.printJson(diagnosis);
      else {
        for (const { name, state, detail, fix } of diagnosis.findings) {
          shell.print(`${marks[state]} ${name}: ${detail}`);
          if (fix !== null && state !== 'ok') shell.print(`  fix: ${fix}`);
        }
      }
      return diagnosis.healthy ? 0 : 1;
    }),
  );
}
