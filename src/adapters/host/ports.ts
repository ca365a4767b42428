// TCP ports, of this computer above all.
import { createConnection, createServer } from 'node:net';

const connectTimeoutMs = 500;

/**
 * True where something uses the port on any address. Both ways are tried: a listener on one address only may leave room
 * for ours beside it, and Docker without its proxy forwards a port on which nothing listens.
 */
export async function isPortTaken(port: number): Promise<boolean> {
  const [bindable4, bindable6, answered] = await Promise.all([
    canListen(port, '0.0.0.0'),
    canListen(port, '::'),
    answersAt('127.0.0.1', port),
  ]);
  return answered || !bindable4 || !bindable6;
}

/** False only where the port is in use: a missing IPv6 or a reserved port says nothing about that. */
function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(!('code' in error && error.code === 'EADDRINUSE')));
    server.listen({ port, host, ipv6Only: host === '::', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** True where something takes connections. */
export function answersAt(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host, timeout: connectTimeoutMs });
    const finish = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });
}
