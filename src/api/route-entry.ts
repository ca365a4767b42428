// One route as data: what validates a request of it, what its answers look like, and who may ask.
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Scope } from './schemas.ts';

/** What one status of a route carries. */
export interface Answer {
  readonly description: string;
  /** By media type; none: the answer has no body. `null`: bytes or text without a schema. */
  readonly content?: Readonly<Record<string, z.ZodType | null>>;
  /** Header name → what it says. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteEntry {
  /** `operationId` of the OpenAPI document. */
  readonly id: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** As fastify writes it: `/api/v1/runs/:id`; `*` at the end takes the rest. */
  readonly path: string;
  readonly tag: string;
  /** `open`: nobody is asked for a token. */
  readonly scope: Scope | 'open';
  /** `each`: both processes answer it for themselves. */
  readonly answeredBy: 'web' | 'scheduler' | 'each';
  readonly summary: string;
  readonly description?: string;
  /** Only of names that stand in `path`; a `*` is called `path`. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Request headers that matter here, in lower case. */
  readonly headers?: z.ZodObject;
  /** A JSON body. `optional`: the route can be called without one. */
  readonly body?: { readonly schema: z.ZodType; readonly optional?: boolean };
  /** A body that is streamed, by its media type. */
  readonly streamedBody?: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Refusals besides those that every route has: codes of the catalogue, or a bare status. */
  readonly problems?: readonly (ErrorCode | number)[];
}

/** Keeps the schemas' types, so that `serve` can hand parsed values to the handler. */
export function defineRoutes<const T extends Readonly<Record<string, RouteEntry>>>(routes: T): T {
  return routes;
}

/** How a parameter looks on the wire, where its schema also transforms the text. */
export const wireSchemas = z.registry<{ readonly schema: Readonly<Record<string, unknown>> }>();

/** More than there ever are of anything that is counted here; a limit that a description can say. */
export const largestCount = 999_999_999_999_999;

/** A whole number from `min` to `max`, written in decimal digits. */
export function wholeNumber(min: number, max: number, description: string): z.ZodType<number, string> {
  const message = `is a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .register(wireSchemas, { schema: { type: 'integer', minimum: min, maximum: max, description } });
}

/** `true` or `false`, false by default. */
export function flag(description: string) {
  return z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .register(wireSchemas, { schema: { type: 'boolean', default: false, description } });
}

/** A text in an address or a header. */
export function text(description: string, pattern?: RegExp): z.ZodType<string, string> {
  const schema = pattern === undefined ? z.string() : z.string().regex(pattern);
  return schema.register(wireSchemas, {
    schema: { type: 'string', ...(pattern === undefined ? {} : { pattern: pattern.source }), description },
  });
}

/** One JSON answer. */
export function json(schema: z.ZodType, description: string, headers?: Answer['headers']): Answer {
  return { description, content: { 'application/json': schema }, ...(headers === undefined ? {} : { headers }) };
}

/** Server-sent events. */
export function events(description: string): Answer {
  return { description, content: { 'text/event-stream': null } };
}

export function plainText(description: string): Answer {
  return { description, content: { 'text/plain': null } };
}

export function empty(description: string): Answer {
  return { description };
}
