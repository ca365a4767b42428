// The sample beside another project on one engine: by the demo, from the browser alone, by curl alone as the README says;
// its own tests, its numbers, better than every baseline, and those that the READMEs print.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import { artifacts, openTab, startBrowser, takePicture } from '../../dashboard/test/browser.ts';
import { awaitRunEnd, filterResult, goTo, logIn, openResult, startRun } from '../../dashboard/test/steps.ts';
import { awaitServices, servicesOfOneWorker } from './support/docker.ts';
import { ask, lastRunOf, type SharedCluster, sharedCluster, userFolder } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, repository, sparkplug } from './support/sparkplug.ts';

/** Not the demo's own name: its cluster may be up beside the tests. */
const sampleName = 'e2e-sample';
const example = join(repository, 'examples', 'geopredict');
const cutoffs = ['2017-10-01', '2017-11-01', '2017-12-01'] as const;
let folder: string;
/** Where `sparkplug` is found in a shell. */
let programs: string;
let sample: SharedCluster;
/** What `npm run demo` printed. */
let demo: string;
/** Of the demo's run. */
let metrics: readonly Metric[];

before(async () => {
  await sharedCluster();
  const place = await mkdtemp(join(tmpdir(), 'sparkplug-geopredict-'));
  await mustRun(place, ['new', sampleName, '--template', 'geopredict']);
  folder = join(place, sampleName);
  programs = join(place, 'programs');
  await mkdir(programs);
  await symlink(join(repository, 'bin', 'sparkplug.js'), join(programs, 'sparkplug'));
  const running = execa('npm', ['run', '--silent', 'demo', '--', '--project', folder], {
    cwd: repository,
    env: { NO_COLOR: '1' },
    timeout: 900_000,
    all: true,
  });
  demo = (await running).all;
  const { projectId, url } = (await mustRunJson(folder, ['status'])) as { projectId: string; url: string };
  const token = (await readFile(join(userFolder(projectId), 'token'), 'utf8')).trim();
  sample = { folder, projectId, url, token };
  metrics = await readMetrics();
});
after(async () => {
  await mustRun(folder, ['down', '--volumes', '--yes']);
});

/** Runs a script as a user would type it in the sample's folder. */
async function shell(script: string): Promise<string> {
  const options = { cwd: folder, env: { PATH: `${programs}:${process.env.PATH}` }, timeout: 400_000 };
  return (await execa('bash', ['-euo', 'pipefail', '-c', script], options)).stdout;
}

describe('two projects on one engine', () => {
  it('have each their own containers, port and token', async () => {
    const shared = await sharedCluster();
    assert.notEqual(new URL(shared.url).port, new URL(sample.url).port);
    await awaitServices(sample.projectId, servicesOfOneWorker);
    assert.equal((await ask({ ...sample, token: shared.token }, '/api/v1/cluster')).status, 401);
  });

  it('of the same name are refused, with the fix', async () => {
    const other = await mkdtemp(join(tmpdir(), 'sparkplug-twin-'));
    const isOwn = (path: string) => path.endsWith('.sparkplug');
    await cp(folder, other, { recursive: true, filter: (path) => !isOwn(path) });
    const outcome = await sparkplug(other, ['up']);
    assert.match(outcome.stderr, /NAME_TAKEN[\s\S]*fix:/);
  });
});

interface Metric {
  readonly cutoff: string;
  readonly target: string;
  readonly predictor: string;
  readonly value: number;
  readonly better: 'higher' | 'lower';
  /** By how much the model is better than this predictor; null for the model itself. */
  readonly advantage: number | null;
  readonly advantage_error: number | null;
  readonly households: number;
}

async function readMetrics(): Promise<readonly Metric[]> {
  const page = (await (await ask(sample, '/api/v1/results/metrics?limit=1000')).json()) as { rows: Metric[] };
  return page.rows;
}

function pick(cutoff: string, target: string, predictor: string, from: readonly Metric[] = metrics): Metric {
  const isIt = (row: Metric) => row.cutoff === cutoff && row.target === target && row.predictor === predictor;
  const found = from.find(isIt);
  assert.ok(found, `${cutoff} ${target} ${predictor}`);
  return found;
}

/** By how much the model is better than a predictor; negative where it is worse. */
function advantage(cutoff: string, target: string, predictor: string, from: readonly Metric[] = metrics): number {
  const [model, other] = [pick(cutoff, target, 'model', from), pick(cutoff, target, predictor, from)];
  return model.better === 'higher' ? model.value - other.value : other.value - model.value;
}

