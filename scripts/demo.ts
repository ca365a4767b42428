// `npm run demo`: from nothing to GeoPredict's predictions, by the same verbs that a user types. `--down` removes it all;
// `--project DIR` does it in a copy of the sample, made by `sparkplug new NAME --template geopredict`.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';

const repository = fileURLToPath(new URL('..', import.meta.url));
const { values: flags } = parseArgs({ options: { down: { type: 'boolean' }, project: { type: 'string' } } });
const project = resolve(flags.project ?? join(repository, 'examples', 'geopredict'));
const bin = join(repository, 'bin', 'sparkplug.js');

interface Metric {
  readonly cutoff: string;
  readonly target: string;
  readonly predictor: string;
  readonly value: number;
  readonly unit: string;
  readonly households: number;
}

interface Prediction {
  readonly household_id: number;
  readonly store_id: number;
  readonly store_probability: number;
  readonly weekday: string;
  readonly days_until: number;
  readonly spend: number;
}

const timings: { readonly title: string; readonly seconds: number }[] = [];

/** Runs one verb in the sample's folder; returns what it printed when `capture`, else shows it. Ends the demo if it fails. */
function sparkplug(args: readonly string[], capture = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, '-C', project, ...args], {
      stdio: ['inherit', capture ? 'pipe' : 'inherit', 'inherit'],
    });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(text);
      else process.exit(code ?? 128 + constants.signals[signal ?? 'SIGTERM']);
    });
  });
}

async function show(title: string, ...args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  console.log(`\n── ${title}   (sparkplug ${args.join(' ')})`);
  await sparkplug(args);
  timings.push({ title, seconds: (performance.now() - startedAt) / 1000 });
}

async function readRows<Row>(result: string, limit: number): Promise<readonly Row[]> {
  const page: unknown = JSON.parse(await sparkplug(['results', result, '--limit', String(limit), '-o', 'json'], true));
  return (page as { rows: readonly Row[] }).rows;
}

const titles: Readonly<Record<string, string>> = {
  store_top1: 'store, first guess right',
  store_top3: 'store, among three guesses',
  weekday: 'weekday right',
  days_until: 'days until, mean error',
  spend: 'spend, mean error',
};

function formatValue({ value, unit }: Metric): string {
  if (unit === 'days') return `${value.toFixed(2)} days`;
  if (unit === 'dollars') return `$${value.toFixed(2)}`;
  return `${(100 * value).toFixed(1)} %`;
}

/** Plain characters: the tables also end up in files. */
const plain = { style: { head: [], border: [], compact: true } };

/** One line a target, pooled over the cut-offs, and the first guess of the store at each: model beside baselines. */
function printComparison(metrics: readonly Metric[]): void {
  const table = new Table({ head: ['what is predicted', 'cut-off', 'households', 'model', 'baselines'], ...plain });
  for (const [target, title] of Object.entries(titles)) {
    const cutoffs = [...new Set(metrics.map((metric) => metric.cutoff))];
    for (const cutoff of cutoffs.filter((one) => one === 'pooled' || target === 'store_top1')) {
      const rows = metrics.filter((metric) => metric.target === target && metric.cutoff === cutoff);
      const model = rows.find((row) => row.predictor === 'model');
      if (model === undefined) continue;
      const baselines = rows
        .filter((row) => row !== model)
        .map((row) => `${row.predictor.replaceAll('_', ' ')} ${formatValue(row)}`);
      table.push([title, cutoff, model.households, formatValue(model), baselines.join(', ')]);
    }
  }
  console.log(table.toString());
}

function printPredictions(predictions: readonly Prediction[]): void {
  const table = new Table({ head: ['household', 'store', 'sure of it', 'weekday', 'in days', 'spend'], ...plain });
  for (const row of predictions) {
    const sure = `${(100 * row.store_probability).toFixed(0)} %`;
    table.push([row.household_id, row.store_id, sure, row.weekday, row.days_until, `$${row.spend.toFixed(2)}`]);
  }
  console.log(table.toString());
}

async function runDemo(): Promise<void> {
  const startedAt = performance.now();
  await show('Docker and this computer', 'doctor', '--fix', '--yes');
  await show('The cluster', 'up', '--yes');
  await show('The data, into HDFS', 'run', 'ingest');
  await show('Training and prediction', 'run', 'predict');
  console.log('\n── How good the model is beside simple baselines, on trips it has never seen');
  printComparison(await readRows<Metric>('metrics', 200));
  console.log('\n── Its predictions: where, when and for how much each household shops next');
  printPredictions(await readRows<Prediction>('predictions', 8));
  const status = JSON.parse(await sparkplug(['status', '-o', 'json'], true)) as { url: string; projectId: string };
  console.log('\nTime');
  for (const { title, seconds } of timings) console.log(`  ${title.padEnd(28)} ${seconds.toFixed(1).padStart(6)} s`);
  console.log(`  ${'all'.padEnd(28)} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`);
  console.log(`
What to open next
  cd ${relative(repository, project).padEnd(28)} then, with ${relative(project, bin)} as sparkplug:
  sparkplug open                  the dashboard: machines, runs with their logs, results, files
  sparkplug results predictions 1228
  sparkplug status                what runs; sparkplug plan: why it is laid out like this
  curl -H "Authorization: Bearer $(cat \${XDG_CONFIG_HOME:-~/.config}/sparkplug/${status.projectId}/token)" \\
    ${status.url}/api/v1/results/predictions/1228
  npm run demo -- ${flags.project === undefined ? '' : `--project ${project} `}--down          removes the cluster, its data and its images
`);
}

async function removeDemo(): Promise<void> {
  await sparkplug(['down', '--volumes', '--yes']);
  await sparkplug(['images', 'rm', '--yes']);
  console.log('Docker Engine stays, as it may serve others.');
}

await (flags.down ? removeDemo() : runDemo());
