// The REST API from the command line's side: one typed method per route, streams as async iterables, problems as errors.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { DesiredState } from '../stack/desired-state.ts';
import { type AccessCalls, accessCalls } from './access-client.ts';
import {
  type CallOptions,
  type ClientOptions,
  check,
  type Open,
  parseJson,
  readText,
  route,
  send,
  signalOf,
} from './exchange.ts';
import { execInComponent } from './exec-client.ts';
import { type FollowOptions, followOperation, followRun, type NumberedRunEvent } from './followed-streams.ts';
import { flagsOf, type MachineCalls, machineCalls, readSubmission, type Submission } from './machine-client.ts';
import type { components } from './openapi.d.ts';
import { ResultQuery as ResultParameters } from './routes/data-routes.ts';
import { type ScheduleCalls, scheduleCalls } from './schedule-client.ts';
import {
  ClusterEventList,
  ClusterStatus,
  type ExecEvent,
  type ExecRequest,
  FileList,
  FileStatus,
  FileUsage,
  Health,
  KeyedRows,
  type NewRun,
  Operation,
  ResultList,
  ResultPage,
  Run,
  RunList,
  type RunState,
} from './schemas.ts';
import { createTransport } from './transport.ts';
import { createTypedClient, encodeParts, readData, settled, type TypedClient } from './typed-client.ts';

export interface RunQuery extends CallOptions {
  readonly job?: string;
  readonly state?: RunState;
  readonly limit?: number;
}

export interface ResultQuery extends CallOptions {
  /** Column → value, compared for equality. */
  readonly where?: Readonly<Record<string, string>>;
  /** Columns to sort by, `-` before one: falling. */
  readonly sort?: readonly string[];
  readonly limit?: number;
  readonly offset?: number;
  /** A kept version: the id of the run that wrote it. */
  readonly run?: string;
}

export interface KeyLookup {
  readonly run: string | null;
  readonly version: string | null;
  readonly value: KeyedRows;
}

/** A file's bytes as they arrive; destroying `stream` ends the transfer. */
export interface FileContent {
  readonly bytes: number | null;
  readonly stream: Readable;
}

export interface ReadOptions extends CallOptions {
  /** First byte wanted, 0 by default. */
  readonly offset?: number;
  /** How many bytes, to the end by default. */
  readonly length?: number;
}

export interface WriteOptions extends CallOptions {
  readonly overwrite?: boolean;
  /** Size, where known: sent as Content-Length, so that a short body is an error. */
  readonly bytes?: number;
}

/** Every route of the published API. Errors are SparkPlugError; without an answer CLUSTER_UNREACHABLE. */
export interface ApiClient extends AccessCalls, MachineCalls, ScheduleCalls {
  health(options?: CallOptions): Promise<Health>;
  clusterStatus(options?: CallOptions): Promise<ClusterStatus>;
  desiredState(options?: CallOptions): Promise<{ revision: number; desired: DesiredState }>;
  /** `ifMatch`: only when the cluster still has this revision. `now`: do not wait for running jobs. */
  submitDesiredState(
    desired: DesiredState,
    options?: CallOptions & { readonly ifMatch?: number; readonly now?: boolean },
  ): Promise<Submission>;
  operation(id: string, options?: CallOptions): Promise<Operation>;
  /** The whole operation at every change; ends after the final one. */
  followOperation(id: string, options?: CallOptions): AsyncGenerator<Operation>;
  cancelOperation(id: string, options?: CallOptions): Promise<void>;
  startRun(job: string, newRun: NewRun, options?: CallOptions & { readonly idempotencyKey?: string }): Promise<Run>;
  /** Newest first; more than one page where `limit` asks for it. */
  runs(query?: RunQuery): Promise<Run[]>;
  run(id: string, options?: CallOptions): Promise<Run>;
  /** The whole log so far. */
  /** `source`: `driver`, the default, or `executor-N`. */
  runLogs(id: string, options?: CallOptions & { readonly source?: string | undefined }): Promise<Readable>;
  /** Replay and then live; the last event is `end`. Taken up again where it broke off. */
  followRun(id: string, options?: FollowOptions): AsyncGenerator<NumberedRunEvent>;
  cancelRun(id: string, options?: CallOptions): Promise<Run>;
  /** Runs a command in a component's container, wherever it is; ends after its exit code. */
  execInComponent(component: string, request: ExecRequest, options?: CallOptions): AsyncGenerator<ExecEvent>;
  clusterEvents(options?: CallOptions): Promise<ClusterEventList['events']>;
  results(options?: CallOptions): Promise<ResultList['results']>;
  result(name: string, query?: ResultQuery): Promise<ResultPage>;
  /** All matching rows as text or bytes, as they arrive. */
  resultRows(name: string, format: 'csv' | 'arrow', query?: ResultQuery): Promise<Readable>;
  resultByKey(name: string, key: string, options?: CallOptions & { readonly run?: string }): Promise<KeyLookup>;
  listFiles(path: string, options?: CallOptions): Promise<FileList['entries']>;
  fileStatus(path: string, options?: CallOptions): Promise<FileStatus>;
  fileUsage(path: string, options?: CallOptions): Promise<FileUsage>;
  readFile(path: string, options?: ReadOptions): Promise<FileContent>;
  /** Streams; nothing half-written is ever seen under `path`. */
  writeFile(path: string, content: Readable, options?: WriteOptions): Promise<FileStatus>;
  makeFolder(path: string, options?: CallOptions): Promise<FileStatus>;
  removeFile(path: string, options?: CallOptions & { readonly recursive?: boolean }): Promise<void>;
}

