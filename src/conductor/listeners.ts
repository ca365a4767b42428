// One application on several addresses: a server per address, all with the same router and the same limits.
import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';

export interface Listeners {
  /** As bound: `address:port`. */
  readonly addresses: readonly string[];
  /**
   * Stops accepting, gives requests under way `graceMs`, then cuts what is left. Streams of events never end by
   * themselves and are taken up elsewhere by who follows them: they are cut at once.
   */
  close(graceMs: number): Promise<void>;
}

/** PEM texts: the certificate with those of the authorities between, and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Given: only callers with a certificate that one of these authorities vouches for are heard. */
  readonly ca?: string;
}

/** Requests at the same time; a connection beyond that is closed at once. */
const maxConnections = 2048;
/** A connection that says nothing at all is closed after this. */
const firstByteMs = 15_000;
/** A connection on which nothing moves, either way, is closed: events send a heartbeat, a stuck reader holds a place. */
const defaultIdleMs = 10 * 60_000;
/** First byte of every TLS connection: a record of the type handshake. */
const tlsHandshake = 22;

/** Binds every address or none; HTTPS where `tls` is given. */
export async function listenOn(
  app: FastifyInstance,
  addresses: readonly string[],
  port: number,
  tls: TlsFiles | null = null,
  idleMs: number = defaultIdleMs,
): Promise<Listeners> {
  await app.ready();
  const servers: BoundServer[] = [];
  try {
    for (const address of new Set(addresses)) servers.push(await listenOnOne(app, address, port, { tls, idleMs }));
  } catch (error) {
    for (const { server } of servers) server.close();
    throw error;
  }
  return {
    addresses: servers.map(({ server }) => addressText(server)),
    close: async (graceMs) => {
      const closing = servers.map((server) => closeServer(server, graceMs));
      await Promise.all(closing);
      await app.close();
    },
  };
}

interface BoundServer {
  readonly server: Server;
  /** Every open connection, also those that have not said a byte yet: Node's own list lacks these under TLS. */
  readonly sockets: ReadonlySet<Socket>;
  /** Answers under way. */
  readonly answers: ReadonlySet<ServerResponse>;
}

async function listenOnOne(
  app: FastifyInstance,
  address: string,
  port: number,
  { tls, idleMs }: { readonly tls: TlsFiles | null; readonly idleMs: number },
): Promise<BoundServer> {
  const options: ServerOptions = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: 15_000,
    // An upload of any size may take its time; its head may not.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    noDelay: true,
  };
  const answers = new Set<ServerResponse>();
  const answer: RequestListener = (request, response) => {
    answers.add(response);
    response.once('close', () => answers.delete(response));
    app.routing(request, response);
  };
  const server =
    tls === null
      ? createServer(options, answer)
      : answerPlainHttp(
          createTlsServer(
            { ...options, ...tls, ...demandCertificate(tls), minVersion: 'TLSv1.2', handshakeTimeout: 15_000 },
            answer,
          ),
        );
  server.maxConnections = maxConnections;
  server.setTimeout(idleMs);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { server, sockets, answers };
}

/** Refused in the handshake, before a request is read. */
function demandCertificate({ ca }: TlsFiles): TlsOptions {
  return ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
}

/**
 * Plain HTTP on the port of HTTPS is told so, which also answers the container's health probe: that one only asks
 * whether the event loop turns.
 */
function answerPlainHttp(server: Server): Server {
  const startTls = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    socket.setTimeout(firstByteMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      if (first[0] !== tlsHandshake) {
        socket.end(plainHint);
        return;
      }
      socket.pause();
      socket.unshift(first);
      for (const start of startTls) start.call(server, socket);
    });
  });
  return server;
}

const hintText = 'This port speaks HTTPS: write https:// instead of http://.\n';
const plainHint =
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${hintText.length}\r\n` +
  `Connection: close\r\n\r\n${hintText}`;

function addressText(server: Server): string {
  const address = server.address();
  return address === null || typeof address === 'string' ? String(address) : `${address.address}:${address.port}`;
}

async function closeServer({ server, sockets, answers }: BoundServer, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  for (const answer of answers) if (isEventStream(answer)) answer.destroy();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(timer);
}

function isEventStream(answer: ServerResponse): boolean {
  return String(answer.getHeader('content-type')).startsWith('text/event-stream');
}
