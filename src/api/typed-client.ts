// The client that openapi-fetch makes of the generated types, over our own exchange of requests.
import createClient, { type Client } from 'openapi-fetch';
import { z } from 'zod';
import { type Call, check, type Open, readText } from './exchange.ts';
import type { paths } from './openapi.d.ts';

export type TypedClient = Client<paths>;

/** Calls for JSON routes, with paths, parameters, bodies and answers checked by the compiler. */
export function createTypedClient(open: Open): TypedClient {
  return createClient<paths>({
    // openapi-fetch hands what this makes to `fetch` below and to nobody else.
    Request: PlainRequest as unknown as typeof Request,
    fetch: (request) => fetchPlain(open, request as unknown as PlainRequest),
    pathSerializer: fillPath,
    querySerializer: (query) => writeQuery(query as QueryValues),
  });
}

/** A request with the path as it is: the standard class would resolve a `..` that the server shall refuse by name. */
class PlainRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;

  constructor(path: string, init: { method: string; headers: Headers; body?: string; signal?: AbortSignal }) {
    this.path = path;
    this.method = init.method;
    this.headers = init.headers;
    this.body = init.body;
    this.signal = init.signal;
  }
}

async function fetchPlain(open: Open, { path, method, headers, body, signal }: PlainRequest): Promise<Response> {
  const answer = await open({
    method: method as Call['method'],
    path,
    headers: Object.fromEntries(headers),
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  const status = answer.statusCode ?? 0;
  const text = await readText(answer);
  const kept = Object.entries(answer.headers).filter(
    ([name]) => name === 'content-type' || name.startsWith('x-sparkplug-'),
  );
  const shown = kept.map(([name, value]): [string, string] => [name, String(value)]);
  return new Response(status === 204 ? null : text, { status, headers: shown });
}

interface Answered {
  readonly data?: unknown;
  readonly response: Response;
}

/** The answer's body as the schema gives it. API_FAILED for another shape. */
export async function readData<T>(schema: z.ZodType<T>, answering: Promise<Answered>): Promise<T> {
  const { data } = await settled(answering);
  return check(schema, data, '');
}

/** The answer with its head. API_FAILED where the body is no JSON. */
export async function settled(answering: Promise<Answered>): Promise<Answered> {
  return answering.catch((error: unknown) => {
    if (error instanceof SyntaxError) return check(z.never(), undefined, '');
    throw error;
  });
}

/** Each value is one part of the path, except for a path in HDFS, whose slashes stay. */
function fillPath(pathname: string, values: Record<string, unknown>): string {
  return pathname.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = String(values[name]);
    return name === 'path' ? encodeParts(value) : encodeURIComponent(value);
  });
}

export function encodeParts(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map(encodeURIComponent).join('/');
}

type QueryValues = Readonly<Record<string, unknown>>;

/** Lists are repeated, objects spread: `columns: { a: '1' }` becomes `a=1`. Undefined is left out. */
function writeQuery(query: QueryValues): string {
  const parameters = new URLSearchParams();
  const append = (name: string, value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) append(name, one);
    else if (typeof value === 'object' && value !== null)
      for (const [key, one] of Object.entries(value)) append(key, one);
    else if (value !== undefined) parameters.append(name, String(value));
  };
  for (const [name, value] of Object.entries(query)) append(name, value);
  return parameters.toString();
}
