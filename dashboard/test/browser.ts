// Chromium for tests: Debian's or Playwright's own, headless, asking nobody but the page under test.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Ubuntu's `chromium-browser` is none: it starts a snap, which is closed to whoever would drive it. */
const places = ['/usr/bin/chromium', '/usr/bin/google-chrome'] as const;
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;

/** Pictures of the pages, for people to look at. */
export const artifacts = fileURLToPath(new URL('../../test/artifacts', import.meta.url));

export const screens = {
  wide: { width: 1360, height: 900 },
  /** The smallest phone that the dashboard is made for. */
  narrow: { width: 360, height: 740 },
} as const;

export async function startBrowser(): Promise<Browser> {
  const executablePath = places.find(existsSync) ?? chromium.executablePath();
  return await chromium.launch({ executablePath, headless: true, args: [...flags] });
}

export interface Look {
  readonly screen?: keyof typeof screens;
  readonly theme?: 'light' | 'dark';
}

/** A tab of its own, with what went wrong in it. */
export interface Tab {
  readonly page: Page;
  /** Errors of scripts and of the content security policy, and requests to other hosts than the page's. */
  readonly faults: string[];
  close(): Promise<void>;
}

export async function openTab(browser: Browser, { screen = 'wide', theme = 'light' }: Look = {}): Promise<Tab> {
  const context: BrowserContext = await browser.newContext({
    viewport: screens[screen],
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Zurich',
    acceptDownloads: true,
    ignoreHTTPSErrors: true,
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
  page.on('console', (message) => {
    // Refusals of the API are looked at by the tests themselves.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (/^(https?|wss?):$/.test(protocol) && !['127.0.0.1', 'localhost'].includes(hostname))
      faults.push(`asks ${request.url()}`);
  });
  return { page, faults, close: () => context.close() };
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** What axe finds wrong with the page as it is now, one line a place. */
export async function findViolations(page: Page): Promise<string[]> {
  // By the debugger's protocol: the page's own policy lets no foreign script in.
  await page.evaluate(`${axe.source}; undefined`);
  const { violations } = await page.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) =>
        `${id}: ${help}\n    ${html.slice(0, 200)}\n    ${failureSummary?.replaceAll('\n', ' ')}`,
    ),
  );
}

/** True when nothing makes the page wider than the screen. */
export async function fitsWidth(page: Page): Promise<boolean> {
  return await page.evaluate<boolean>('document.documentElement.scrollWidth <= document.documentElement.clientWidth');
}

export async function takePicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(artifacts, `dashboard-${name}.png`), fullPage: true });
}
