// Published results over REST: the list, rows as pages or streams, look-ups by key; each answer names its run and version.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import type { RowFormat, ServedResults, Version } from '../operations/serve-results.ts';
import { dataRoutes, defaultPageRows, maxPageRows, ResultQuery } from './routes/data-routes.ts';
import { type RouteInput, serveRoute } from './serve-route.ts';

const parameters: ReadonlySet<string> = new Set(Object.keys(ResultQuery.shape));
/** Filters of columns that are named like a parameter: `where.limit=5`. */
const filterPrefix = 'where.';

type Query = RouteInput<typeof dataRoutes.result>['query'];
type Format = 'json' | RowFormat;

const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  arrow: 'application/vnd.apache.arrow.stream',
};
const contentTypes: Readonly<Record<RowFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  arrow: mediaTypes.arrow,
};

export function registerResultRoutes(app: FastifyInstance, results: ServedResults): void {
  serveRoute(app, dataRoutes.results, async () => ({ results: await results.list() }));
  serveRoute(app, dataRoutes.result, async ({ params: { name }, query, headers }, request, reply) => {
    const format = query.format ?? negotiate(request.headers.accept);
    const rows = { ...readRows(query), where: readColumns(query), limit: readLimit(query, format) };
    const version = await results.version(name, query.run ?? null);
    reply.header('vary', 'accept');
    if (isKnown(headers['if-none-match'], reply, version, format)) return reply.code(304).send();
    if (format === 'json')
      return sendJson(reply, await results.page(name, version, { ...rows, limit: rows.limit ?? 0 }));
    const pieces = await results.rows(name, version, rows, format);
    const file = encodeURIComponent(`${name}.${format}`);
    return reply
      .header('content-disposition', `attachment; filename*=UTF-8''${file}`)
      .type(contentTypes[format])
      .send(Readable.from(pieces, { objectMode: false }));
  });
  serveRoute(app, dataRoutes.resultByKey, async ({ params: { name, key }, query, headers }, _request, reply) => {
    const version = await results.version(name, query.run ?? null);
    // Without the row there is no 304: a key that is missing stays an error.
    const rows = await results.byKey(name, version, key);
    if (isKnown(headers['if-none-match'], reply, version, 'json')) return reply.code(304).send();
    return sendJson(reply, rows);
  });
}

function readRows(query: Query) {
  const sort = query.sort === undefined ? [] : query.sort.split(',');
  return { conditions: query.where ?? [], sort, offset: query.offset ?? 0 };
}

/** What is no parameter is a column. */
function readColumns(query: Query): (readonly [string, string])[] {
  return Object.entries(query)
    .filter(([name]) => !parameters.has(name))
    .map(([name, value]) => {
      if (typeof value !== 'string') throw invalid(name, 'is given more than once');
      return [name.startsWith(filterPrefix) ? name.slice(filterPrefix.length) : name, value] as const;
    });
}

function readLimit({ limit }: Query, format: Format): number | null {
  if (format !== 'json') return limit ?? null;
  if (limit !== undefined && limit > maxPageRows) {
    throw invalid('limit', `is at most ${maxPageRows} for JSON; format=csv and format=arrow stream any number of rows`);
  }
  return limit ?? defaultPageRows;
}

/** The known type that an `Accept` header likes best; JSON where it names none of them. */
function negotiate(accept = ''): Format {
  const wishes = accept.split(',').map((part) => {
    const [type = '', ...details] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = Number(details.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    return { type, quality: Number.isFinite(quality) ? quality : 0 };
  });
  const best = (Object.keys(mediaTypes) as Format[])
    .map((format) => ({ format, quality: wishes.find(({ type }) => type === mediaTypes[format])?.quality ?? 0 }))
    .reduce((first, second) => (second.quality > first.quality ? second : first));
  return best.quality > 0 ? best.format : 'json';
}

/** Sets the version's headers; true when the caller has this very version in this format already. */
function isKnown(ifNoneMatch = '', reply: FastifyReply, { run, version }: Version, format: Format): boolean {
  const tag = `"${run}-${version}${format === 'json' ? '' : `.${format}`}"`;
  reply.header('etag', tag).header('x-sparkplug-run', run).header('x-sparkplug-version', String(version));
  reply.header('cache-control', 'private, no-cache');
  const known = ifNoneMatch.split(',').map((text) => text.trim().replace(/^W\//, ''));
  return known.includes(tag) || known.includes('*');
}

function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value));
}

function invalid(name: string, what: string): SparkPlugError {
  return new SparkPlugError('RESULT_QUERY_INVALID', `${name} ${what}`, { place: name });
}
