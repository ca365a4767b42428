// Use case `open`: a link that logs a browser in, and the browser where there is one.
import { openBrowser } from '../adapters/host/open-browser.ts';
import type { ApiClient } from '../api/client.ts';
import type { ProjectState } from '../config/project-state.ts';
import { connectToCluster, explainUnreachable, notUp, urlOf } from './cluster-access.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';

/** Pages of the dashboard by the name that `open` takes. */
const pagePaths = {
  cluster: '/',
  runs: '/runs',
  schedules: '/schedules',
  results: '/results',
  files: '/files',
  events: '/events',
  spark: '/spark/master/',
} as const;

export type Page = keyof typeof pagePaths;
export const pages = Object.keys(pagePaths) as readonly Page[];

export interface OpenedPage {
  /** Valid once and for ten minutes. */
  readonly link: string;
  readonly expiresAt: string;
  /** False: there is no browser here, or none was wanted. */
  readonly opened: boolean;
}

/** @throws SparkPlugError CLUSTER_NOT_UP, CLUSTER_UNREACHABLE (exit 3) */
export async function openPage(
  choice: ProjectChoice,
  page: Page,
  { print, signal }: { readonly print: boolean; readonly signal: AbortSignal },
): Promise<OpenedPage> {
  const project = await locateProject(choice);
  const { state } = project;
  if (state === null) throw notUp();
  try {
    const api = await connectToCluster(project);
    const { code, expiresAt } = await api.createLoginCode({ signal });
    const link = linkOf(state, await project.findHost(), page, code);
    return { link, expiresAt, opened: !print && (await openBrowser(link)) };
  } catch (error) {
    throw await explainUnreachable(project, error);
  }
}

export async function createLoginLink(
  api: Pick<ApiClient, 'createLoginCode'>,
  state: ProjectState,
  host: string | null,
  page: Page,
): Promise<string> {
  return linkOf(state, host, page, (await api.createLoginCode()).code);
}

/** The code stands behind `#`: browsers do not send that part, so it is in no log. */
function linkOf({ webPort, webTrust }: ProjectState, host: string | null, page: Page, code: string): string {
  if (webPort === null) throw notUp();
  return `${urlOf(webPort, webTrust, host)}/login#code=${code}&to=${pagePaths[page]}`;
}
