// The sample beside another project on one engine: from the browser alone, by curl alone as the README says, its numbers
// served, and better than every baseline.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
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
let folder: string;
let sample: SharedCluster;
before(async () => {
  await sharedCluster();
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-geopredict-'));
  await mustRun(folder, ['new', sampleName, '--template', 'geopredict']);
  folder = join(folder, sampleName);
  const up = (await mustRunJson(folder, ['up'], { timeoutMs: 900_000 })) as { projectId: string; url: string };
  const token = (await readFile(join(userFolder(up.projectId), 'token'), 'utf8')).trim();
  sample = { folder, projectId: up.projectId, url: up.url, token };
});
after(async () => {
  await mustRun(folder, ['down', '--volumes', '--yes']);
});

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
  readonly households: number;
}

describe('GeoPredict', () => {
  let metrics: readonly Metric[];

  it('is done as a whole in the browser: data, model, predictions', { timeout: 700_000 }, async () => {
    const { link } = (await mustRunJson(folder, ['open', '--print'])) as { link: string };
    await mkdir(artifacts, { recursive: true });
    const browser = await startBrowser();
    try {
      const { page, faults } = await openTab(browser);
      await logIn(page, link);
      await startRun(page, 'ingest');
      assert.equal(await awaitRunEnd(page, 300_000), 'succeeded');
      await startRun(page, 'predict');
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
    metrics = await readMetrics();
  });

  async function readMetrics(): Promise<readonly Metric[]> {
    const page = (await (await ask(sample, '/api/v1/results/metrics?limit=1000')).json()) as { rows: Metric[] };
    return page.rows;
  }

  /** By how much the model is better than a predictor; negative where it is worse. */
  function advantage(from: readonly Metric[], cutoff: string, target: string, predictor: string): number {
    const row = (name: string) =>
      from.find((metric) => metric.cutoff === cutoff && metric.target === target && metric.predictor === name);
    const [model, other] = [row('model'), row(predictor)];
    assert.ok(model && other, `${cutoff} ${target} ${predictor}`);
    return model.better === 'higher' ? model.value - other.value : other.value - model.value;
  }

  it('matches the known baselines on the same households', () => {
    const at = (predictor: string) =>
      metrics.find((row) => row.cutoff === '2017-12-01' && row.target === 'store_top1' && row.predictor === predictor);
    assert.equal(at('most_frequent')?.households, 2057);
    assert.equal(at('most_frequent')?.value.toFixed(3), '0.677');
    assert.equal(at('last')?.value.toFixed(3), '0.656');
  });

  it('beats both store baselines at each of three cut-offs, and half-life counts pooled', () => {
    const cutoffs = [...new Set(metrics.map((row) => row.cutoff))].filter((cutoff) => cutoff !== 'pooled');
    assert.equal(cutoffs.length, 3);
    for (const cutoff of cutoffs) {
      for (const baseline of ['most_frequent', 'last']) {
        assert.ok(advantage(metrics, cutoff, 'store_top1', baseline) > 0, `${cutoff} ${baseline}`);
      }
    }
    for (const baseline of ['half_life_30', 'half_life_45', 'half_life_60']) {
      assert.ok(advantage(metrics, 'pooled', 'store_top1', baseline) > 0, baseline);
    }
  });

  it('beats the household’s own mode and medians, pooled', () => {
    assert.ok(advantage(metrics, 'pooled', 'weekday', 'own_mode') > 0);
    assert.ok(advantage(metrics, 'pooled', 'days_until', 'own_median_gap') > 0);
    assert.ok(advantage(metrics, 'pooled', 'spend', 'own_median_spend') > 0);
  });

  it('serves each household’s prediction by its key', async () => {
    const response = await ask(sample, '/api/v1/results/predictions/1228');
    assert.equal(response.status, 200);
    const prediction = (await response.json()) as { household_id: number; stores: unknown[]; weekday: string };
    assert.equal(prediction.household_id, 1228);
    assert.equal(prediction.stores.length, 3);
  });

  it('is done by curl alone, line by line as the README has it', { timeout: 500_000 }, async () => {
    const example = await readExample();
    assert.ok(example.length >= 9, example.join('\n'));
    const before = (await lastRunOf(sample, 'predict')).id;
    const bin = await mkdtemp(join(tmpdir(), 'sparkplug-bin-'));
    await symlink(join(repository, 'bin', 'sparkplug.js'), join(bin, 'sparkplug'));
    const trips = 'household_id,store\n1228,7\n';
    await writeFile(join(folder, 'trips.csv'), trips);
    const setup = example.filter((line) => /^[A-Z]+=/.test(line));
    const run = async (line: string) =>
      // A refusal fails the command; the line itself is as it stands there.
      await execa(
        'bash',
        ['-euo', 'pipefail', '-c', [...setup, 'curl() { command curl -sS --fail-with-body "$@"; }', line].join('\n')],
        {
          cwd: folder,
          env: { PATH: `${bin}:${process.env.PATH}` },
          timeout: 400_000,
        },
      );
    let id = '';
    const said: string[] = [];
    for (const line of example.filter((text) => !setup.includes(text))) {
      const { stdout } = await run(line.replace('RUN', id));
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

  it('has no advantage with shuffled labels', async () => {
    await mustRun(folder, ['run', 'predict', '--', '--cutoffs', '2017-12-01', '--shuffle-labels', '1'], {
      timeoutMs: 400_000,
    });
    const shuffled = await readMetrics();
    assert.ok(advantage(shuffled, 'pooled', 'store_top1', 'half_life_45') <= 0);
  });
});
