// The scheduler's routes, passed on unchanged: the caller's token goes out, the conductor's own secret goes in.
import replyFrom from '@fastify/reply-from';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import { scopeHeader } from './hide-addresses.ts';
import type { RouteEntry } from './route-entry.ts';
import { routeTable } from './route-table.ts';
import { configOf } from './serve-route.ts';

export interface SchedulerAddress {
  /** `http://scheduler:7070`. */
  readonly url: string;
  readonly secret: string;
}

/** Every published route that the scheduler answers. */
export const proxiedRoutes: readonly RouteEntry[] = routeTable.filter(({ answeredBy }) => answeredBy === 'scheduler');

/** Headers that reach the scheduler. Cookies, tokens and the like do not. */
const passedOn = ['accept', 'content-type', 'content-length', 'if-match', 'idempotency-key', 'last-event-id'];

export async function registerProxyRoutes(app: FastifyInstance, scheduler: SchedulerAddress): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(replyFrom, {
      base: scheduler.url,
      disableRequestLogging: true,
      // A refusal is the caller's to handle, and a run must never be started twice.
      retryMethods: [],
      destroyAgent: true,
      // Streams of events may be silent for as long as nothing happens.
      undici: { connections: 1024, pipelining: 1, connect: { timeout: 3_000 }, headersTimeout: 60_000, bodyTimeout: 0 },
    });
    // Bodies are read whole, up to the limit, and passed on as they are.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const entry of proxiedRoutes) {
      const { method, path: url } = entry;
      scope.route({ method, url, config: configOf(entry), handler: (_request, reply) => forward(reply, scheduler) });
    }
  });
}

function forward(reply: FastifyReply, scheduler: SchedulerAddress): FastifyReply {
  const { body, params } = reply.request;
  // URL parsing would resolve them, and the request would reach another route than the one it was let in for.
  if (Object.values(params ?? {}).some((value) => value === '.' || value === '..')) throw badParameter();
  return reply.from(undefined, {
    ...(Buffer.isBuffer(body)
      ? { body, contentType: reply.request.headers['content-type'] ?? 'application/json' }
      : {}),
    rewriteRequestHeaders: (request, headers) => {
      const kept = passedOn.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
      return {
        ...Object.fromEntries(kept),
        host: headers.host,
        authorization: `Bearer ${scheduler.secret}`,
        'x-request-id': request.id,
        ...(request.identity === null ? {} : { [scopeHeader]: request.identity.scope }),
      };
    },
    rewriteHeaders: ({ 'x-request-id': _id, connection: _connection, 'keep-alive': _keepAlive, ...headers }) => headers,
    onResponse: (_request, answer, response) => {
      answer.send(response.stream);
      // The head goes out now: the first event of a stream may be long in coming.
      if ('flushHeaders' in answer.raw) answer.raw.flushHeaders();
    },
    onError: (answer, { error }) => {
      answer.send(schedulerAway(error));
    },
  });
}

function badParameter(): SparkPlugError {
  return new SparkPlugError('REQUEST_INVALID', 'an id or a name in the path is `.` or `..`');
}

function schedulerAway(cause: unknown): SparkPlugError {
  return new SparkPlugError('SCHEDULER_AWAY', 'the scheduler does not answer', {
    hint: 'it is restarted by itself within seconds; sparkplug logs scheduler shows why, sparkplug up repairs it',
    cause,
  });
}
