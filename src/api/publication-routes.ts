// What the scheduler asks of web, on the control network only.
import type { FastifyInstance } from 'fastify';
import { parseRequest } from './parse-request.ts';
import { type Publication, PublicationRequest, VersionRemoval } from './schemas.ts';

/** Publishing and removing versions; both can be repeated without harm. */
export interface Publications {
  publish(request: PublicationRequest): Promise<Publication>;
  remove(runs: readonly string[]): Promise<void>;
}

export function registerPublicationRoutes(app: FastifyInstance, publications: Publications): void {
  const config = { scope: 'admin' } as const;
  app.post('/internal/publications', { config }, (request) =>
    publications.publish(parseRequest(PublicationRequest, request.body, 'body')),
  );
  app.delete('/internal/versions', { config }, async (request, reply) => {
    await publications.remove(parseRequest(VersionRemoval, request.body, 'body').runs);
    return reply.code(204).send();
  });
}