const Desired = z.object({ revision: z.number().int(), desired: z.custom<DesiredState>((value) => value !== null) });

const defaultReconnectMs = 60_000;
/** Most runs in one answer. */
const runsPerPage = 1000;

/** Makes the client; no connection is opened before the first call. */
export function createApiClient(options: ClientOptions): ApiClient {
  const reconnectMs = options.reconnectMs ?? defaultReconnectMs;
  const connection = { ...options, transport: createTransport(options.baseUrl, options.trust) };
  const open: Open = (call) => send(connection, call);
  const api = createTypedClient(open);
  return {
    ...clusterCalls(api),
    ...runCalls(api),
    ...dataCalls(api),
    ...accessCalls(api),
    ...machineCalls(api),
    ...scheduleCalls(api),
    followOperation: (id, call = {}) => followOperation(open, id, call, reconnectMs),
    runLogs: (id, call) => {
      const path = route`/api/v1/runs/${id}/logs`;
      return open({ method: 'GET', path, query: { source: call?.source }, ...signalOf(call) });
    },
    followRun: (id, call = {}) => followRun(open, id, call, reconnectMs),
    execInComponent: (component, request, call = {}) => execInComponent(open, component, request, call),
    resultRows: (name, format, query = {}) => {
      const { where = {}, sort, limit, offset, run } = query;
      const wanted = { ...filters(where), sort: sort?.join(','), limit, offset, run, format };
      const path = route`/api/v1/results/${name}`;
      return open({ method: 'GET', path, query: wanted, headers: { accept: '*/*' }, ...signalOf(query) });
    },
    readFile: (path, call = {}) => readFile(open, path, call),
    writeFile: (path, content, call = {}) => writeFile(open, path, content, call),
  };
}

type ClusterCalls = Pick<
  ApiClient,
  'health' | 'clusterStatus' | 'desiredState' | 'submitDesiredState' | 'operation' | 'cancelOperation' | 'clusterEvents'
>;

function clusterCalls(api: TypedClient): ClusterCalls {
  return {
    health: (call) => readData(Health, api.GET('/healthz', { ...signalOf(call) })),
    clusterStatus: (call) => readData(ClusterStatus, api.GET('/api/v1/cluster', { ...signalOf(call) })),
    desiredState: (call) => readData(Desired, api.GET('/api/v1/cluster/desired', { ...signalOf(call) })),
    submitDesiredState: (desired, call = {}) => {
      // The document describes what the conductor reads of it; this has more.
      const body = desired as unknown as components['schemas']['NewDesiredState'];
      return readSubmission(api.PUT('/api/v1/cluster/desired', { params: flagsOf(call), body, ...signalOf(call) }));
    },
    operation: (id, call) =>
      readData(Operation, api.GET('/api/v1/operations/{id}', { params: { path: { id } }, ...signalOf(call) })),
    cancelOperation: async (id, call) => {
      await settled(api.POST('/api/v1/operations/{id}/cancel', { params: { path: { id } }, ...signalOf(call) }));
    },
    clusterEvents: async (call) =>
      (await readData(ClusterEventList, api.GET('/api/v1/events', { ...signalOf(call) }))).events,
  };
}

function runCalls(api: TypedClient): Pick<ApiClient, 'startRun' | 'runs' | 'run' | 'cancelRun'> {
  return {
    startRun: (job, newRun, call = {}) => {
      const header = call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey };
      const body = newRun as components['schemas']['NewRun'];
      const params = { path: { job }, header };
      return readData(Run, api.POST('/api/v1/jobs/{job}/runs', { params, body, ...signalOf(call) }));
    },
    runs: (query = {}) => listRuns(api, query),
    run: (id, call) => readData(Run, api.GET('/api/v1/runs/{id}', { params: { path: { id } }, ...signalOf(call) })),
    cancelRun: (id, call) =>
      readData(Run, api.POST('/api/v1/runs/{id}/cancel', { params: { path: { id } }, ...signalOf(call) })),
  };
}

