// Registers a route of the table: its entry gives address and scope and validates, the handler gets typed values.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseRequest } from './parse-request.ts';
import type { RouteEntry } from './route-entry.ts';

type Parsed<T> = T extends z.ZodType ? z.output<T> : Record<string, never>;

/** What a request brings, as the entry's schemas give it. */
export interface RouteInput<E extends RouteEntry> {
  readonly params: Parsed<E['params']>;
  readonly query: Parsed<E['query']>;
  readonly headers: Parsed<E['headers']>;
  readonly body: E['body'] extends { readonly schema: infer S } ? Parsed<S> : undefined;
}

export type RouteHandler<E extends RouteEntry> = (
  input: RouteInput<E>,
  request: FastifyRequest,
  reply: FastifyReply,
) => unknown;

/** A query that the entry does not know is refused: a misspelt filter would otherwise answer everything. */
const noQuery = z.strictObject({});
const noParams = z.object({});

export function serveRoute<const E extends RouteEntry>(app: FastifyInstance, entry: E, handler: RouteHandler<E>): void {
  const { method, path, params = noParams, query = noQuery, headers = noParams, body } = entry;
  app.route({
    method,
    url: path,
    config: configOf(entry),
    handler: async (request, reply) => {
      const input = {
        params: parseRequest(params, withRest(request.params), 'path'),
        query: parseRequest(query, request.query, 'query'),
        headers: parseRequest(headers, request.headers, 'header'),
        body: body === undefined ? undefined : parseRequest(body.schema, bodyOf(request, body.optional), 'body'),
      };
      return handler(input as RouteInput<E>, request, reply);
    },
  });
}

/** What fastify keeps of a route for the checks that every request passes. */
export function configOf({ scope }: RouteEntry): { scope?: Exclude<RouteEntry['scope'], 'open'>; open?: boolean } {
  return scope === 'open' ? { open: true } : { scope };
}

function withRest(params: unknown): unknown {
  const { '*': rest, ...named } = params as Record<string, string>;
  return rest === undefined ? named : { ...named, path: rest };
}

function bodyOf(request: FastifyRequest, optional = false): unknown {
  return optional && request.body === undefined ? {} : request.body;
}
