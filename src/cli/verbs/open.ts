import { Argument, type Command } from 'commander';
import { openPage, type Page, pages } from '../../operations/open-page.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

interface OpenOptions {
  readonly print: boolean;
}

export function addOpen(program: Command, act: Act): void {
  const command = program
    .command('open')
    .description('the dashboard in your browser, logged in by a link that works once within 10 minutes')
    .addArgument(new Argument('[page]', 'where to go').choices([...pages]).default('cluster'))
    .option('--print', 'only print the link', false);
  withExamples(command, 'sparkplug open', 'sparkplug open results', 'sparkplug open --print').action(
    act<OpenOptions>(async ({ shell, options, args: [page] }) => {
      const opened = await openPage(projectChoice(shell), page as Page, { ...options, signal: shell.signal });
      if (shell.json) shell.printJson(opened);
      else shell.print(opened.link);
      return 0;
    }),
  );
}
