// The REST API from the command line's side: one typed method per route, streams as async iterables, problems as errors.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type ErrorCode, isErrorCode, SparkPlugError } from '../errors.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import {
  ClusterEventList,
  ClusterStatus,
  FileList,
  FileStatus,
  FileUsage,
  type NewRun,
  Operation,
  ProblemDetails,
  ResultList,
  ResultPage,
  Run,
  RunEvent,
  RunList,
  type RunState,
} from './schemas.ts';
import { parseServerSentEvents, type ServerSentEvent } from './server-sent-events.ts';

/** Where the cluster answers: `http://127.0.0.1:8080`, and the token of the user's config folder. */
export interface ClientOptions {
  readonly baseUrl: string;
  readonly token: string;
  /** Milliseconds a plain request may take until its answer begins; 30 000 by default. */
  readonly timeoutMs?: number;
  /** Milliseconds for which a followed stream that broke off is taken up again; 60 000 by default. */
  readonly reconnectMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface FollowOptions extends CallOptions {
  /** First event wanted; 0, the default, replays from the beginning. */
  readonly from?: number;
}

/** One event of a run with its number in the run's stream. */
export interface NumberedRunEvent {
  readonly seq: number;
  readonly event: RunEvent;
}

/** `unchanged`: the cluster already has this desired state and nothing was started. */
export type Submission =
  | { readonly kind: 'accepted'; readonly operation: string }
  | { readonly kind: 'unchanged'; readonly revision: number };

export interface RunQuery extends CallOptions {
  readonly job?: string;
  readonly state?: RunState;
  readonly limit?: number;
}

export interface ResultQuery extends CallOptions {
  /** Column → value, compared for equality. */
  readonly where?: Readonly<Record<string, string>>;
  readonly limit?: number;
  readonly offset?: number;
  /** A kept version: the id of the run that wrote it. */
  readonly run?: string;
}

/** A row, or the array of rows where keys repeat (`unique: false`). */
export type KeyedRows = Record<string, unknown> | Record<string, unknown>[];

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
export interface ApiClient {
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
  runs(query?: RunQuery): Promise<Run[]>;
  run(id: string, options?: CallOptions): Promise<Run>;
  /** The whole log so far. */
  runLogs(id: string, options?: CallOptions): Promise<Readable>;
  /** Replay and then live; the last event is `end`. Taken up again where it broke off. */
  followRun(id: string, options?: FollowOptions): AsyncGenerator<NumberedRunEvent>;
  cancelRun(id: string, options?: CallOptions): Promise<Run>;
  clusterEvents(options?: CallOptions): Promise<ClusterEventList['events']>;
  results(options?: CallOptions): Promise<ResultList['results']>;
  result(name: string, query?: ResultQuery): Promise<ResultPage>;
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

const Health = z.object({ status: z.literal('ok'), version: z.string() });
export type Health = z.infer<typeof Health>;

const Desired = z.object({ revision: z.number().int(), desired: z.custom<DesiredState>((value) => value !== null) });
const Accepted = z.object({ operation: z.union([z.string(), z.object({ id: z.string() }).transform(({ id }) => id)]) });
const Unchanged = z.object({ revision: z.number().int(), unchanged: z.literal(true) });
const Rows = z.union([z.array(z.record(z.string(), z.unknown())), z.record(z.string(), z.unknown())]);

const defaultTimeoutMs = 30_000;
const defaultReconnectMs = 60_000;
/** Longest problem or JSON answer that is read into memory: a page of 10 000 result rows stays well below. */
const maxJsonBytes = 512 * 1024 * 1024;

interface Call extends CallOptions {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: Readable;
  /** 0: no limit until the answer begins. */
  readonly timeoutMs?: number;
}

/** Makes the client; no connection is opened before the first call. */
export function createApiClient(options: ClientOptions): ApiClient {
  const reconnectMs = options.reconnectMs ?? defaultReconnectMs;
  const open = (call: Call): Promise<IncomingMessage> => send(options, call);
  const get = <T>(schema: z.ZodType<T>, path: string, query: Call['query'] = {}, signal?: CallOptions): Promise<T> =>
    open({ method: 'GET', path, query, ...signalOf(signal) }).then((answer) => readJson(answer, schema));

  return {
    health: (call) => get(Health, '/healthz', {}, call),
    clusterStatus: (call) => get(ClusterStatus, '/api/v1/cluster', {}, call),
    desiredState: (call) => get(Desired, '/api/v1/cluster/desired', {}, call),
    submitDesiredState: async (desired, call = {}) => {
      const answer = await open({
        method: 'PUT',
        path: '/api/v1/cluster/desired',
        query: { now: call.now === true ? true : undefined },
        headers: call.ifMatch === undefined ? {} : { 'if-match': `"${call.ifMatch}"` },
        json: desired,
        ...signalOf(call),
      });
      if (answer.statusCode === 202) {
        return { kind: 'accepted', operation: (await readJson(answer, Accepted)).operation };
      }
      return { kind: 'unchanged', revision: (await readJson(answer, Unchanged)).revision };
    },
    operation: (id, call) => get(Operation, route`/api/v1/operations/${id}`, {}, call),
    followOperation: (id, call = {}) => followOperation(open, id, call, reconnectMs),
    cancelOperation: async (id, call) => {
      const answer = await open({ method: 'POST', path: route`/api/v1/operations/${id}/cancel`, ...signalOf(call) });
      answer.resume();
    },
    startRun: async (job, newRun, call = {}) => {
      const headers = call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey };
      const path = route`/api/v1/jobs/${job}/runs`;
      return readJson(await open({ method: 'POST', path, headers, json: newRun, ...signalOf(call) }), Run);
    },
    runs: async (query = {}) => {
      const { job, state, limit } = query;
      return (await get(RunList, '/api/v1/runs', { job, state, limit }, query)).runs;
    },
    run: (id, call) => get(Run, route`/api/v1/runs/${id}`, {}, call),
    runLogs: (id, call) => open({ method: 'GET', path: route`/api/v1/runs/${id}/logs`, ...signalOf(call) }),
    followRun: (id, call = {}) => followRun(open, id, call, reconnectMs),
    cancelRun: async (id, call) =>
      readJson(await open({ method: 'POST', path: route`/api/v1/runs/${id}/cancel`, ...signalOf(call) }), Run),
    clusterEvents: async (call) => (await get(ClusterEventList, '/api/v1/events', {}, call)).events,
    results: async (call) => (await get(ResultList, '/api/v1/results', {}, call)).results,
    result: (name, query = {}) => {
      const { where = {}, limit, offset, run } = query;
      return get(ResultPage, route`/api/v1/results/${name}`, { ...filters(where), limit, offset, run }, query);
    },
    resultByKey: async (name, key, call = {}) => {
      const path = route`/api/v1/results/${name}/${key}`;
      const answer = await open({ method: 'GET', path, query: { run: call.run }, ...signalOf(call) });
      const run = header(answer, 'x-sparkplug-run');
      return { run, version: header(answer, 'x-sparkplug-version'), value: await readJson(answer, Rows) };
    },
    listFiles: async (path, call) => (await get(FileList, filePath(path), { op: 'list' }, call)).entries,
    fileStatus: (path, call) => get(FileStatus, filePath(path), { op: 'status' }, call),
    fileUsage: (path, call) => get(FileUsage, filePath(path), { op: 'usage' }, call),
    readFile: (path, call = {}) => readFile(open, path, call),
    writeFile: async (path, content, call = {}) => {
      const answer = await open({
        method: 'PUT',
        path: filePath(path),
        query: { overwrite: call.overwrite === true ? true : undefined },
        headers: {
          'content-type': 'application/octet-stream',
          ...(call.bytes === undefined ? {} : { 'content-length': String(call.bytes) }),
        },
        body: content,
        timeoutMs: 0,
        ...signalOf(call),
      });
      return readJson(answer, FileStatus);
    },
    makeFolder: async (path, call) => {
      const answer = await open({ method: 'PUT', path: filePath(path), query: { op: 'mkdir' }, ...signalOf(call) });
      return readJson(answer, FileStatus);
    },
    removeFile: async (path, call = {}) => {
      const query = { recursive: call.recursive === true ? true : undefined };
      const answer = await open({ method: 'DELETE', path: filePath(path), query, ...signalOf(call) });
      answer.resume();
    },
  };
}

type Open = (call: Call) => Promise<IncomingMessage>;

async function* followRun(
  open: Open,
  id: string,
  options: FollowOptions,
  reconnectMs: number,
): AsyncGenerator<NumberedRunEvent> {
  const path = route`/api/v1/runs/${id}/events`;
  let next = options.from ?? 0;
  const connect = (): Promise<IncomingMessage> =>
    open({ method: 'GET', path, query: { from: next }, headers: sseHeaders, ...signalOf(options) });
  for await (const message of reconnecting(connect, reconnectMs, options.signal)) {
    const event = RunEvent.safeParse(parseJson(message.data));
    // An event kind of a newer conductor is passed over.
    if (!event.success) continue;
    const seq = Number(message.id);
    if (seq < next) continue;
    next = seq + 1;
    yield { seq, event: event.data };
    if (event.data.kind === 'end') return;
  }
}

async function* followOperation(
  open: Open,
  id: string,
  options: CallOptions,
  reconnectMs: number,
): AsyncGenerator<Operation> {
  const path = route`/api/v1/operations/${id}/events`;
  const connect = (): Promise<IncomingMessage> =>
    open({ method: 'GET', path, headers: sseHeaders, ...signalOf(options) });
  for await (const message of reconnecting(connect, reconnectMs, options.signal)) {
    if (message.event !== 'operation') continue;
    const operation = check(Operation, parseJson(message.data), path);
    yield operation;
    if (operation.state !== 'running') return;
  }
}

const sseHeaders = { accept: 'text/event-stream' };

/**
 * Events of one stream over as many connections as it takes: web and scheduler may restart while one watches.
 * The consumer stops at its final event, so an end of the stream before that is a broken connection.
 */
async function* reconnecting(
  connect: () => Promise<IncomingMessage>,
  reconnectMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerSentEvent> {
  let brokenSince: number | null = null;
  let cause: unknown;
  for (;;) {
    try {
      for await (const message of parseServerSentEvents(await connect())) {
        brokenSince = null;
        yield message;
      }
      cause = undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SparkPlugError && !passing.has(error.code)) throw error;
      cause = error;
    }
    brokenSince ??= performance.now();
    if (performance.now() - brokenSince >= reconnectMs) throw brokenOff(cause);
    await delay(reconnectPauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

const reconnectPauseMs = 500;
/** What goes away by itself when a conductor container is restarted. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['CLUSTER_UNREACHABLE', 'SCHEDULER_AWAY']);

function brokenOff(cause: unknown): unknown {
  if (cause instanceof SparkPlugError) return cause;
  return new SparkPlugError('CLUSTER_UNREACHABLE', 'the connection to the cluster broke off and did not come back', {
    hint: 'sparkplug status',
    cause,
  });
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

/** Sends one request and gives the answer's head; other than 2xx becomes an error. */
async function send(options: ClientOptions, call: Call): Promise<IncomingMessage> {
  call.signal?.throwIfAborted();
  const answer = await exchange(options, call).catch((error: unknown) => {
    call.signal?.throwIfAborted();
    throw error instanceof SparkPlugError || !isNetworkError(error) ? error : unreachable(options.baseUrl, error);
  });
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  const problem = await problemError(answer, call);
  // A refused upload is not sent to its end.
  if (call.body !== undefined) {
    call.body.destroy();
    answer.destroy();
  }
  throw problem;
}

function exchange(options: ClientOptions, call: Call): Promise<IncomingMessage> {
  const url = new URL(options.baseUrl);
  const body = call.json === undefined ? call.body : JSON.stringify(call.json);
  const requestOptions: RequestOptions = {
    method: call.method,
    // As it is: URL parsing would swallow a `..` that the server shall refuse by name.
    path: call.path + queryText(call.query ?? {}),
    headers: {
      authorization: `Bearer ${options.token}`,
      accept: 'application/json, application/problem+json, */*',
      ...(call.json === undefined ? {} : jsonHeaders(String(body))),
      ...call.headers,
    },
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  };
  const request = url.protocol === 'https:' ? httpsRequest(url, requestOptions) : httpRequest(url, requestOptions);
  request.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
  const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
  if (timeoutMs > 0) limitTime(request, timeoutMs, options.baseUrl);
  return new Promise((resolve, reject) => {
    const sending = sendBody(request, body);
    let answered = false;
    request.on('response', (answer) => {
      answered = true;
      resolve(answer);
    });
    request.on('error', reject);
    // The server may refuse before it has read the body: then the refusal counts, not the broken pipe.
    sending.catch((error: unknown) => {
      if (answered) return;
      request.destroy();
      reject(error);
    });
  });
}

async function sendBody(request: Writable, body: string | Readable | undefined): Promise<void> {
  if (body instanceof Readable) {
    await pipeline(body, request);
    return;
  }
  request.end(body);
}

function limitTime(request: ReturnType<typeof httpRequest>, timeoutMs: number, baseUrl: string): void {
  const timer = setTimeout(() => {
    request.destroy(unreachable(baseUrl, undefined, `did not answer within ${timeoutMs / 1000} s`));
  }, timeoutMs);
  request.once('response', () => clearTimeout(timer));
  request.once('close', () => clearTimeout(timer));
}

function unreachable(baseUrl: string, cause: unknown, what = 'does not answer'): SparkPlugError {
  const code = isNetworkError(cause) ? cause.code : undefined;
  return new SparkPlugError('CLUSTER_UNREACHABLE', `the cluster ${what} at ${baseUrl}`, {
    place: baseUrl,
    ...(code === undefined ? {} : { met: code }),
    hint: 'sparkplug up',
    cause,
  });
}

function isNetworkError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(E[A-Z]+|HPE_)/.test(error.code)
  );
}

async function problemError(answer: IncomingMessage, call: Call): Promise<SparkPlugError> {
  const text = await readText(answer, 1024 * 1024);
  const problem = ProblemDetails.safeParse(parseJson(text));
  const where = `${call.method} ${call.path}`;
  if (!problem.success) {
    return new SparkPlugError('API_FAILED', `${where} answered ${answer.statusCode}`, {
      place: where,
      met: text.slice(0, 200),
      hint: 'sparkplug logs web',
    });
  }
  const { code, detail, hint, problems = [] } = problem.data;
  const known = isErrorCode(code);
  return new SparkPlugError(known ? code : 'API_FAILED', known ? detail : `${code}: ${detail}`, {
    ...(hint === undefined ? {} : { hint }),
    problems: problems.map(({ place, met, message, hint: fix }) => ({
      place,
      message,
      ...(met === undefined ? {} : { met }),
      ...(fix === undefined ? {} : { hint: fix }),
    })),
  });
}

async function readJson<T>(answer: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(answer, maxJsonBytes);
  return check(schema, parseJson(text), answer.url ?? '');
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SparkPlugError('API_FAILED', 'the cluster answered in a shape this command line does not know', {
    place: where,
    met: z.prettifyError(parsed.error).slice(0, 500),
    hint: 'sparkplug up',
  });
}

async function readText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new SparkPlugError('API_FAILED', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function queryText(query: NonNullable<Call['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

/** Columns named like a parameter of the route are written `where.<column>`. */
function filters(where: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(where).map(([column, value]): [string, string] => {
    return [reservedParameters.has(column) || column.startsWith('where.') ? `where.${column}` : column, value];
  });
  return Object.fromEntries(entries);
}

const reservedParameters: ReadonlySet<string> = new Set(['limit', 'offset', 'run']);

/** A path with its values percent-encoded, one segment each. */
function route(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(values[index - 1] ?? '') + part);
}

function filePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  return `/api/v1/hdfs/${segments.map(encodeURIComponent).join('/')}`;
}

function header(answer: IncomingMessage, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}

function jsonHeaders(body: string): Record<string, string> {
  return { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
}

function signalOf(options: CallOptions | undefined): CallOptions {
  return options?.signal === undefined ? {} : { signal: options.signal };
}
