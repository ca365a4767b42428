// Published results over REST: the list, pages of rows, look-ups by key; each answer names its run and version.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import type { ServedResults, Version } from '../operations/serve-results.ts';

const defaultLimit = 100;
const maxLimit = 10_000;
const reserved: ReadonlySet<string> = new Set(['limit', 'offset', 'run']);
/** Filters of columns that are named like a parameter: `where.limit=5`. */
const filterPrefix = 'where.';

interface Params {
  readonly name: string;
  readonly key: string;
}

export function registerResultRoutes(app: FastifyInstance, results: ServedResults): void {
  const config = { scope: 'read' } as const;
  app.get('/api/v1/results', { config }, async () => ({ results: await results.list() }));
  app.get<{ Params: Params }>('/api/v1/results/:name', { config }, async (request, reply) => {
    const query = readQuery(request);
    const { name } = request.params;
    const version = await results.version(name, query.run);
    if (isKnown(request, reply, version)) return reply.code(304).send();
    return sendJson(reply, await results.page(name, version, query));
  });
  app.get<{ Params: Params }>('/api/v1/results/:name/:key', { config }, async (request, reply) => {
    const { run, where } = readQuery(request);
    if (where.length > 0) throw invalid(where[0]?.[0] ?? '', 'a look-up by key takes no filter');
    const { name, key } = request.params;
    const version = await results.version(name, run);
    // Without the row there is no 304: a key that is missing stays an error.
    const rows = await results.byKey(name, version, key);
    if (isKnown(request, reply, version)) return reply.code(304).send();
    return sendJson(reply, rows);
  });
}

interface ResultQuery {
  readonly run: string | null;
  readonly limit: number;
  readonly offset: number;
  readonly where: (readonly [string, string])[];
}

function readQuery(request: FastifyRequest): ResultQuery {
  const parameters = Object.entries(request.query as Record<string, string | string[]>).map(([name, value]) => {
    if (typeof value !== 'string') throw invalid(name, 'is given more than once');
    return [name, value] as const;
  });
  const values = new Map(parameters);
  const where = parameters
    .filter(([name]) => !reserved.has(name))
    .map(([name, value]) => [name.startsWith(filterPrefix) ? name.slice(filterPrefix.length) : name, value] as const);
  return {
    run: values.get('run') ?? null,
    limit: readNumber('limit', values.get('limit'), defaultLimit, 1, maxLimit),
    offset: readNumber('offset', values.get('offset'), 0, 0, Number.MAX_SAFE_INTEGER),
    where,
  };
}

function readNumber(name: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(name, `is a whole number from ${min} to ${max}, not ${JSON.stringify(text.slice(0, 50))}`);
}

/** Sets the version's headers; true when the caller has this very version already. */
function isKnown(request: FastifyRequest, reply: FastifyReply, { run, version }: Version): boolean {
  const tag = `"${run}-${version}"`;
  reply.header('etag', tag).header('x-sparkplug-run', run).header('x-sparkplug-version', String(version));
  reply.header('cache-control', 'private, no-cache');
  const known = (request.headers['if-none-match'] ?? '').split(',').map((text) => text.trim().replace(/^W\//, ''));
  return known.includes(tag) || known.includes('*');
}

function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value));
}

function invalid(name: string, what: string): SparkPlugError {
  return new SparkPlugError('RESULT_QUERY_INVALID', `${name} ${what}`, { place: name });
}
