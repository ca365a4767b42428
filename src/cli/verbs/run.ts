import type { Command } from 'commander';
import type { Run } from '../../api/schemas.ts';
import { runJob } from '../../operations/run-job.ts';
import { Interrupted } from '../exit-codes.ts';
import { projectChoice } from '../project-choice.ts';
import { describeFailure, describeProgress } from '../render-run.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

interface RunOptions {
  readonly detach: boolean;
}

export function addRun(program: Command, act: Act): void {
  const command = program
    .command('run')
    .description("rebuild what changed, run a job, stream its log; the exit code is the run's")
    .argument('[job]', 'name of the job (not needed when there is only one)')
    .option('--detach', 'only queue it and print its id', false)
    .usage('[options] [job] [-- ARGS...]');
  withExamples(
    command,
    'sparkplug run',
    'sparkplug run predict -- --horizon 7',
    'sparkplug run ingest --detach',
  ).action(
    act<RunOptions>(async ({ shell, options, args: [job] }) => await followJob(shell, job, options.detach), {
      passedOn: true,
    }),
  );
}

async function followJob(shell: Shell, job: string | undefined, detach: boolean): Promise<number> {
  let started: Run | null = null;
  try {
    const run = await runJob(projectChoice(shell), {
      ...(job === undefined ? {} : { job }),
      args: shell.passedOn ?? [],
      detach,
      report: shell.report,
      signal: shell.signal,
      onStarted: (run) => {
        started = run;
        shell.screen.line(`run ${run.id} of ${run.job}`);
      },
      onLog: (line) => (shell.json ? shell.screen.line(line) : shell.print(line)),
      onProgress: (progress) => shell.screen.bar(progress === null ? null : describeProgress(progress)),
      onWaiting: (reason) => shell.screen.line(`waiting: ${reason}`),
    });
    shell.screen.bar(null);
    return detach ? showDetached(shell, run) : showEnd(shell, run);
  } catch (error) {
    if (shell.signal.aborted && started !== null) throw new Interrupted(detachedHint(started));
    throw error;
  }
}

/** Ctrl-C lets go of the run; it goes on in the cluster. */
function detachedHint({ id }: Run): string {
  return `detached: run ${id} goes on\n  follow: sparkplug runs logs ${id} -f\n  end it: sparkplug runs cancel ${id}`;
}

function showDetached(shell: Shell, run: Run): number {
  if (shell.json) shell.printJson(run);
  else shell.print(run.id);
  return 0;
}

function showEnd(shell: Shell, run: Run): number {
  if (shell.json) shell.printJson(run);
  else for (const line of describeEnd(run)) shell.screen.line(line);
  return exitCodeOfRun(run);
}

function describeEnd(run: Run): readonly string[] {
  if (run.state !== 'succeeded') return describeFailure(run);
  const published = Object.entries(run.published);
  return [
    `run ${run.id} succeeded`,
    ...published.map(([name, rows]) => `  published ${name}: ${rows} rows`),
    ...published.slice(0, 1).map(([name]) => `next: sparkplug results ${name}`),
  ];
}

/** The job's own code; a run that failed for another reason ends with 1, a cancelled one as if interrupted. */
export function exitCodeOfRun(run: Run): number {
  if (run.state === 'succeeded') return 0;
  if (run.state === 'cancelled') return 130;
  return run.exitCode === null || run.exitCode === 0 ? 1 : run.exitCode;
}
