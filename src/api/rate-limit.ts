// How often one caller may ask: by token, and by address. Login attempts have a stricter brake of their own.
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import { pathOf } from './web-app.ts';

export interface RequestLimits {
  /** Requests a minute with one token, or with the sessions that it began. */
  readonly perToken: number;
  /** Requests a minute from one address, whatever their tokens: with `listen: local` all callers may share one. */
  readonly perAddress: number;
}

/**
 * 100 a second: ten times what a service needs that looks a key up for each of its own visitors or a copy of many small
 * files makes, and a tenth of what web answers, so that one runaway loop leaves room for everybody else.
 */
export const requestLimits: RequestLimits = { perToken: 6_000, perAddress: 12_000 };

const windowMs = 60_000;

/** Before routes are registered. RATE_LIMITED with `Retry-After`; open routes and Spark's pages are not counted. */
export async function registerRateLimit(app: FastifyInstance, limits: RequestLimits): Promise<void> {
  await app.register(rateLimit, { global: false });
  const checks = [
    app.createRateLimit({
      max: limits.perToken,
      timeWindow: windowMs,
      keyGenerator: ({ identity }: FastifyRequest) => `token ${identity?.name ?? ''}`,
    }),
    app.createRateLimit({
      max: limits.perAddress,
      timeWindow: windowMs,
      keyGenerator: ({ socket }: FastifyRequest) => `address ${socket.remoteAddress ?? ''}`,
    }),
  ];
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    // One page of Spark's has dozens of scripts and pictures.
    if (request.routeOptions.config?.open === true || pathOf(request).startsWith('/spark/')) return;
    for (const check of checks) {
      const found = await check(request);
      if (found.isAllowed || !found.isExceeded) continue;
      reply.header('retry-after', String(found.ttlInSeconds));
      throw new SparkPlugError('RATE_LIMITED', 'too many requests in the last minute', {
        met: `${found.max} a minute`,
        hint: `wait ${found.ttlInSeconds} s; follow the stream of events instead of asking again and again`,
      });
    }
  });
}
