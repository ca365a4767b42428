// One request to a cluster over HTTP and its answer's head: limits of time and size, problems as errors.
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { WebTrust } from '../config/project-state.ts';
import { isErrorCode, SparkPlugError } from '../errors.ts';
import { ProblemDetails } from './schemas.ts';
import type { Transport } from './transport.ts';

/** Where the cluster answers: `http://127.0.0.1:8080`, and the token of the user's config folder. */
export interface ClientOptions {
  readonly baseUrl: string;
  readonly token: string;
  /** What the other side must show before it is told the token; by default the scheme of `baseUrl` decides. */
  readonly trust?: readonly WebTrust[];
  /** Milliseconds a plain request may take until its answer begins; 30 000 by default. */
  readonly timeoutMs?: number;
  /** Milliseconds for which a followed stream that broke off is taken up again; 60 000 by default. */
  readonly reconnectMs?: number;
}

export interface Connection extends ClientOptions {
  readonly transport: Transport;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface Call extends CallOptions {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text, or a stream. */
  readonly body?: string | Readable;
  /** 0: no limit until the answer begins. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 30_000;
/** Longest problem or JSON answer that is read into memory: a page of 10 000 result rows stays well below. */
const maxJsonBytes = 512 * 1024 * 1024;

/** Sends one request; the answer's head is there, and is a success. */
export type Open = (call: Call) => Promise<IncomingMessage>;

/** Sends one request and gives the answer's head; other than 2xx becomes an error. */
export async function send(options: Connection, call: Call): Promise<IncomingMessage> {
  call.signal?.throwIfAborted();
  const answer = await exchange(options, call).catch((error: unknown) => {
    call.signal?.throwIfAborted();
    throw error instanceof SparkPlugError || !isNetworkError(error) ? error : unreachable(options.baseUrl, error);
  });
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return tellingBreaks(answer, options.baseUrl);
  const problem = await problemError(answer, call);
  // A refused upload is not sent to its end.
  if (call.body instanceof Readable) {
    call.body.destroy();
    answer.destroy();
  }
  throw problem;
}

async function exchange(options: Connection, call: Call): Promise<IncomingMessage> {
  const { body } = call;
  const requestOptions: RequestOptions = {
    method: call.method,
    // As it is: URL parsing would swallow a `..` that the server shall refuse by name.
    path: call.path + queryText(call.query ?? {}),
    headers: {
      authorization: `Bearer ${options.token}`,
      accept: 'application/json, application/problem+json, */*',
      ...(typeof body === 'string' ? jsonHeaders(body) : {}),
      ...call.headers,
    },
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  };
  const request = await options.transport(requestOptions);
  request.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
  const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
  if (timeoutMs > 0) limitTime(request, timeoutMs, options.baseUrl);
  return await new Promise((resolve, reject) => {
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

function limitTime(request: ClientRequest, timeoutMs: number, baseUrl: string): void {
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

/** A connection that breaks off in the middle of an answer is told as such, whoever reads it. */
function tellingBreaks(answer: IncomingMessage, baseUrl: string): IncomingMessage {
  const destroy = answer.destroy.bind(answer);
  answer.destroy = (error) => destroy(isNetworkError(error) ? brokenOff(baseUrl, error) : error);
  return answer;
}

function brokenOff(baseUrl: string, cause: NodeJS.ErrnoException): SparkPlugError {
  return new SparkPlugError('CLUSTER_UNREACHABLE', `the connection to the cluster at ${baseUrl} broke off`, {
    place: baseUrl,
    met: cause.code ?? cause.message,
    hint: 'run the command again; sparkplug status shows whether a component was replaced',
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
  return problemToError(text, `${call.method} ${call.path}`, `answered ${answer.statusCode}`);
}

/** The error that a problem's JSON text stands for. API_FAILED where it is none. */
export function problemToError(text: string, where: string, did = 'failed'): SparkPlugError {
  const problem = ProblemDetails.safeParse(parseJson(text));
  if (!problem.success) {
    return new SparkPlugError('API_FAILED', `${where} ${did}`, {
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

export function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SparkPlugError('API_FAILED', 'the cluster answered in a shape this command line does not know', {
    place: where,
    met: z.prettifyError(parsed.error).slice(0, 500),
    hint: 'sparkplug up',
  });
}

export async function readText(answer: IncomingMessage, maxBytes = maxJsonBytes): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new SparkPlugError('API_FAILED', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function queryText(query: NonNullable<Call['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function jsonHeaders(body: string): Record<string, string> {
  return { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
}

/** A path with its values percent-encoded, one segment each. */
export function route(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(values[index - 1] ?? '') + part);
}

export function signalOf(options: CallOptions | undefined): { signal?: AbortSignal } {
  return options?.signal === undefined ? {} : { signal: options.signal };
}
