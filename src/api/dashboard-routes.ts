// The dashboard's files: open to everyone that may come at all, since they hold no data. The pages ask the API for it.
import { sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Addresses that the dashboard's own router shows. */
const pages = [
  '/',
  '/login',
  '/cluster',
  '/runs',
  '/runs/*',
  '/schedules',
  '/results',
  '/results/*',
  '/files',
  '/files/*',
  '/events',
] as const;

/** Scripts and requests of this site only; nobody may put the pages into a frame. Components set styles of their own. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** @param folder where the built dashboard lies: index.html, favicon.svg and assets/ with hashed names */
export async function registerDashboardRoutes(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, {
      root: folder,
      serve: false,
      cacheControl: false,
      // The build lays a `.gz` beside each file that is worth it.
      preCompressed: true,
      // Here and not in the routes: a refusal must not be kept.
      setHeaders: (reply, path) => reply.header('cache-control', chooseCaching(path)),
    });
    const config = { open: true } as const;
    for (const url of pages) scope.get(url, { config }, (_request, reply) => sendPage(reply));
    scope.get('/favicon.svg', { config }, (_request, reply) => reply.sendFile('favicon.svg'));
    scope.get<{ Params: { name: string } }>('/assets/:name', { config }, ({ params: { name } }, reply) =>
      /^[\w.-]+$/.test(name) ? reply.sendFile(`assets/${name}`) : reply.callNotFound(),
    );
  });
}

/** Names of assets carry a hash of their content: what was fetched once never changes. */
function chooseCaching(path: string): string {
  return path.includes(`${sep}assets${sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

function sendPage(reply: FastifyReply): FastifyReply {
  return reply.header('content-security-policy', contentSecurityPolicy).sendFile('index.html');
}
