import type { Command } from 'commander';
import { listSecrets, removeSecret, setSecret } from '../../operations/secret.ts';
import { formatTable } from '../format.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

export function addSecret(program: Command, act: Act): void {
  const secret = program
    .command('secret')
    .description("values that jobs read from /run/secrets, never in the project's files");
  withExamples(secret, 'sparkplug secret set warehouse_password', 'sparkplug secret list');

  const set = secret
    .command('set')
    .description('store a value, read from standard input or asked for; an existing one is replaced')
    .argument('<name>', 'name of the file in /run/secrets');
  withExamples(set, 'sparkplug secret set warehouse_password < password.txt').action(
    act(async ({ shell, args: [name = ''] }) => {
      const value = await shell.readSecret(name);
      const outcome = await setSecret(projectChoice(shell), name, value, {
        report: shell.report,
        signal: shell.signal,
      });
      if (shell.json) shell.printJson(outcome);
      else
        shell.print(
          `secret ${name} ${outcome.changed ? 'is stored' : 'is unchanged'}${outcome.applied ? ', and the cluster has it' : ''}`,
        );
      return 0;
    }),
  );

  const list = secret.command('list').description('names and which jobs use them; never values');
  withExamples(list, 'sparkplug secret list').action(
    act(async ({ shell }) => {
      const secrets = await listSecrets(projectChoice(shell));
      if (shell.json) shell.printJson({ secrets });
      else if (secrets.length === 0) shell.print('no secrets');
      else {
        const rows = secrets.map(({ name, set: isSet, jobs }) => [name, isSet ? 'set' : 'missing', jobs.join(', ')]);
        shell.print(formatTable(['SECRET', 'VALUE', 'USED BY'], rows));
      }
      return 0;
    }),
  );

  const remove = secret.command('rm').description('forget a value').argument('<name>', 'name of the secret');
  withExamples(remove, 'sparkplug secret rm warehouse_password').action(
    act(async ({ shell, args: [name = ''] }) => {
      const outcome = await removeSecret(projectChoice(shell), name);
      if (shell.json) shell.printJson(outcome);
      else shell.print(outcome.removed ? `secret ${name} is removed` : `there was no secret ${name}`);
      return 0;
    }),
  );
}