/**
 * Whether a printed number is the measured one, rounded: shares as percent. Metrics have four decimals, so what was rounded
 * from more of them may lie beyond a half by half of the last.
 */
function assertPrinted(printed: string, measured: number, unit: '%' | '1', what: string): void {
  const [, whole = '', decimals = ''] = /(\d[\d,]*)(?:\.(\d+))?/.exec(printed) ?? [];
  const scale = unit === '%' ? 100 : 1;
  const [shown, stored] = [10 ** -decimals.length, scale * 1e-4];
  const error = Math.abs(Number(`${whole.replaceAll(',', '')}.${decimals}`) - scale * measured);
  const tolerance = shown > stored * 1.5 ? (shown + stored) / 2 : 0;
  assert.ok(error <= tolerance + 1e-9, `${what}: ${printed} is printed, ${scale * measured} was measured`);
}

function unitOf(target: string): '%' | '1' {
  return target.startsWith('store') || target === 'weekday' ? '%' : '1';
}

function assertValue(printed: string, cutoff: string, target: string, predictor: string): void {
  const { value } = pick(cutoff, target, predictor);
  assertPrinted(printed, value, unitOf(target), `${cutoff} ${target} ${predictor}`);
}

const halfLives = ['half_life_30', 'half_life_45', 'half_life_60'] as const;

describe('the model', () => {
  it('matches the known baselines on the same households', () => {
    const at = (predictor: string) => pick('2017-12-01', 'store_top1', predictor);
    assert.equal(at('most_frequent').households, 2057);
    assert.equal(at('most_frequent').value.toFixed(3), '0.677');
    assert.equal(at('last').value.toFixed(3), '0.656');
  });

  it('beats both store baselines at each of three cut-offs, and half-life counts pooled', () => {
    assert.deepEqual([...new Set(metrics.map((row) => row.cutoff))].toSorted(), [...cutoffs, 'pooled']);
    for (const cutoff of cutoffs) {
      for (const baseline of ['most_frequent', 'last']) {
        assert.ok(advantage(cutoff, 'store_top1', baseline) > 0, `${cutoff} ${baseline}`);
      }
    }
    for (const baseline of halfLives) assert.ok(advantage('pooled', 'store_top1', baseline) > 0, baseline);
  });

  it('is compared among three guesses as well, on the same households', () => {
    for (const cutoff of [...cutoffs, 'pooled']) {
      for (const predictor of ['model', 'most_frequent', 'last', ...halfLives]) {
        const [one, three] = [pick(cutoff, 'store_top1', predictor), pick(cutoff, 'store_top3', predictor)];
        assert.ok(three.value > one.value && three.value <= 1, `${cutoff} ${predictor}`);
        assert.equal(three.households, one.households);
      }
    }
    for (const baseline of ['most_frequent', 'last', ...halfLives]) {
      assert.ok(advantage('pooled', 'store_top3', baseline) > 0, baseline);
    }
  });

  it('beats the household’s own mode and medians, pooled', () => {
    assert.ok(advantage('pooled', 'weekday', 'own_mode') > 0);
    assert.ok(advantage('pooled', 'days_until', 'own_median_gap') > 0);
    assert.ok(advantage('pooled', 'spend', 'own_median_spend') > 0);
  });

  it('serves each household’s prediction by its key', async () => {
    const response = await ask(sample, '/api/v1/results/predictions/1228');
    assert.equal(response.status, 200);
    const prediction = (await response.json()) as { household_id: number; stores: unknown[]; weekday: string };
    assert.equal(prediction.household_id, 1228);
    assert.equal(prediction.stores.length, 3);
  });

  it('passes the sample’s own tests, where its jobs run: nothing leaks, choices rest on earlier dates', async () => {
    const { image } = await lastRunOf(sample, 'predict');
    const mount = `type=bind,source=${join(example, 'tests')},target=/opt/app/code/tests,readonly`;
    // They end before the JVM's optimizing compiler pays off, and start faster with the image's class-data archive.
    const java = 'JDK_JAVA_OPTIONS=-XX:TieredStopAtLevel=1 -XX:SharedArchiveFile=/opt/spark/spark.jsa';
    const place = ['--rm', '--mount', mount, '--workdir', '/opt/app/code', '--env', java];
    const run = ['run', ...place, '--entrypoint', 'python3', image, '-m', 'unittest', 'discover'];
    const { all } = await execa('docker', run, { all: true, timeout: 300_000 });
    const [, count = '0'] = /^Ran (\d+) tests? in /m.exec(all) ?? [];
    assert.ok(Number(count) > 0, all);
    assert.match(all, /^OK$/m);
  });
});

