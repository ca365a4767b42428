// What a person does with the dashboard, by the roles and names that assistive technology meets; the same steps for the
// mock cluster and a real one.
import { basename } from 'node:path';
import type { Download, Page } from 'playwright-core';

export const pageNames = ['Cluster', 'Runs', 'Schedules', 'Results', 'Files', 'Events'] as const;
export type PageName = (typeof pageNames)[number];

/** Opens a log-in link and waits for the cluster's page. */
export async function logIn(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await awaitHeading(page, 'Cluster');
}

/** Goes to a page by the navigation. */
export async function goTo(page: Page, name: PageName): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
  await awaitHeading(page, name);
}

export async function awaitHeading(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Starts a run of a job and returns its id, with its page open. */
export async function startRun(page: Page, job: string, args?: readonly string[]): Promise<string> {
  await goTo(page, 'Runs');
  await page.getByRole('button', { name: 'Start a run' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start a run' });
  await dialog.getByLabel('Job').selectOption(job);
  if (args !== undefined) await dialog.getByLabel('Arguments').fill(args.join('\n'));
  await dialog.getByRole('button', { name: 'Start' }).click();
  await page.waitForURL(/\/runs\/.+/);
  await awaitHeading(page, new RegExp(`^${job} · `));
  return decodeURIComponent(new URL(page.url()).pathname.split('/').at(-1) ?? '');
}

/** Waits on a run's page until it has ended; returns how. */
export async function awaitRunEnd(page: Page, timeoutMs: number): Promise<string> {
  const ended = page.getByRole('status').filter({ hasText: /^(succeeded|failed|cancelled)$/ });
  await ended.waitFor({ timeout: timeoutMs });
  return (await ended.textContent()) ?? '';
}

/** Searches the log on a run's page; returns what is said of the matches. */
export async function searchLog(page: Page, text: string): Promise<string> {
  await page.getByLabel('Search the log').fill(text);
  const matches = page.getByRole('status').filter({ hasText: /lines?$|no match/ });
  await matches.waitFor();
  return (await matches.textContent()) ?? '';
}

/** Opens the log of a container on the page of the cluster, and searches it; returns what is said of the matches. */
export async function showComponentLog(page: Page, name: string, text: string): Promise<string> {
  await goTo(page, 'Cluster');
  await page.getByRole('button', { name: new RegExp(`^${name} ?, `) }).click();
  await page
    .getByRole('region', { name: `Details of ${name}` })
    .getByRole('button', { name: 'Show its log' })
    .click();
  await page
    .getByRole('region', { name: `Log of ${name}`, exact: true })
    .locator('.log-line')
    .first()
    .waitFor();
  return await searchLog(page, text);
}

/** The card of a job on the page of schedules. */
export function scheduleOf(page: Page, job: string) {
  return page.getByRole('region', { name: job, exact: true });
}

/** Gives a job another rule; waits until it is shown, or returns the message of what is wrong with it. */
export async function editSchedule(page: Page, job: string, cron: string): Promise<string | null> {
  await page.getByRole('button', { name: `Edit the schedule of ${job}` }).click();
  const dialog = page.getByRole('dialog', { name: `Schedule of ${job}` });
  const field = dialog.getByLabel('Rule');
  await field.fill(cron);
  await dialog.getByRole('button', { name: 'Save' }).click();
  const refusal = dialog.getByRole('status').filter({ hasText: /\S/ }).or(dialog.getByRole('alert')).first();
  const isSaved = dialog.waitFor({ state: 'hidden' }).then(() => true);
  const isRefused = refusal.waitFor().then(() => false);
  return (await Promise.any([isSaved, isRefused])) ? null : ((await refusal.textContent()) ?? '');
}

/** Opens a result from the list. */
export async function openResult(page: Page, name: string): Promise<void> {
  await goTo(page, 'Results');
  await page.getByRole('link', { name, exact: true }).click();
  await awaitHeading(page, name);
  // The heading is there before the rows are.
  await page.getByText(/^[\d,]+ match$/).waitFor();
}

/** Adds a filter on a result's page and returns its rows' cells. */
export async function filterResult(page: Page, column: string, comparison: string, value: string): Promise<string[][]> {
  const form = page.getByRole('form', { name: 'Add a filter' });
  await form.getByLabel('Column').selectOption(column);
  await form.getByLabel('Comparison').selectOption(comparison);
  await form.getByLabel('Value').fill(value);
  const answered = page.waitForResponse(
    (response) => response.url().includes(`where=${column}`) && response.url().includes('limit=50'),
  );
  await form.getByRole('button', { name: 'Add filter' }).click();
  await answered;
  await page.getByRole('list', { name: 'Filters' }).getByText(value).waitFor();
  await page.getByText(/^\d[\d,]* match$/).waitFor();
  return await readRows(page);
}

/** Cells of the table of a result's rows. */
export async function readRows(page: Page): Promise<string[][]> {
  const rows = await page
    .getByRole('region', { name: /^Rows of / })
    .getByRole('row')
    .all();
  const cells = await Promise.all(rows.map((row) => row.getByRole('cell').allTextContents()));
  return cells.filter((row) => row.length > 0);
}

/** Uploads files of this computer into the folder that is open, and waits until they are listed. */
export async function upload(page: Page, files: readonly string[]): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await (await chooser).setFiles([...files]);
  for (const file of files) await fileRow(page, basename(file)).waitFor();
}

export function fileRow(page: Page, name: string) {
  return page.getByRole('region', { name: 'Files' }).getByRole('row', { name });
}

export async function download(page: Page, name: string): Promise<Download> {
  const started = page.waitForEvent('download');
  await page.getByRole('link', { name: `Download ${name}`, exact: true }).click();
  return await started;
}

export async function makeFolder(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New folder' }).click();
  const dialog = page.getByRole('dialog', { name: 'New folder' });
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await fileRow(page, name).waitFor();
}

export async function openFolder(page: Page, name: string): Promise<void> {
  await page.getByRole('region', { name: 'Files' }).getByRole('link', { name, exact: true }).click();
  await page.getByRole('navigation', { name: 'Folder' }).getByText(name, { exact: true }).waitFor();
}

export async function remove(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: `Delete ${name}`, exact: true }).click();
  const dialog = page.getByRole('alertdialog', { name: `Delete ${name}?` });
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await fileRow(page, name).waitFor({ state: 'detached' });
}
