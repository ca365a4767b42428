import type { Command } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { execInComponent } from '../../operations/exec.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

export function addExec(program: Command, act: Act): void {
  const command = program
    .command('exec')
    .description("run a command in a component's container; its exit code is passed on")
    .argument('<component>', 'such as spark-master or datanode-1')
    .usage('[options] <component> -- CMD [ARGS...]');
  withExamples(command, 'sparkplug exec namenode -- ls -l /data', 'sparkplug exec spark-worker-1 -- bash').action(
    act(
      async ({ shell, args }) => {
        const [component = ''] = args;
        if (shell.passedOn === null || shell.passedOn.length === 0) {
          throw new SparkPlugError('USAGE', 'the command to run is missing', {
            hint: `sparkplug exec ${component} -- ls -l`,
          });
        }
        const tty = process.stdin.isTTY === true && process.stdout.isTTY === true;
        return await execInComponent(projectChoice(shell), component, shell.passedOn, {
          tty,
          input: process.stdin.isTTY === true ? null : process.stdin,
          onOutput: (source, bytes) => void process[source].write(bytes),
          report: shell.report,
          signal: shell.signal,
        });
      },
      { passedOn: true },
    ),
  );
}
