// The fastify application of `web`: what every request passes before its route, and how every answer looks.
import { randomBytes } from 'node:crypto';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import type { Caller } from '../operations/access-desk.ts';
import { problemType, toProblem } from './problem.ts';
import type { Scope } from './schemas.ts';
import { securityHeaders } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope that a caller needs. */
    scope?: Scope;
    /** True: no token is asked for. */
    open?: boolean;
  }
  interface FastifyRequest {
    /** Name of the token, for the log. */
    caller: string | null;
    /** Whoever asks a route that is not open. */
    identity: Caller | null;
    /** Whether the caller would still be let in; null where nobody is asked. */
    mayGoOn: (() => boolean) | null;
  }
  interface FastifyInstance {
    /** What was registered so far. */
    readonly registeredRoutes: readonly { readonly method: string; readonly path: string }[];
  }
}

/** One line of the log: what was asked and how it ended; no query, no header, no body. */
export interface LogLine {
  readonly time: string;
  readonly level: 'info' | 'error';
  readonly [name: string]: string | number | null;
}

export type WriteLog = (line: LogLine) => void;

export interface AppOptions {
  /** Throws a SparkPlugError where the request is refused; runs before its body is read. */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => void;
  readonly log: WriteLog;
  /** Largest body in bytes of routes that do not stream. */
  readonly bodyLimit?: number;
}

const defaultBodyLimit = 4 * 1024 * 1024;
/** A refused sender may still be sending: it has this long to notice before its connection is cut. */
const lingerMs = 5_000;

/** An application without routes. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: options.bodyLimit ?? defaultBodyLimit,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    genReqId: () => randomBytes(6).toString('hex'),
    requestIdHeader: false,
    trustProxy: false,
    routerOptions: { maxParamLength: 4096, ignoreTrailingSlash: false, caseSensitive: true },
    // Errors of the router itself, such as a broken percent-encoding: they pass no hook.
    frameworkErrors: (error, request, reply) =>
      refuse(options, request, reply, admitted(options, request, reply) ?? error),
  });
  const routes: { readonly pattern: RegExp; readonly method: string; readonly path: string }[] = [];
  app.decorate('registeredRoutes', routes);
  app.decorateRequest('caller', null);
  app.decorateRequest('identity', null);
  app.decorateRequest('mayGoOn', null);
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat())
      routes.push({ pattern: routePattern(route.url), method, path: route.url });
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id).headers(securityHeaders);
    options.admit(request, reply);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (request.routeOptions.config.open !== true || reply.statusCode >= 400) logRequest(options.log, request, reply);
    done();
  });
  const refuseUnknown = (request: FastifyRequest, reply: FastifyReply): void => {
    const path = pathOf(request);
    const methods = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    if (methods.length > 0) reply.header('allow', [...new Set(methods)].join(', '));
    refuse(options, request, reply, methods.length > 0 ? methodNotAllowed(request, methods) : routeMissing(request));
  };
  app.setErrorHandler((error, request, reply) => {
    // Whether the body of an unknown route is right is not the question.
    if (request.is404 && isFastifyError(error)) refuseUnknown(request, reply);
    else refuse(options, request, reply, error);
  });
  app.setNotFoundHandler(refuseUnknown);
  return app;
}

/** The path as it was sent, without the query. */
export function pathOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '/';
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

function admitted(options: AppOptions, request: FastifyRequest, reply: FastifyReply): unknown {
  try {
    options.admit(request, reply);
    return null;
  } catch (error) {
    return error;
  }
}

function refuse(options: AppOptions, request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  // Whoever has left reads no answer, and what broke off with the connection is no bug.
  const known = request.raw.socket.destroyed ? callerLeft(error) : fromFramework(error);
  const problem = toProblem(known, request.id);
  if (problem.code === 'INTERNAL') {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    options.log({ time: new Date().toISOString(), level: 'error', id: request.id, path: pathOf(request), error: text });
  }
  if (problem.code === 'AUTH_REQUIRED') reply.header('www-authenticate', 'Bearer');
  linger(request, reply);
  reply.headers(securityHeaders);
  // Headers set for a success, such as a length, are not those of the problem.
  for (const name of ['content-length', 'content-range', 'etag', 'accept-ranges']) reply.removeHeader(name);
  reply.code(problem.status).type(problemType).send(JSON.stringify(problem));
}

function callerLeft(cause: unknown): SparkPlugError {
  return new SparkPlugError('REQUEST_INVALID', 'the caller closed the connection', { cause });
}

/** Fastify's own refusals, by its codes; other errors as they are. */
function fromFramework(error: unknown): unknown {
  if (!isFastifyError(error)) return error;
  if (error.statusCode === 413) return new SparkPlugError('REQUEST_TOO_LARGE', 'the body is too large for this route');
  if (error.statusCode === undefined || error.statusCode < 400 || error.statusCode >= 500) return error;
  return new SparkPlugError('REQUEST_INVALID', `the request is malformed: ${error.message}`, { met: error.code });
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_');
}

function linger(request: FastifyRequest, reply: FastifyReply): void {
  if (request.raw.complete) return;
  reply.raw.once('finish', () => {
    const timer = setTimeout(() => request.raw.destroy(), lingerMs).unref();
    request.raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}

function logRequest(log: WriteLog, request: FastifyRequest, reply: FastifyReply): void {
  log({
    time: new Date().toISOString(),
    level: 'info',
    id: request.id,
    method: request.method,
    path: pathOf(request),
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime),
    peer: request.socket.remoteAddress ?? null,
    caller: request.caller,
  });
}

function routePattern(url: string): RegExp {
  const text = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*$/, '.*')
    .replace(/:[A-Za-z]+/g, '[^/]+');
  return new RegExp(`^${text}$`);
}

function routeMissing(request: FastifyRequest): SparkPlugError {
  return new SparkPlugError('ROUTE_MISSING', `there is no route ${pathOf(request).slice(0, 200)}`, {
    hint: 'every route begins with /api/v1/',
  });
}

function methodNotAllowed(request: FastifyRequest, methods: readonly string[]): SparkPlugError {
  const message = `${pathOf(request).slice(0, 200)} has no ${request.method}, only ${methods.join(', ')}`;
  return new SparkPlugError('METHOD_NOT_ALLOWED', message);
}
