import { type Command, Option } from 'commander';
import { RunState } from '../../api/schemas.ts';
import { cancelRun, listRuns, readRunLogs, showRun } from '../../operations/runs.ts';
import { parseWholeNumber } from '../parse-number.ts';
import { projectChoice } from '../project-choice.ts';
import { renderRun, renderRuns } from '../render-run.ts';
import { type Act, withExamples } from '../verb.ts';

interface ListOptions {
  readonly job?: string;
  readonly state?: RunState;
  readonly limit: number;
}

interface LogsOptions {
  readonly follow: boolean;
  readonly source?: string;
}

export function addRuns(program: Command, act: Act): void {
  const runs = program.command('runs').description('the history of runs');
  withExamples(
    runs,
    'sparkplug runs',
    'sparkplug runs show RUN',
    'sparkplug runs logs RUN',
    'sparkplug runs cancel RUN',
  );

  const list = runs
    .command('list', { isDefault: true })
    .description('runs, newest first')
    .option('--job <name>', 'only of this job')
    .addOption(new Option('--state <state>', 'only in this state').choices([...RunState.options]))
    .option('--limit <runs>', 'at most this many', parseWholeNumber, 20);
  withExamples(list, 'sparkplug runs list --job predict --state failed').action(
    act<ListOptions>(async ({ shell, options }) => {
      const found = await listRuns(projectChoice(shell), { ...options, signal: shell.signal });
      if (shell.json) shell.printJson({ runs: found });
      else shell.print(found.length === 0 ? 'no runs yet; start one: sparkplug run' : renderRuns(found));
      return 0;
    }),
  );

  const show = runs.command('show').description('all about one run').argument('<run>', 'id of the run');
  withExamples(show, 'sparkplug runs show predict-7').action(
    act(async ({ shell, args: [id = ''] }) => {
      const run = await showRun(projectChoice(shell), id, shell.signal);
      if (shell.json) shell.printJson(run);
      else shell.print(renderRun(run));
      return 0;
    }),
  );

  const logs = runs
    .command('logs')
    .description('what a run wrote, also long after its container is gone')
    .argument('<run>', 'id of the run')
    .addOption(new Option('-f, --follow', 'go on until the run ends').default(false).conflicts('source'))
    .option('--source <log>', '`driver`, the default, or `executor-N` once the run has ended');
  withExamples(logs, 'sparkplug runs logs predict-7 -f', 'sparkplug runs logs predict-7 --source executor-0').action(
    act<LogsOptions>(async ({ shell, options, args: [id = ''] }) => {
      for await (const text of readRunLogs(projectChoice(shell), id, { ...options, signal: shell.signal })) {
        if (shell.json) process.stdout.write(`${JSON.stringify({ line: text })}\n`);
        else shell.print(text);
      }
      return 0;
    }),
  );

  const cancel = runs.command('cancel').description('end a run that waits or works').argument('<run>', 'id of the run');
  withExamples(cancel, 'sparkplug runs cancel predict-7').action(
    act(async ({ shell, args: [id = ''] }) => {
      const run = await cancelRun(projectChoice(shell), id, shell.signal);
      if (shell.json) shell.printJson(run);
      else shell.print(`${run.id}: ${run.state === 'cancelled' ? 'cancelled' : `cancel asked for (${run.state})`}`);
      return 0;
    }),
  );
}