/** Tables of a Markdown file, by the first cell of their heads; rows of cells without emphasis. */
async function readTables(file: string): Promise<ReadonlyMap<string, readonly (readonly string[])[]>> {
  const blocks = (await readFile(file, 'utf8')).match(/(?:^\|.*\|\n)+/gm) ?? [];
  const tables = blocks.map((block) => {
    const [head = [], , ...rows] = block
      .trim()
      .split('\n')
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.replaceAll('**', '').trim()),
      );
    return [head[0] ?? '', rows] as const;
  });
  return new Map(tables);
}

/** `CUT-OFF, HOUSEHOLDS, MODEL, MOST FREQUENT, LAST, HALF-LIVES` for the three cut-offs and all of them. */
function assertStoreTable(rows: readonly (readonly string[])[]): void {
  assert.deepEqual(
    rows.map(([cutoff]) => cutoff),
    [...cutoffs, 'pooled'],
  );
  for (const [cutoff = '', households, model = '', mostFrequent = '', last = '', counts = ''] of rows) {
    assert.equal(households, pick(cutoff, 'store_top1', 'model').households.toLocaleString('en'));
    assertValue(model, cutoff, 'store_top1', 'model');
    assertValue(mostFrequent, cutoff, 'store_top1', 'most_frequent');
    assertValue(last, cutoff, 'store_top1', 'last');
    const printed = counts.split(' / ');
    assert.equal(printed.length, halfLives.length);
    for (const [index, name] of halfLives.entries()) assertValue(printed[index] ?? '', cutoff, 'store_top1', name);
  }
}

/** Targets and predictors as the sample's README calls them. */
const targetsOfReadme: Readonly<
  Record<string, readonly [target: string, predictors: Readonly<Record<string, string>>]>
> = (() => {
  const counting = { 'most frequent': 'most_frequent', last: 'last' };
  return {
    'store at 1': ['store_top1', { ...counting, 'half-life 60': 'half_life_60' }],
    'store at 3': ['store_top3', { ...counting, 'half-life 45': 'half_life_45' }],
    weekday: ['weekday', { 'calendar alone': 'everyone_mode', 'own usual weekday': 'own_mode' }],
    'days until, mean error': [
      'days_until',
      {
        'everyone’s median wait': 'everyone_median_wait',
        'own median wait': 'own_median_wait',
        'own median gap': 'own_median_gap',
      },
    ],
    'spend, mean error': [
      'spend',
      {
        'own median': 'own_median_spend',
        'own last ten': 'own_median_last_10',
        'everyone’s': 'everyone_median_spend',
      },
    ],
  };
})();

