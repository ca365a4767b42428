import type { Command } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { type DownReport, describeDown, takeDown } from '../../operations/down.ts';
import { bringUp } from '../../operations/up.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

interface UpOptions {
  readonly now: boolean;
  readonly build: boolean;
}

interface DownOptions {
  readonly now: boolean;
  readonly volumes: boolean;
}

export function addUpAndDown(program: Command, act: Act): void {
  addUp(program, act);
  addDown(program, act);
}

function addUp(program: Command, act: Act): void {
  const command = program
    .command('up')
    .description('make the cluster what the project file says, and wait until it really works')
    .option('--now', 'do not wait for running jobs where a restart is needed', false)
    .option('--no-build', 'an image that cannot be pulled is an error instead of being built');
  withExamples(command, 'sparkplug up', 'sparkplug up --set spark.workers=2').action(
    act<UpOptions>(async ({ shell, options }) => {
      const { report, signal } = shell;
      const up = await bringUp(projectChoice(shell), { ...options, report, signal });
      if (shell.json) {
        shell.printJson(up);
        return 0;
      }
      if (!up.changed) shell.print('no change: the cluster is what the project file says');
      else shell.print(`up: ${up.components.map(({ name }) => name).join(', ')}`);
      shell.print(`REST: ${up.url} (revision ${up.revision}${up.context === null ? '' : `, context ${up.context}`})`);
      if (up.fingerprint !== null) shell.print(`certificate SHA-256: ${up.fingerprint}`);
      if (up.login !== null) shell.print(`dashboard (logs in once, within 10 minutes): ${up.login}`);
      if (up.next.length > 0) shell.print(`next: ${up.next.join('   ')}`);
      return 0;
    }),
  );
}

function addDown(program: Command, act: Act): void {
  const command = program
    .command('down')
    .description('stop the cluster; data stays unless --volumes')
    .option('--volumes', 'remove files, history, results, secrets and images of the project as well', false)
    .option('--now', 'do not wait for containers to stop by themselves', false);
  withExamples(command, 'sparkplug down', 'sparkplug down --volumes --yes').action(
    act<DownOptions>(async ({ shell, options }) => {
      const choice = projectChoice(shell);
      const question = await describeDown(choice, options);
      if (question !== null && !(await shell.confirm(question))) {
        throw new SparkPlugError('USAGE', 'nothing was stopped', { hint: 'answer y, or give --yes' });
      }
      const down = await takeDown(choice, { ...options, report: shell.report, signal: shell.signal });
      if (shell.json) shell.printJson(down);
      else shell.print(sentence(down));
      return 0;
    }),
  );
}

function sentence({ stopped, removedVolumes, leftSwarm }: DownReport): string {
  const what = stopped.length === 0 ? 'nothing was running' : `stopped ${stopped.length} services`;
  const data =
    removedVolumes.length === 0 ? '' : `; removed ${removedVolumes.length} volumes and all else of the project`;
  return `${what}${data}${leftSwarm ? '; left the Swarm that SparkPlug had made' : ''}`;
}
