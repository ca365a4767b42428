import { type Command, Option } from 'commander';
import { newProject, templates } from '../../operations/new-project.ts';
import { type Act, withExamples } from '../verb.ts';

interface NewOptions {
  readonly template: (typeof templates)[number];
}

export function addNew(program: Command, act: Act): void {
  const command = program
    .command('new')
    .description('make a working project from a template')
    .argument('[name]', 'name of the project and its folder', 'my-app')
    .addOption(new Option('--template <name>', 'what to start from').choices([...templates]).default('minimal'));
  withExamples(command, 'sparkplug new my-app', 'sparkplug new shop --template geopredict').action(
    act<NewOptions>(async ({ shell, options, args }) => {
      const [name = 'my-app'] = args;
      const made = await newProject({
        name,
        template: options.template,
        parentDir: shell.options.project ?? process.cwd(),
      });
      if (shell.json) {
        shell.printJson(made);
        return 0;
      }
      shell.print(`made ${made.dir} from the template ${made.template}:`);
      for (const file of made.files) shell.print(`  ${file}`);
      shell.print(['', 'next:', `  cd ${made.folder}`, ...made.next.map((line) => `  ${line}`)].join('\n'));
      return 0;
    }),
  );
}
