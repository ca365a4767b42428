// The dashboard in a real browser, against the mock cluster: every page in both themes and sizes, and what people do there.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  artifacts,
  findViolations,
  fitsWidth,
  type Look,
  openTab,
  startBrowser,
  type Tab,
  takePicture,
} from './browser.ts';
import { type MockCluster, startMockCluster } from './mock-server.ts';
import * as person from './steps.ts';

let browser: Browser;
let mock: MockCluster;
let tab: Tab;
let scratch: string;

before(async () => {
  await mkdir(artifacts, { recursive: true });
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-dashboard-'));
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await rm(scratch, { recursive: true, force: true });
});

beforeEach(async () => {
  mock = await startMockCluster();
  tab = await openTab(browser);
});

afterEach(async () => {
  await tab.close();
  await mock.close();
});

/** Nothing may have gone wrong unseen: no script error, no request to another host, no route that does not exist. */
function assertCalm(): void {
  assert.deepEqual(tab.faults, []);
  assert.deepEqual(mock.unknown, []);
}

const places = [
  ['cluster', '/', 'Cluster'],
  ['runs', '/runs', 'Runs'],
  ['run', '/runs/report-65', /^report · /],
  ['schedules', '/schedules', 'Schedules'],
  ['results', '/results', 'Results'],
  ['result', '/results/predictions', 'predictions'],
  ['files', '/files/data', 'Files'],
  ['events', '/events', 'Events'],
] as const;

const looks: readonly Required<Look>[] = [
  { screen: 'wide', theme: 'light' },
  { screen: 'wide', theme: 'dark' },
  { screen: 'narrow', theme: 'light' },
  { screen: 'narrow', theme: 'dark' },
];

describe('every page', () => {
  for (const look of looks) {
    it(`is accessible and fits, ${look.screen} and ${look.theme}`, { timeout: 120_000 }, async () => {
      await tab.close();
      tab = await openTab(browser, look);
      const { page } = tab;
      await page.goto(`${mock.url}/login`);
      await person.awaitHeading(page, 'Log in');
      assert.deepEqual(await findViolations(page), [], 'log-in');
      await person.logIn(page, mock.loginLink('admin'));
      for (const [name, path, heading] of places) {
        await page.goto(mock.url + path);
        await person.awaitHeading(page, heading);
        await page
          .getByText(/^Loading/)
          .first()
          .waitFor({ state: 'detached' });
        await takePicture(page, `${name}-${look.screen}-${look.theme}`);
        assert.deepEqual(await findViolations(page), [], name);
        assert.ok(await fitsWidth(page), `${name} is wider than the screen`);
      }
      assertCalm();
    });
  }

  it('is reached and used by keyboard alone', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('admin'));
    await page.reload();
    await person.awaitHeading(page, 'Cluster');
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()');
    assert.equal(await focused(), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    await page.getByRole('link', { name: 'Runs', exact: true }).focus();
    await page.keyboard.press('Enter');
    await person.awaitHeading(page, 'Runs');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    const start = page.getByRole('button', { name: 'Start a run' });
    await start.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Start a run' });
    await dialog.waitFor();
    assert.ok(await page.evaluate('document.activeElement.closest("[role=dialog]") !== null'));
    assert.deepEqual(await findViolations(page), []);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.waitForFunction('document.activeElement.textContent.includes("Start a run")');
    assertCalm();
  });

  it('keeps the colours that were chosen', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('admin'));
    await page.getByRole('radio', { name: 'Dark' }).click();
    await page.waitForFunction('document.documentElement.dataset.theme === "dark"');
    const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const dark = await background();
    await page.reload();
    await person.awaitHeading(page, 'Cluster');
    assert.equal(await background(), dark);
    await page.getByRole('radio', { name: 'Light' }).click();
    await page.waitForFunction('document.documentElement.dataset.theme === "light"');
    assert.notEqual(await background(), dark);
  });
});

