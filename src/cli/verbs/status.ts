import type { Command } from 'commander';
import { readStatus } from '../../operations/status.ts';
import { projectChoice } from '../project-choice.ts';
import { renderStatus } from '../render-status.ts';
import { type Act, withExamples } from '../verb.ts';

export function addStatus(program: Command, act: Act): void {
  const command = program.command('status').description('what runs, how it is, and where');
  withExamples(command, 'sparkplug status', 'sparkplug status -o json').action(
    act(async ({ shell }) => {
      const status = await readStatus(projectChoice(shell), { signal: shell.signal });
      if (shell.json) shell.printJson(status);
      else shell.print(renderStatus(status));
      return 0;
    }),
  );
}
