// The REST API as functions, typed by its description. Who asks is told by the session's cookie, which no script can read.
import createClient from 'openapi-fetch';
import type { paths } from '../../src/api/openapi.d.ts';
import type { FileList, ProblemDetails, ResultPage, RunState, ScheduleRule } from './api-types.ts';

export const apiBase = '/api/v1';

/** An answer that is an error, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails) {
    super(problem.detail);
    this.name = 'ApiError';
    this.problem = problem;
  }
}

/** What any thrown value is as a problem; a bug of the dashboard included. */
export function toProblem(error: unknown): ProblemDetails {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return describeProblem(0, 'DASHBOARD', `the dashboard met a bug of its own: ${detail}`, 'reload the page');
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.problem.code === code;
}

function describeProblem(status: number, code: string, detail: string, hint: string): ProblemDetails {
  return { type: `urn:sparkplug:error:${code}`, title: code, status, code, detail, hint };
}

/** The problem in an answer, also where something between here and the cluster answered in its own words. */
export function readProblem(status: number, contentType: string | null, body: string): ApiError {
  if (contentType?.startsWith('application/problem+json') === true) {
    return new ApiError(JSON.parse(body) as ProblemDetails);
  }
  const detail =
    status === 0 ? 'the cluster does not answer' : `the answer has the status ${status} and is not the cluster's own`;
  return new ApiError(describeProblem(status, 'CLUSTER_UNREACHABLE', detail, 'check that it is up: sparkplug status'));
}

const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  // Read anew at every call: tests put another in its place.
  fetch: (request) => fetch(request),
  // The same as the API reads: `where` is repeated.
  querySerializer: { array: { style: 'form', explode: true } },
});

client.use({
  onResponse: async ({ response }) => {
    if (response.ok) return;
    throw readProblem(response.status, response.headers.get('content-type'), await response.text());
  },
  onError: ({ error }) =>
    error instanceof Error && error.name === 'AbortError' ? undefined : readProblem(0, null, ''),
});

/** What the answer holds; refusals were thrown before. */
async function read<T>(answer: Promise<{ readonly data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error('the answer is empty');
  return data;
}

const part = encodeURIComponent;

/** `/data/a b` → `/api/v1/hdfs/data/a%20b`. */
export function hdfsUrl(path: string): string {
  return `${apiBase}/hdfs${path.split('/').map(part).join('/')}`;
}

export function resultUrl(name: string, query: string): string {
  return `${apiBase}/results/${part(name)}${query}`;
}

export function runEventsUrl(id: string): string {
  return `${apiBase}/runs/${part(id)}/events`;
}

export function componentLogUrl(name: string, query: string): string {
  return `${apiBase}/components/${part(name)}/logs?${query}`;
}

/** A part of the options of a call that may be aborted. */
const until = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

type Signal = AbortSignal | undefined;

interface RunFilter {
  readonly job?: string;
  readonly state?: RunState;
  readonly limit: number;
  readonly before?: string;
}

/** Files are asked for by their path as it is: the client would encode its slashes. */
async function requestFile(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { credentials: 'same-origin', ...init }).catch((error: unknown) => {
    throw init.signal?.aborted === true ? error : readProblem(0, null, '');
  });
  if (response.ok) return response;
  throw readProblem(response.status, response.headers.get('content-type'), await response.text());
}

export const api = {
  session: (signal?: Signal) => read(client.GET('/api/v1/session', until(signal))),
  logIn: (code: string) => read(client.POST('/api/v1/session', { body: { code } })),
  logOut: () => client.DELETE('/api/v1/session'),

  cluster: (signal?: Signal) => read(client.GET('/api/v1/cluster', until(signal))),
  machines: (signal?: Signal) => read(client.GET('/api/v1/machines', until(signal))),
  history: (minutes: number, signal?: Signal) =>
    read(client.GET('/api/v1/cluster/history', { params: { query: { minutes } }, ...until(signal) })),

  jobs: (signal?: Signal) => read(client.GET('/api/v1/jobs', until(signal))),
  runs: (query: RunFilter, signal?: Signal) =>
    read(client.GET('/api/v1/runs', { params: { query }, ...until(signal) })),
  run: (id: string, signal?: Signal) =>
    read(client.GET('/api/v1/runs/{id}', { params: { path: { id } }, ...until(signal) })),
  logSources: (id: string, signal?: Signal) =>
    read(client.GET('/api/v1/runs/{id}/log-sources', { params: { path: { id } }, ...until(signal) })),
  log: (id: string, source: string, signal?: Signal) =>
    read(
      client.GET('/api/v1/runs/{id}/logs', {
        params: { path: { id }, query: { source } },
        parseAs: 'text',
        ...until(signal),
      }),
    ),
  /** The key makes sure that a request sent twice starts one run; without `args` the job's own are used. */
  startRun: (job: string, args: readonly string[] | null, idempotencyKey: string) =>
    read(
      client.POST('/api/v1/jobs/{job}/runs', {
        params: { path: { job }, header: { 'idempotency-key': idempotencyKey } },
        body: args === null ? {} : { args: [...args] },
      }),
    ),
  cancelRun: (id: string) => read(client.POST('/api/v1/runs/{id}/cancel', { params: { path: { id } } })),

  schedules: (signal?: Signal) => read(client.GET('/api/v1/schedules', until(signal))),
  changeSchedule: (job: string, body: ScheduleRule) =>
    read(client.PUT('/api/v1/schedules/{job}', { params: { path: { job } }, body })),
  resetSchedule: (job: string) => read(client.DELETE('/api/v1/schedules/{job}', { params: { path: { job } } })),
  pauseSchedule: (job: string) => read(client.POST('/api/v1/schedules/{job}/pause', { params: { path: { job } } })),
  resumeSchedule: (job: string) => read(client.POST('/api/v1/schedules/{job}/resume', { params: { path: { job } } })),

  results: (signal?: Signal) => read(client.GET('/api/v1/results', until(signal))),
  /** `query` as `writeResultQuery` makes it. */
  resultPage: async (name: string, query: string, signal?: Signal): Promise<ResultPage> =>
    (await (await requestFile(resultUrl(name, query), until(signal))).json()) as ResultPage,

  folder: async (path: string, signal?: Signal): Promise<FileList> =>
    (await (await requestFile(`${hdfsUrl(path)}?op=list`, until(signal))).json()) as FileList,
  makeFolder: (path: string) => requestFile(`${hdfsUrl(path)}?op=mkdir`, { method: 'PUT' }),
  removeFile: (path: string, recursive: boolean) =>
    requestFile(`${hdfsUrl(path)}${recursive ? '?recursive=true' : ''}`, { method: 'DELETE' }),
} as const;

/** 128 random bits as text. `crypto.randomUUID` is missing on pages without TLS. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