describe('logging in', () => {
  it('takes the code out of the address and goes where the link leads', async () => {
    const { page } = tab;
    await page.goto(`${mock.loginLink('admin')}&to=/events`);
    await person.awaitHeading(page, 'Events');
    assert.equal(page.url(), `${mock.url}/events`);
    assert.equal(await page.evaluate('document.cookie'), '');
    await page.goBack();
    assert.doesNotMatch(page.url(), /code=/);
    assertCalm();
  });

  it('says what is wrong with a code, and takes another one by hand', async () => {
    const { page } = tab;
    await page.goto(`${mock.url}/login#code=wrong`);
    await page.getByText('AUTH_REQUIRED').waitFor();
    assert.equal(page.url(), `${mock.url}/login`);
    await page.getByLabel('Log-in code').fill(mock.loginLink('admin'));
    await page.getByRole('button', { name: 'Log in' }).click();
    await person.awaitHeading(page, 'Cluster');
  });

  it('ends: a page without a session says what to do, and so does one whose session ended', async () => {
    const { page } = tab;
    await page.goto(`${mock.url}/runs`);
    await person.awaitHeading(page, 'You are not logged in');
    await page.getByText('sparkplug open').waitFor();
    await person.logIn(page, mock.loginLink('read'));
    mock.endSessions();
    await page.getByRole('link', { name: 'Results', exact: true }).click();
    await person.awaitHeading(page, 'Your session has ended');
    assert.deepEqual(await findViolations(page), []);
  });

  it('can be undone', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('admin'));
    await page.getByRole('button', { name: 'Log out' }).click();
    await person.awaitHeading(page, 'Log in');
    await page.goto(mock.url);
    await person.awaitHeading(page, 'You are not logged in');
  });

  it('with a smaller scope hides what is not allowed', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    await person.goTo(page, 'Runs');
    await page.getByText('may look, not start runs').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Start a run' }).count(), 0);
    await person.goTo(page, 'Schedules');
    await person.scheduleOf(page, 'predict').waitFor();
    assert.equal(await page.getByRole('switch').count(), 0);
    assert.equal(await page.getByRole('button', { name: /^Edit/ }).count(), 0);
    await person.goTo(page, 'Files');
    assert.equal(await page.getByRole('button', { name: 'Upload' }).count(), 0);
    assertCalm();
  });
});

describe('the cluster', () => {
  it('draws the machines to scale, and tells of the container in focus', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    const sizes: { width: number; height: number }[] = [];
    for (const name of ['atlas', 'birch', 'cedar']) {
      const frame = page.getByRole('region', { name: `Machine ${name}` }).locator('.machine-frame');
      const box = await frame.boundingBox();
      assert.ok(box !== null);
      sizes.push(box);
    }
    const [atlas, birch, cedar] = sizes;
    assert.ok(atlas && birch && cedar);
    assert.ok(Math.abs(cedar.width / birch.width - 3) < 0.05 && Math.abs(atlas.height / birch.height - 2) < 0.05);
    await page.getByRole('button', { name: /^spark-worker-3 ?, ready, 2 cores, 4 GiB/ }).focus();
    await page.getByRole('region', { name: 'Details of spark-worker-3' }).waitFor();
    await page.getByText('wait until datanode-4 is live').waitFor();
    assertCalm();
  });

  it('stays usable while the scheduler is away', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('admin'));
    mock.schedulerAway = true;
    await page.reload();
    await page.getByText('The scheduler is away.').waitFor();
    await person.openResult(page, 'predictions');
    assert.equal((await person.readRows(page)).length, 50);
    mock.schedulerAway = false;
    await page.getByText('The scheduler is away.').waitFor({ state: 'detached' });
    assertCalm();
  });
});

describe('runs', () => {
  it('are started and watched until they end', { timeout: 60_000 }, async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('run'));
    const id = await person.startRun(page, 'predict', ['--horizon', '14']);
    await page.getByRole('progressbar').waitFor();
    await page.getByText('--horizon 14').waitFor();
    assert.equal(await person.awaitRunEnd(page, 30_000), 'succeeded');
    await page.getByText(/predictions, 1,200 rows/).waitFor();
    assert.match(await person.searchLog(page, 'stage 3 done'), /1 line/);
    await person.goTo(page, 'Runs');
    await page.getByRole('link', { name: id }).waitFor();
    assertCalm();
  });

  it('are cancelled, and run again', async () => {
    const { page } = tab;
    mock.pace = 200;
    await person.logIn(page, mock.loginLink('run'));
    const id = await person.startRun(page, 'ingest');
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await person.awaitRunEnd(page, 10_000), 'cancelled');
    mock.pace = 1;
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    assert.equal(await person.awaitRunEnd(page, 10_000), 'succeeded');
    assertCalm();
  });

  it('show a log of 30 000 lines with a few of them in the page', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    await page.goto(`${mock.url}/runs/predict-66`);
    await page.getByText('RUN_FAILED').waitFor();
    await page.locator('.log-number', { hasText: '30000' }).waitFor();
    assert.ok((await page.locator('.log-line').count()) < 150);
    assert.match(await person.searchLog(page, 'Traceback'), /^30 lines$/);
    await page.getByRole('button', { name: 'Next match' }).click();
    await page.getByText('1 of 30 lines').waitFor();
    await page.locator('mark', { hasText: 'Traceback' }).first().waitFor();
    assert.equal(await page.getByRole('switch', { name: 'Follow' }).isChecked(), false);
    await page.getByLabel('Log of', { exact: true }).selectOption('executor-2');
    await page.getByText('executor-2 line 399').waitFor();
    assertCalm();
  });

  it('are filtered, and paged by the cursor', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    await person.goTo(page, 'Runs');
    const rows = page.getByRole('region', { name: 'Runs' }).getByRole('row');
    await page.getByRole('button', { name: 'Show older runs' }).click();
    await page.getByText('50 shown').waitFor();
    await page.getByLabel('State').selectOption('failed');
    await page.getByText(/shown$/).waitFor({ state: 'detached' });
    await page.waitForURL(/state=failed/);
    await page.getByRole('link', { name: /predict-66/ }).waitFor();
    assert.equal(await rows.count(), 7);
    assertCalm();
  });
});

