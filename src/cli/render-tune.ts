// `tune` as text.
import pc from 'picocolors';
import type { TuneReport } from '../operations/tune.ts';
import { formatMemory, formatTable } from './format.ts';

type Candidate = TuneReport['best'];

/** So many machines have a column each; more are summed up. */
const mostColumns = 8;
const mostLines = 20;

/** The machines, the candidates with what each makes of them, and what to do next. */
export function renderTune({ machines, totalCores, candidates, best, now, applied, next }: TuneReport): string {
  const columns = machines.length <= mostColumns ? machines.map(({ name }) => name) : [];
  const row = (candidate: Candidate, mark: string): readonly string[] => [
    mark,
    describeShape(candidate),
    ...columns.map((_, index) => String(candidate.workers[index] ?? 0)),
    String(candidate.totalWorkers),
    `${candidate.coresUsed} of ${totalCores}`,
    formatMemory(candidate.memoryLeftMiB),
    candidate.whyNot ?? 'best: most cores in use',
  ];
  const rows = candidates.map((candidate) => row(candidate, candidate.whyNot === null ? '*' : ''));
  const table = formatTable(
    ['', 'WORKER', ...columns, 'WORKERS', 'CORES USED', 'MEMORY LEFT', ''],
    now === null ? rows : [...rows, row(now, 'now')],
  );
  return [
    ...machines.slice(0, mostLines).map(({ name, state, cores, memoryMiB }) => {
      const remark = state === 'ready' ? '' : ` (${state})`;
      return `${name}: ${cores} cores, ${formatMemory(memoryMiB)}${remark}`;
    }),
    ...(machines.length > mostLines ? [`and ${machines.length - mostLines} more machines`] : []),
    '',
    table,
    '',
    `${pc.bold('best')}: ${describeShape(best)}, of which ${formatMemory(best.heapMiB ?? 0)} heap for each executor`,
    ...(applied ? ['wrote it into sparkplug.yaml'] : []),
    ...(!applied && next.length === 0 ? ['sparkplug.yaml has it already'] : []),
    ...next.map((command) => `next: ${command}`),
  ].join('\n');
}

function describeShape({ executors, cores, memoryMiB }: Candidate): string {
  return `${executors} × ${cores} ${cores === 1 ? 'core' : 'cores'}, ${formatMemory(memoryMiB)}`;
}