async function listRuns(api: TypedClient, query: RunQuery): Promise<Run[]> {
  const found: Run[] = [];
  let before: string | null = null;
  do {
    const left: number | undefined = query.limit === undefined ? undefined : query.limit - found.length;
    const wanted = defined({
      job: query.job,
      state: query.state,
      limit: left === undefined ? undefined : Math.min(left, runsPerPage),
      before: before ?? undefined,
    });
    const page: RunList = await readData(
      RunList,
      api.GET('/api/v1/runs', { params: { query: wanted }, ...signalOf(query) }),
    );
    found.push(...page.runs);
    before = page.next;
  } while (before !== null && query.limit !== undefined && found.length < query.limit);
  return found;
}

type DataCalls = Pick<
  ApiClient,
  'results' | 'result' | 'resultByKey' | 'listFiles' | 'fileStatus' | 'fileUsage' | 'makeFolder' | 'removeFile'
>;

function dataCalls(api: TypedClient): DataCalls {
  const askFile = (path: string, op: 'list' | 'status' | 'usage', call: CallOptions | undefined) =>
    api.GET('/api/v1/hdfs/{path}', { params: { path: { path }, query: { op } }, ...signalOf(call) });
  return {
    results: async (call) => (await readData(ResultList, api.GET('/api/v1/results', { ...signalOf(call) }))).results,
    result: (name, query = {}) => {
      const { where = {}, sort, limit, offset, run } = query;
      const wanted = { columns: filters(where), ...defined({ sort: sort?.join(','), limit, offset, run }) };
      const params = { path: { name }, query: wanted };
      return readData(ResultPage, api.GET('/api/v1/results/{name}', { params, ...signalOf(query) }));
    },
    resultByKey: async (name, key, call = {}) => {
      const params = { path: { name, key }, query: defined({ run: call.run }) };
      const answer = await settled(api.GET('/api/v1/results/{name}/{key}', { params, ...signalOf(call) }));
      const { headers } = answer.response;
      const value = await readData(KeyedRows, Promise.resolve(answer));
      return { run: headers.get('x-sparkplug-run'), version: headers.get('x-sparkplug-version'), value };
    },
    listFiles: async (path, call) => (await readData(FileList, askFile(path, 'list', call))).entries,
    fileStatus: (path, call) => readData(FileStatus, askFile(path, 'status', call)),
    fileUsage: (path, call) => readData(FileUsage, askFile(path, 'usage', call)),
    makeFolder: (path, call) => {
      const params = { path: { path }, query: { op: 'mkdir' } } as const;
      return readData(FileStatus, api.PUT('/api/v1/hdfs/{path}', { params, ...signalOf(call) }));
    },
    removeFile: async (path, call = {}) => {
      const params = { path: { path }, query: call.recursive === true ? { recursive: true } : {} };
      await settled(api.DELETE('/api/v1/hdfs/{path}', { params, ...signalOf(call) }));
    },
  };
}

/** Without what is undefined: optional parameters are left out, not sent empty. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

async function writeFile(open: Open, path: string, content: Readable, options: WriteOptions): Promise<FileStatus> {
  const answer = await open({
    method: 'PUT',
    path: filePath(path),
    query: { overwrite: options.overwrite === true ? true : undefined },
    headers: {
      'content-type': 'application/octet-stream',
      ...(options.bytes === undefined ? {} : { 'content-length': String(options.bytes) }),
    },
    body: content,
    timeoutMs: 0,
    ...signalOf(options),
  });
  return check(FileStatus, parseJson(await readText(answer)), filePath(path));
}

async function readFile(open: Open, path: string, options: ReadOptions): Promise<FileContent> {
  const { offset = 0, length } = options;
  const ranged = offset > 0 || length !== undefined;
  const range = `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`;
  const answer = await open({
    method: 'GET',
    path: filePath(path),
    query: { op: 'content' },
    headers: ranged ? { range } : {},
    ...signalOf(options),
  });
  const bytes = header(answer, 'content-length');
  return { bytes: bytes === null ? null : Number(bytes), stream: answer };
}

/** Columns that are named like a parameter of the route are written `where.<column>`. */
function filters(where: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(where).map(([column, value]): [string, string] => {
    return [reservedParameters.has(column) || column.startsWith('where.') ? `where.${column}` : column, value];
  });
  return Object.fromEntries(entries);
}

const reservedParameters: ReadonlySet<string> = new Set(Object.keys(ResultParameters.shape));

function filePath(path: string): string {
  return `/api/v1/hdfs/${encodeParts(path)}`;
}

function header(answer: IncomingMessage, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
