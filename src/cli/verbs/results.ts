import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { listResults, readResult, readResultByKey, streamResult } from '../../operations/results.ts';
import { formatCell, formatTable, formatTime } from '../format.ts';
import { parseWholeNumber } from '../parse-number.ts';
import { projectChoice } from '../project-choice.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

interface ResultsOptions {
  readonly where: Readonly<Record<string, string>>;
  readonly sort?: readonly string[];
  readonly limit?: number;
  readonly offset: number;
  readonly run?: string;
  readonly format?: 'csv' | 'arrow';
}

/** Rows that a screen shows where nobody says how many. */
const shownRows = 20;

export function addResults(program: Command, act: Act): void {
  const command = program
    .command('results')
    .description('what jobs published')
    .argument('[name]', 'a result (default: list all)')
    .argument('[key]', 'look up one key')
    .option('--where <column=value>', 'only rows with this value (repeatable)', collectWhere, {})
    .option('--sort <columns>', 'by these columns, such as city,-sales', (value: string) => value.split(','))
    .option('--limit <rows>', `at most this many rows (default: ${shownRows}; all with --format)`, parseWholeNumber)
    .option('--offset <rows>', 'leave out the first rows', parseWholeNumber, 0)
    .option('--run <id>', 'as an earlier run published it')
    .addOption(new Option('--format <format>', 'write all rows as a file would hold them').choices(['csv', 'arrow']));
  withExamples(
    command,
    'sparkplug results',
    'sparkplug results predictions --where store_id=367 --limit 5',
    'sparkplug results predictions 1017 -o json',
    'sparkplug results predictions --sort -sales --format csv > predictions.csv',
  ).action(
    act<ResultsOptions>(async ({ shell, options, args }) => {
      const [name, key] = args;
      if (name === undefined) await showList(shell);
      else if (key !== undefined) await showKey(shell, name, key, options);
      else if (options.format !== undefined) await writeRows(shell, name, options.format, options);
      else await showRows(shell, name, options);
      return 0;
    }),
  );
}

async function showList(shell: Shell): Promise<void> {
  const results = await listResults(projectChoice(shell), shell.signal);
  if (shell.json) shell.printJson({ results });
  else if (results.length === 0)
    shell.print('nothing is published yet; a job publishes when it succeeds: sparkplug run');
  else {
    const rows = results.map((result) => [
      result.name,
      String(result.rows),
      result.key ?? '',
      result.job,
      result.run,
      formatTime(result.publishedAt),
    ]);
    shell.print(formatTable(['RESULT', 'ROWS', 'KEY', 'JOB', 'RUN', 'PUBLISHED'], rows));
  }
}

async function writeRows(shell: Shell, name: string, format: 'csv' | 'arrow', options: ResultsOptions): Promise<void> {
  const rows = streamResult(projectChoice(shell), name, format, { ...options, signal: shell.signal });
  for await (const piece of rows) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain', { signal: shell.signal });
  }
}

async function showRows(shell: Shell, name: string, options: ResultsOptions): Promise<void> {
  const query = { ...options, limit: options.limit ?? shownRows, signal: shell.signal };
  const page = await readResult(projectChoice(shell), name, query);
  if (shell.json) {
    shell.printJson(page);
    return;
  }
  const [first] = page.rows;
  if (first !== undefined) {
    const columns = Object.keys(first);
    shell.print(
      formatTable(
        columns,
        page.rows.map((row) => columns.map((column) => formatCell(row[column]))),
      ),
    );
  }
  shell.print(`${page.rows.length} of ${page.total} rows (run ${page.run})`);
}

async function showKey(shell: Shell, name: string, key: string, options: ResultsOptions): Promise<void> {
  const others = {
    '--where': Object.keys(options.where).length > 0,
    '--sort': options.sort,
    '--format': options.format,
  };
  const [other] = Object.entries(others).find(([, given]) => given !== undefined && given !== false) ?? [];
  if (other !== undefined) {
    throw new SparkPlugError('USAGE', `a key and ${other} exclude each other`, { hint: 'leave one out' });
  }
  const { value } = await readResultByKey(projectChoice(shell), name, key, { ...options, signal: shell.signal });
  if (shell.json) {
    shell.printJson(value);
    return;
  }
  for (const row of Array.isArray(value) ? value : [value]) {
    shell.print(
      formatTable(
        ['COLUMN', 'VALUE'],
        Object.entries(row).map(([column, cell]) => [column, formatCell(cell)]),
      ),
    );
  }
}

function collectWhere(value: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It looks like column=value.');
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}
