// Runs as text.
import type { Progress, Run } from '../api/schemas.ts';
import { formatSeconds, formatTable, formatTime } from './format.ts';
import type { RunBar } from './screen.ts';

function durationOf(run: Run): string {
  if (run.startedAt === null) return '';
  const end = run.finishedAt === null ? Date.now() : Date.parse(run.finishedAt);
  return formatSeconds(end - Date.parse(run.startedAt));
}

/** One line per run. */
export function renderRuns(runs: readonly Run[]): string {
  const rows = runs.map((run) => [
    run.id,
    run.job,
    run.state,
    run.exitCode === null ? '' : String(run.exitCode),
    formatTime(run.queuedAt),
    durationOf(run),
    run.waiting ?? run.failure?.message ?? '',
  ]);
  return formatTable(['RUN', 'JOB', 'STATE', 'EXIT', 'QUEUED', 'TOOK', ''], rows);
}

/** Everything known about one run. */
export function renderRun(run: Run): string {
  const rows: [string, string][] = [
    ['run', run.id],
    ['job', run.job],
    ['state', run.state],
    ['arguments', run.args.join(' ')],
    ['started by', run.tick === null ? run.trigger : `${run.trigger}, tick of ${formatTime(run.tick)}`],
    ['image', run.image],
    ['image id', run.imageDigest ?? ''],
    ['queued', formatTime(run.queuedAt)],
    ['started', formatTime(run.startedAt)],
    ['finished', formatTime(run.finishedAt)],
    ['took', durationOf(run)],
    ['exit code', run.exitCode === null ? '' : String(run.exitCode)],
    ['waiting', run.waiting ?? ''],
    ...run.attempts.map((attempt): [string, string] => [
      `attempt ${attempt.number}`,
      `${formatTime(attempt.startedAt)} exit ${attempt.exitCode ?? '-'} ${attempt.failure?.message ?? ''}`.trim(),
    ]),
    ...Object.entries(run.published).map(([name, count]): [string, string] => [`published ${name}`, `${count} rows`]),
  ];
  const lines = rows.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(12)} ${value}`);
  return [...lines, ...(run.failure === null ? [] : describeFailure(run))].join('\n');
}

/** Why a run did not succeed, in the form of all errors. */
export function describeFailure(run: Run): readonly string[] {
  const exit = run.exitCode === null ? '' : ` (exit code ${run.exitCode})`;
  if (run.failure === null) return [`run ${run.id} ${run.state}${exit}`];
  const { code, message, hint } = run.failure;
  return [
    `error ${code}: ${message}`,
    `  at run ${run.id} of ${run.job}${exit}`,
    `  fix: ${hint ?? `sparkplug runs logs ${run.id}`}`,
  ];
}

/** The bar below the streaming log. */
export function describeProgress(progress: Progress): RunBar {
  const { stagesDone, stagesTotal, tasksDone, tasksTotal, stage } = progress;
  const name = stage === null ? '' : ` ${stage}`;
  return {
    done: tasksDone,
    total: tasksTotal,
    text: `stage ${stagesDone}/${stagesTotal}, task ${tasksDone}/${tasksTotal}${name}`,
  };
}