describe('schedules', () => {
  it('are edited, with the message of a wrong rule, and set back', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('admin'));
    await person.goTo(page, 'Schedules');
    assert.match((await person.editSchedule(page, 'predict', '0 3 *')) ?? '', /five fields/);
    assert.deepEqual(await findViolations(page), []);
    await page.keyboard.press('Escape');
    assert.equal(await person.editSchedule(page, 'predict', '15 4 * * 1-5'), null);
    const card = person.scheduleOf(page, 'predict');
    await card.getByText('15 4 * * 1-5').waitFor();
    await card.getByRole('button', { name: 'Back to the file’s' }).click();
    await card.getByRole('button', { name: 'Back to the file’s' }).waitFor({ state: 'detached' });
    assertCalm();
  });

  it('are paused and resumed', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('run'));
    await person.goTo(page, 'Schedules');
    const card = person.scheduleOf(page, 'predict');
    await card.getByText('On', { exact: true }).click();
    await card.getByText('none while paused').waitFor();
    await card.getByText('Paused', { exact: true }).click();
    await card.getByText(/where you are/).waitFor();
    assertCalm();
  });
});

describe('results', () => {
  it('are filtered, sorted, paged and drawn', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    await person.openResult(page, 'predictions');
    await page.getByRole('img', { name: /^load_kwh by day/ }).waitFor();
    const rows = await person.filterResult(page, 'city', 'eq', 'Bern');
    assert.ok(rows.length === 50 && rows.every((row) => row[1] === 'Bern'));
    await page.getByText('120 match').waitFor();
    await page.getByRole('button', { name: 'load_kwh' }).click();
    await page.getByRole('columnheader', { name: 'load_kwh' }).and(page.locator('[aria-sort=ascending]')).waitFor();
    await page.waitForURL(/sort=load_kwh/);
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByText('51 to 100 of 120').waitFor();
    await page.getByText(/curl -H .*where=city%3Aeq%3ABern&sort=load_kwh&offset=50&limit=50/).waitFor();
    await page.getByLabel('Kind of chart').selectOption('bar');
    await page.getByLabel('Category').selectOption('city');
    await page.getByRole('list', { name: 'mean of load_kwh by city' }).waitFor();
    assert.deepEqual(await findViolations(page), []);
    const started = page.waitForEvent('download');
    await page.getByRole('link', { name: 'CSV' }).click();
    const text = await readFile(await (await started).path(), 'utf8');
    assert.equal(text.trim().split('\n').length, 121);
    assertCalm();
  });

  it('tell of a wrong value in a filter', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    await page.goto(`${mock.url}/results/predictions?where=load_kwh:gt:much`);
    await page.getByText('RESULT_QUERY_INVALID').first().waitFor();
    await page.getByRole('button', { name: 'Remove the filter load_kwh > much' }).click();
    await page.getByText('1,200 match').waitFor();
  });
});

describe('files', () => {
  it('are brought, fetched and removed', async () => {
    const { page } = tab;
    const file = join(scratch, 'über 100%.csv');
    await writeFile(file, 'a,b\n1,2\n');
    await person.logIn(page, mock.loginLink('admin'));
    await person.goTo(page, 'Files');
    await person.makeFolder(page, 'new folder');
    await person.openFolder(page, 'new folder');
    await person.upload(page, [file]);
    assert.equal(mock.files.get('/new folder/über 100%.csv')?.toString(), 'a,b\n1,2\n');
    const fetched = await person.download(page, 'über 100%.csv');
    assert.equal(await readFile(await fetched.path(), 'utf8'), 'a,b\n1,2\n');
    await writeFile(file, 'second');
    await person.upload(page, [file]);
    await page.getByText('FILE_EXISTS').waitFor();
    await page.getByRole('button', { name: 'Overwrite it' }).click();
    await page.getByText('6 B, done').waitFor();
    assert.equal(mock.files.get('/new folder/über 100%.csv')?.toString(), 'second');
    await person.remove(page, 'über 100%.csv');
    assert.equal(mock.files.has('/new folder/über 100%.csv'), false);
    await page.getByRole('link', { name: 'hdfs' }).click();
    await person.remove(page, 'new folder');
    assertCalm();
  });
});

describe('events', () => {
  it('come by themselves, and are filtered', async () => {
    const { page } = tab;
    await person.logIn(page, mock.loginLink('read'));
    await person.goTo(page, 'Events');
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    mock.record('run', 'run test-1 was started');
    await page.getByRole('cell', { name: 'run test-1 was started' }).waitFor();
    await page.getByLabel('Kind').selectOption('schedule');
    await page.getByRole('cell', { name: 'run test-1 was started' }).waitFor({ state: 'detached' });
    assertCalm();
  });
});
