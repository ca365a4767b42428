import type { Command } from 'commander';
import { version } from '../../version.ts';
import { type Act, withExamples } from '../verb.ts';

export function addVersion(program: Command, act: Act): void {
  const command = program.command('version').description('print the version of SparkPlug and of the Node it runs on');
  withExamples(command, 'sparkplug version -o json').action(
    act(async ({ shell }) => {
      const versions = { version, node: process.versions.node };
      if (shell.json) shell.printJson(versions);
      else shell.print(`sparkplug ${version} (Node ${versions.node})`);
      return 0;
    }),
  );
}
