// One cluster for all end to end tests: brought up once, found again by every test file, removed by test/run.ts.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, mustRunJson, repository } from './sparkplug.ts';

export interface SharedCluster {
  readonly folder: string;
  readonly projectId: string;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly token: string;
}

/** The value of the job secret `warehouse_password`: a marker that must show up nowhere. */
export const secretMarker = 'sp-e2e-marker-warehouse-7d1f0c';
const folder = join(process.env.SPARKPLUG_E2E_FOLDER ?? tmpdir(), 'sparkplug-e2e-shared');

/** Folder where a project's token and secrets live. */
export function userFolder(projectId: string): string {
  return join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'sparkplug', projectId);
}

/** Brings the shared project up (nothing to do when it is up) and tells where it is. */
export async function sharedCluster(): Promise<SharedCluster> {
  await cp(join(repository, 'test', 'e2e', 'project'), folder, { recursive: true });
  await mkdir(join(folder, 'target'), { recursive: true });
  await writeJar(join(folder, 'target', 'app.jar'));
  await mustRun(folder, ['secret', 'set', 'warehouse_password'], { input: secretMarker });
  const up = (await mustRunJson(folder, ['up'], { timeoutMs: 900_000 })) as { projectId: string; url: string };
  const token = (await readFile(join(userFolder(up.projectId), 'token'), 'utf8')).trim();
  return { folder, projectId: up.projectId, url: up.url, token };
}

/** Has the results `people` and `visits` served, from whichever run of `publish` was the last. */
export async function ensurePublished(cluster: SharedCluster): Promise<void> {
  if ((await ask(cluster, '/api/v1/results/people/1')).status === 200) return;
  await mustRun(cluster.folder, ['run', 'publish']);
}

/** Removes the shared project with all it owns. */
export async function removeSharedCluster(): Promise<void> {
  if (!existsSync(folder)) return;
  await mustRun(folder, ['down', '--volumes', '--yes'], { timeoutMs: 300_000 });
  await rm(folder, { recursive: true, force: true });
}

/** Asks the REST service as a program would. */
export async function ask(cluster: SharedCluster, path: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(`${cluster.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${cluster.token}`, ...init.headers },
  });
}

/** Whether every component works, as the service says; false while it is away. Asking costs no process of its own. */
export async function isReady(cluster: SharedCluster): Promise<boolean> {
  try {
    const answer = await ask(cluster, '/api/v1/cluster', { signal: AbortSignal.timeout(10_000) });
    return answer.ok && ((await answer.json()) as { ready: boolean }).ready;
  } catch {
    return false;
  }
}

export interface RunRecord {
  readonly id: string;
  readonly state: string;
  readonly exitCode: number | null;
  readonly failure: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly attempts: readonly { readonly number: number; readonly exitCode: number | null }[];
  readonly image: string;
  readonly imageDigest: string | null;
  readonly waiting: string | null;
  readonly progress: { readonly stagesDone: number; readonly stagesTotal: number } | null;
  readonly published: Readonly<Record<string, number>>;
  readonly applications: readonly string[];
}

/** The newest runs of a job, newest first. */
export async function runsOf(cluster: SharedCluster, job: string): Promise<RunRecord[]> {
  const response = await ask(cluster, `/api/v1/runs?job=${job}&limit=5`);
  const body = (await response.json()) as { runs: RunRecord[] } | RunRecord[];
  return Array.isArray(body) ? body : body.runs;
}

/** The newest run of a job; fails when there is none. */
export async function lastRunOf(cluster: SharedCluster, job: string): Promise<RunRecord> {
  const [run] = await runsOf(cluster, job);
  if (run === undefined) throw new Error(`no run of ${job}`);
  return run;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function writeJar(target: string): Promise<void> {
  await writeFile(target, await readFile(join(repository, 'test', 'e2e', 'jvm', 'app.jar')));
}
