// One application on several addresses: a server per address, all with the same router and the same limits.
import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';

export interface Listeners {
  /** As bound: `address:port`. */
  readonly addresses: readonly string[];
  /** Stops accepting, gives requests under way `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Requests at the same time; a connection beyond that is closed at once. */
const maxConnections = 2048;

/** Binds every address or none. */
export async function listenOn(app: FastifyInstance, addresses: readonly string[], port: number): Promise<Listeners> {
  await app.ready();
  const servers: Server[] = [];
  try {
    for (const address of new Set(addresses)) servers.push(await listenOnOne(app, address, port));
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return {
    addresses: servers.map(addressText),
    close: async (graceMs) => {
      const closing = servers.map((server) => closeServer(server, graceMs));
      await Promise.all(closing);
      await app.close();
    },
  };
}

async function listenOnOne(app: FastifyInstance, address: string, port: number): Promise<Server> {
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 15_000,
      // An upload of any size may take its time; its head may not.
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
      noDelay: true,
    },
    (request, response) => app.routing(request, response),
  );
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

function addressText(server: Server): string {
  const address = server.address();
  return address === null || typeof address === 'string' ? String(address) : `${address.address}:${address.port}`;
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
