// Files of HDFS over REST: contents stream both ways and are never held in memory.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import type { HdfsFiles, OpenedFile, RangeWish } from '../operations/hdfs-files.ts';
import { dataRoutes } from './routes/data-routes.ts';
import type { FileStatus } from './schemas.ts';
import { type RouteInput, serveRoute } from './serve-route.ts';
import { pathOf } from './web-app.ts';

const prefix = '/api/v1/hdfs';

export async function registerFileRoutes(app: FastifyInstance, files: HdfsFiles): Promise<void> {
  await app.register(async (scope) => {
    // Bodies stay streams, whatever their type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    serveRoute(scope, dataRoutes.rootFolder, ({ query }, request, reply) =>
      answerGet(files, request, reply, query.op ?? 'list'),
    );
    serveRoute(scope, dataRoutes.readFile, async ({ query }, request, reply) =>
      answerGet(files, request, reply, query.op ?? (await defaultOp(files, hdfsPath(request)))),
    );
    serveRoute(scope, dataRoutes.writeFile, ({ query }, request, reply) => answerPut(files, request, reply, query));
    serveRoute(scope, dataRoutes.removeFile, async ({ query }, request, reply) => {
      await files.remove(hdfsPath(request), query);
      return reply.code(204).send();
    });
  });
}

async function answerGet(
  files: HdfsFiles,
  request: FastifyRequest,
  reply: FastifyReply,
  op: 'list' | 'status' | 'usage' | 'content',
): Promise<unknown> {
  const path = hdfsPath(request);
  switch (op) {
    case 'list': {
      const { path: folder, entries } = await files.list(path, { signal: untilClosed(reply) });
      return reply.type('application/json; charset=utf-8').send(Readable.from(listAsJson(folder, entries)));
    }
    case 'status':
      return files.status(path);
    case 'usage':
      return files.usage(path);
    case 'content': {
      const opened = await files.open(path, parseRange(request.headers.range), { signal: untilClosed(reply) });
      return sendContent(opened, reply);
    }
  }
}

async function defaultOp(files: HdfsFiles, path: string): Promise<'list' | 'content'> {
  return (await files.status(path)).kind === 'folder' ? 'list' : 'content';
}

async function answerPut(
  files: HdfsFiles,
  request: FastifyRequest,
  reply: FastifyReply,
  { op, overwrite }: RouteInput<typeof dataRoutes.writeFile>['query'],
): Promise<unknown> {
  const path = hdfsPath(request);
  reply.code(201);
  if (op === 'mkdir') return files.makeFolder(path);
  const length = request.headers['content-length'];
  const bytes = length === undefined ? null : Number(length);
  return files.store(path, request.raw, { overwrite, bytes, signal: untilClosed(reply) });
}

/** A `FileList` in pieces: a folder of a million files must not stand in memory. */
async function* listAsJson(path: string, entries: AsyncIterable<FileStatus>): AsyncGenerator<string> {
  let piece = `{"path":${JSON.stringify(path)},"entries":[`;
  let separator = '';
  for await (const entry of entries) {
    piece += separator + JSON.stringify(entry);
    separator = ',';
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]}`;
}

const pieceLength = 64 * 1024;

function sendContent({ stream, range, bytes, modifiedMs }: OpenedFile, reply: FastifyReply): FastifyReply {
  reply
    .header('content-length', bytes)
    .header('accept-ranges', 'bytes')
    .header('last-modified', new Date(modifiedMs).toUTCString())
    .type('application/octet-stream');
  if (range !== null) reply.code(206).header('content-range', `bytes ${range.first}-${range.last}/${range.total}`);
  return reply.send(stream);
}

/** Aborts when the caller is gone before the answer is complete. */
function untilClosed(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** From the address as it was sent: `%2F` is no separator, and `..` is refused instead of resolved. */
function hdfsPath(request: FastifyRequest): string {
  const parts = pathOf(request).slice(prefix.length).split('/').map(decodePart);
  return parts.join('/') || '/';
}

function decodePart(part: string): string {
  try {
    const text = decodeURIComponent(part);
    if (!text.includes('/')) return text;
  } catch {
    // Falls to the refusal below.
  }
  throw new SparkPlugError('HDFS_PATH_INVALID', 'the path is not encoded right', {
    place: 'path',
    met: part.slice(0, 200),
    hint: 'percent-encode each part of the path by itself, as UTF-8',
  });
}

/** One range; what is malformed or has several parts is passed over, as RFC 9110 permits. */
function parseRange(header: string | undefined): RangeWish | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first !== '') return { first: Number(first), last: last === '' ? null : Number(last) };
  return last === '' ? null : { suffix: Number(last) };
}