describe('what is printed', () => {
  it('in the README is what was measured', async () => {
    const tables = await readTables(join(repository, 'README.md'));
    assertStoreTable((tables.get('what is predicted') ?? []).map(([, ...rest]) => rest));
    const pooled = [
      ['weekday right', 'weekday', 'own_mode', 'everyone_mode'],
      ['days until, mean error', 'days_until', 'own_median_gap', 'everyone_median_wait'],
      ['spend, mean error', 'spend', 'own_median_spend', 'everyone_median_spend'],
    ] as const;
    const rows = tables.get('pooled over the cut-offs') ?? [];
    assert.equal(rows.length, pooled.length);
    for (const [index, [title, target, own, everyone]] of pooled.entries()) {
      const [printedTitle, model = '', printedOwn = '', printedEveryone = ''] = rows[index] ?? [];
      assert.equal(printedTitle, title);
      assertValue(model, 'pooled', target, 'model');
      assertValue(printedOwn, 'pooled', target, own);
      assertValue(printedEveryone, 'pooled', target, everyone);
    }
  });

  it('in the sample’s README is what was measured, with its standard errors', async () => {
    const tables = await readTables(join(example, 'README.md'));
    assertStoreTable(tables.get('Cut-off') ?? []);
    const rows = tables.get('Target') ?? [];
    assert.deepEqual(
      rows.map(([title]) => title),
      Object.keys(targetsOfReadme),
    );
    for (const [title = '', model = '', predictors = '', better = ''] of rows) {
      const [target = '', names = {}] = targetsOfReadme[title] ?? [];
      assertValue(model, 'pooled', target, 'model');
      const advantages = better.split(' · ');
      const printed = predictors.split(' · ').map((text) => text.replaceAll("'", '’').split(': '));
      assert.equal(printed.length, Object.keys(names).length);
      for (const [index, [name = '', value = '']] of printed.entries()) {
        const predictor = names[name] ?? name;
        assertValue(value, 'pooled', target, predictor);
        const { advantage: lead, advantage_error: error } = pick('pooled', target, predictor);
        const [printedLead = '', printedError = ''] = advantages[index]?.split(' ± ') ?? [];
        assertPrinted(printedLead, lead ?? Number.NaN, unitOf(target), `${title}: lead over ${name}`);
        assertPrinted(printedError, error ?? Number.NaN, unitOf(target), `${title}: error of the lead over ${name}`);
      }
    }
  });

  it('in the sample’s README as an example is what is served', async () => {
    const readme = await readFile(join(example, 'README.md'), 'utf8');
    const [, text = ''] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
    const shown = JSON.parse(text) as { household_id: number };
    const served = await ask(sample, `/api/v1/results/predictions/${shown.household_id}`);
    assert.deepEqual(await served.json(), shown);
  });

  it('by the demo is what is served', async () => {
    const cells = demo.split('\n').flatMap((line) => {
      const row = line.startsWith('│') ? line.split('│').slice(1, -1) : null;
      return row === null ? [] : [row.map((cell) => cell.trim())];
    });
    const titles = {
      'store, first guess right': 'store_top1',
      'store, among three guesses': 'store_top3',
      'weekday right': 'weekday',
      'days until, mean error': 'days_until',
      'spend, mean error': 'spend',
    } as const;
    const compared = cells.filter((row) => row.length === 5 && row[0] !== 'what is predicted');
    const expected = Object.keys(titles).flatMap((title, index) =>
      (index === 0 ? [...cutoffs, 'pooled'] : ['pooled']).map((cutoff) => [title, cutoff]),
    );
    assert.deepEqual(
      compared.map((row) => row.slice(0, 2)),
      expected,
    );
    for (const [title = '', cutoff = '', households, model = '', baselines = ''] of compared) {
      const target = titles[title as keyof typeof titles];
      assert.equal(Number(households), pick(cutoff, target, 'model').households);
      assertValue(model, cutoff, target, 'model');
      const others = metrics.filter((row) => row.cutoff === cutoff && row.target === target).length - 1;
      const printed = baselines.split(', ').map((text) => /^(.+?) (\$?[\d.]+(?: %| days)?)$/.exec(text));
      assert.equal(printed.length, others);
      for (const [, name = '', value = ''] of printed.map((match) => match ?? [])) {
        assertValue(value, cutoff, target, name.replaceAll(' ', '_'));
      }
    }
    const page = (await (await ask(sample, '/api/v1/results/predictions?limit=8')).json()) as {
      rows: { household_id: number; store_id: number; weekday: string; days_until: number; spend: number }[];
    };
    const predicted = cells.filter((row) => row.length === 6 && row[0] !== 'household');
    assert.deepEqual(
      predicted.map(([household, store, , weekday, days, spend]) => [household, store, weekday, days, spend]),
      page.rows.map((row) => [
        ...[row.household_id, row.store_id].map(String),
        row.weekday,
        String(row.days_until),
        `$${row.spend.toFixed(2)}`,
      ]),
    );
  });

  it('by the demo of its time and of what to open next is so', async () => {
    assert.match(demo, /^ {2}Training and prediction +\d+\.\d s\n {2}all +\d+\.\d s$/m);
    const [, next = ''] = /^What to open next\n([\s\S]*)/m.exec(demo) ?? [];
    const verbs = [...next.matchAll(/^ {2}sparkplug (.+?)(?: {2}.*)?$/gm)].map(([, verb]) => verb);
    assert.deepEqual(verbs, ['open', 'results predictions 1228', 'status']);
    assert.match(await shell('sparkplug open --print'), new RegExp(`^${sample.url}/`));
    assert.match(await shell('sparkplug results predictions 1228'), /1228/);
    const [, curl = ''] = /^ {2}(curl .*\\\n.*)$/m.exec(next) ?? [];
    const served = JSON.parse(await shell(curl.replace('curl', 'curl -sS --fail'))) as { household_id: number };
    assert.equal(served.household_id, 1228);
    assert.match(next, new RegExp(`npm run demo -- --project ${folder} --down `));
  });
});

