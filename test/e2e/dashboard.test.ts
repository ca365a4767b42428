// The dashboard in a real browser on a real cluster: from the link of `sparkplug open` to Spark's own pages.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  artifacts,
  findViolations,
  fitsWidth,
  openTab,
  startBrowser,
  type Tab,
  takePicture,
} from '../../dashboard/test/browser.ts';
import * as person from '../../dashboard/test/steps.ts';
import { ensurePublished, lastRunOf, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRunJson } from './support/sparkplug.ts';

/** A job of the shared project with a schedule that is never due while the tests run. */
const scheduledJob = 'count';

let cluster: SharedCluster;
let browser: Browser;
let tab: Tab;
let scratch: string;

async function askForLink(): Promise<string> {
  const { link } = (await mustRunJson(cluster.folder, ['open', '--print'])) as { link: string };
  return link;
}

before(async () => {
  cluster = await sharedCluster();
  await ensurePublished(cluster);
  await mkdir(artifacts, { recursive: true });
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-dashboard-'));
  browser = await startBrowser();
  tab = await openTab(browser);
  await person.logIn(tab.page, await askForLink());
});

after(async () => {
  if (tab !== undefined) await takePicture(tab.page, 'e2e-last');
  await browser?.close();
  await rm(scratch, { recursive: true, force: true });
});

describe('the dashboard', () => {
  it('logs in by a link that works once', async () => {
    const link = await askForLink();
    const first = await openTab(browser);
    await person.logIn(first.page, link);
    await first.close();
    const second = await openTab(browser);
    await second.page.goto(link);
    await second.page.getByRole('alert').waitFor();
    assert.doesNotMatch(second.page.url(), /code=/);
    await second.close();
  });

  it('shows the machine with every container ready', async () => {
    const { page } = tab;
    await person.goTo(page, 'Cluster');
    await page.getByRole('button', { name: /^spark-worker-1 ?, ready, 1 core/ }).waitFor();
    await page.getByRole('button', { name: /^datanode-2 ?, ready/ }).waitFor();
    await takePicture(page, 'e2e-cluster');
  });

  it('runs a job and watches it end', { timeout: 180_000 }, async () => {
    const { page } = tab;
    const id = await person.startRun(page, 'stages', ['4']);
    await page.getByRole('progressbar').waitFor({ timeout: 60_000 });
    assert.equal(await person.awaitRunEnd(page, 120_000), 'succeeded');
    assert.match(await person.searchLog(page, 'STAGES END'), /1 line/);
    await takePicture(page, 'e2e-run');
    assert.equal((await lastRunOf(cluster, 'stages')).id, id);
  });

  it('follows the link from a finished run into the history server of Spark', { timeout: 120_000 }, async () => {
    const { page } = tab;
    await page.getByRole('link', { name: 'Spark’s page' }).click();
    await page.waitForURL(/\/spark\/history\/app-/);
    await page
      .getByText(/Spark Jobs/)
      .first()
      .waitFor({ timeout: 60_000 });
    await page.getByRole('link', { name: 'Executors' }).click();
    await page.waitForURL(/\/spark\/history\/app-[^/]+\/executors/);
    await page.goto(`${cluster.url}/spark/master/`);
    await page
      .getByText(/Spark Master at/)
      .first()
      .waitFor();
    await page.goto(`${cluster.url}/`);
    await person.awaitHeading(page, 'Cluster');
  });

  it('edits a schedule, refuses a wrong rule, and sets it back', async () => {
    const { page } = tab;
    await person.goTo(page, 'Schedules');
    const refused = await person.editSchedule(page, scheduledJob, '61 4 * * *');
    assert.ok(refused !== null && refused !== '');
    await page.keyboard.press('Escape');
    assert.equal(await person.editSchedule(page, scheduledJob, '30 4 29 2 *'), null);
    const card = person.scheduleOf(page, scheduledJob);
    await card.getByText('30 4 29 2 *').waitFor();
    await card.getByRole('button', { name: 'Back to the file’s' }).click();
    await card.getByRole('button', { name: 'Back to the file’s' }).waitFor({ state: 'detached' });
  });

  it('filters a result', async () => {
    const { page } = tab;
    await person.openResult(page, 'people');
    const rows = await person.filterResult(page, 'id', 'ge', '97');
    assert.deepEqual(
      rows.map(([id]) => id),
      ['97', '98', '99'],
    );
    await takePicture(page, 'e2e-result');
  });

  it('uploads, downloads and deletes a file', async () => {
    const { page } = tab;
    const content = 'a,b\n1,2\n'.repeat(20_000);
    const file = join(scratch, 'two words.csv');
    await writeFile(file, content);
    await person.goTo(page, 'Files');
    await person.makeFolder(page, 'from-browser');
    await person.openFolder(page, 'from-browser');
    await person.upload(page, [file]);
    assert.equal(await readFile(await (await person.download(page, 'two words.csv')).path(), 'utf8'), content);
    await person.remove(page, 'two words.csv');
    await page.getByRole('link', { name: 'hdfs' }).click();
    await person.remove(page, 'from-browser');
  });

  it('is accessible on every page, in both themes and on a small screen', { timeout: 120_000 }, async () => {
    for (const look of [
      { screen: 'wide', theme: 'dark' },
      { screen: 'narrow', theme: 'light' },
    ] as const) {
      const other = await openTab(browser, look);
      await person.logIn(other.page, await askForLink());
      for (const name of person.pageNames) {
        await person.goTo(other.page, name);
        await other.page
          .getByText(/^Loading/)
          .first()
          .waitFor({ state: 'detached' });
        assert.deepEqual(await findViolations(other.page), [], `${name}, ${look.theme}`);
        assert.ok(await fitsWidth(other.page), `${name} is wider than the screen`);
        await takePicture(other.page, `e2e-${name.toLowerCase()}-${look.screen}-${look.theme}`);
      }
      assert.deepEqual(other.faults, []);
      await other.close();
    }
  });
});