describe('GeoPredict', () => {
  // Other arguments than the file's, so that one run shows two things: that they can be given there, and the control.
  it('is done as a whole in the browser: data, model, predictions', { timeout: 700_000 }, async () => {
    const { link } = (await mustRunJson(folder, ['open', '--print'])) as { link: string };
    await mkdir(artifacts, { recursive: true });
    const browser = await startBrowser();
    try {
      const { page, faults } = await openTab(browser);
      await logIn(page, link);
      await startRun(page, 'ingest');
      assert.equal(await awaitRunEnd(page, 300_000), 'succeeded');
      await startRun(page, 'predict', ['--cutoffs', ...cutoffs, '--shuffle-labels', '1']);
      await page.getByRole('progressbar').waitFor({ timeout: 60_000 });
      assert.equal(await awaitRunEnd(page, 400_000), 'succeeded');
      await takePicture(page, 'e2e-geopredict-run');
      await openResult(page, 'predictions');
      const rows = await filterResult(page, 'household_id', 'eq', '1228');
      assert.deepEqual([rows.length, rows[0]?.[0]], [1, '1228']);
      await takePicture(page, 'e2e-geopredict-predictions');
      await goTo(page, 'Results');
      await page.getByRole('link', { name: 'metrics', exact: true }).waitFor();
      assert.deepEqual(faults, []);
    } finally {
      await browser.close();
    }
  });

  it('has no advantage with shuffled labels, as its README says', async () => {
    const control = await readMetrics();
    const [, said = ''] =
      /\*\*The control\*\*([\s\S]*?)\n\n/.exec(await readFile(join(example, 'README.md'), 'utf8')) ?? [];
    const text = said.replaceAll('\n', ' ');
    const printed = [
      // Beside the predictor that knows what is left when outcomes are shuffled.
      ['store_top1', 'half_life_60', /store at 1 falls to \S+ and (\S+) % \(half-life 60: (\S+) %\)/],
      ['spend', 'everyone_median_spend', /spend to \S+ and (\S+) \(everyone's median: (\S+)\)/],
      ['weekday', 'everyone_mode', /weekday to \S+ and (\S+) % \(calendar alone: (\S+) %\)/],
      ['days_until', 'everyone_median_wait', /days to \S+ and (\S+) \(everyone's median wait: (\S+)\)/],
    ] as const;
    for (const [target, predictor, pattern] of printed) {
      const [, model = '', simple = ''] = pattern.exec(text) ?? [];
      assertPrinted(model, pick('pooled', target, 'model', control).value, unitOf(target), `${target}, shuffled`);
      assertPrinted(simple, pick('pooled', target, predictor, control).value, unitOf(target), predictor);
      const [left, before] = [advantage('pooled', target, predictor, control), advantage('pooled', target, predictor)];
      assert.ok(left <= before / 20, `${target}: ${left} of ${before} is left`);
    }
  });

  it('is done by curl alone, line by line as the README has it', { timeout: 500_000 }, async () => {
    const lines = await readExample();
    assert.ok(lines.length >= 9, lines.join('\n'));
    const before = (await lastRunOf(sample, 'predict')).id;
    const trips = 'household_id,store\n1228,7\n';
    const setup = lines.filter((line) => /^[A-Z]+=/.test(line));
    // A refusal fails the command; the line itself is as it stands there.
    const run = async (line: string) =>
      await shell([...setup, 'curl() { command curl -sS --fail-with-body "$@"; }', line].join('\n'));
    let id = '';
    const said: string[] = [];
    for (const line of lines.filter((text) => !setup.includes(text))) {
      const stdout = await run(line.replace('RUN', id));
      said.push(stdout);
      if (line.includes('/runs?')) id = (JSON.parse(stdout) as { runs: { id: string }[] }).runs[0]?.id ?? '';
    }
    assert.notEqual(id, before);
    const all = said.join('\n');
    for (const expected of [
      /"components":\[/,
      /^event: end$/m,
      /"household_id":1228\b/,
      /^metric_id,|,predictor/m,
      /^sparkplug_cluster_ready /m,
    ]) {
      assert.match(all, expected);
    }
    const stored = await ask(sample, '/api/v1/hdfs/data/trips.csv');
    assert.equal(await stored.text(), trips);
    assert.equal((await lastRunOf(sample, 'predict')).state, 'succeeded');
  });

  /** The README's lines for programs, with the port of this cluster. */
  async function readExample(): Promise<readonly string[]> {
    const readme = await readFile(join(repository, 'README.md'), 'utf8');
    const [, block = ''] = /### From a program[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme) ?? [];
    return block.replaceAll('http://127.0.0.1:8080', sample.url).split('\n').filter(Boolean);
  }
});
