// For tests: the whole of `web` on 127.0.0.1, between a fake scheduler and a fake HDFS.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type FakeHdfs, startFakeHdfs } from '../adapters/hdfs/webhdfs.fixture.ts';
import type { ResultInfo } from '../api/schemas.ts';
import type { LogLine } from '../api/web-app.ts';
import type { Clock } from '../runs/clock.ts';
import { type Listeners, listenOn, type TlsFiles } from './listeners.ts';
import { createWebServer } from './web-server.ts';

export const tokens = { admin: 'token-of-admin', run: 'token-of-run', read: 'token-of-read' } as const;
export const controlSecret = 'secret-of-control';

export interface FakeScheduler {
  readonly url: string;
  /** Requests as they came, `/internal/results` apart. */
  readonly seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  current: ResultInfo[];
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

export interface TestWeb {
  readonly url: string;
  readonly internalUrl: string;
  readonly folder: string;
  /** For requests from an address of one's choice. */
  readonly app: FastifyInstance;
  readonly hdfs: FakeHdfs;
  readonly scheduler: FakeScheduler;
  readonly log: LogLine[];
  /** Its hands are turned by the test. */
  readonly clock: TestClock;
  fetch(path: string, options?: RequestInit & { readonly token?: string | null; duplex?: 'half' }): Promise<Response>;
  internal(method: string, path: string, body: unknown): Promise<Response>;
  /** Stops web and starts it anew on the same volume, after `meanwhile`. */
  restart(meanwhile?: () => Promise<void>): Promise<TestWeb>;
  close(): Promise<void>;
}

export async function startFakeScheduler(): Promise<FakeScheduler> {
  const server = createServer((request, response) => {
    if (request.url === '/internal/results') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ results: fake.current }));
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      fake.seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      fake.answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fake: FakeScheduler = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    current: [],
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"from":"scheduler"}');
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return fake;
}

/** Begins now and stands still. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

function createTestClock(): TestClock {
  let now = Date.now();
  return {
    now: () => now,
    wait: () => Promise.reject(new Error('nothing in web waits by the clock')),
    advance: (ms) => {
      now += ms;
    },
  };
}

/** `localPeers: null` is `listen: all`; `tls`: the published port speaks HTTPS. */
export async function startTestWeb(
  localPeers: ReadonlySet<string> | null = new Set(),
  tls: TlsFiles | null = null,
): Promise<TestWeb> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-web-'));
  const hdfs = await startFakeHdfs();
  const scheduler = await startFakeScheduler();
  return startOn(folder, hdfs, scheduler, { localPeers, tls, clock: createTestClock() });
}

interface TestSetting {
  readonly localPeers: ReadonlySet<string> | null;
  readonly tls: TlsFiles | null;
  readonly clock: TestClock;
}

async function startOn(
  folder: string,
  hdfs: FakeHdfs,
  scheduler: FakeScheduler,
  setting: TestSetting,
): Promise<TestWeb> {
  const { localPeers, tls, clock } = setting;
  const log: LogLine[] = [];
  const server = await createWebServer({
    version: '0.0.0-test',
    projectId: 'test-abc123',
    schedulerUrl: scheduler.url,
    controlSecret,
    tokens: (['admin', 'run', 'read'] as const).map((scope) => ({ name: scope, scope, sha256: hash(tokens[scope]) })),
    listen: localPeers === null ? 'all' : 'local',
    localPeers: localPeers ?? new Set(),
    tls: tls !== null,
    clock,
    nameNodeUrl: hdfs.url,
    replication: 'auto',
    sparkUis: { masterUrl: 'http://127.0.0.1:9', historyUrl: scheduler.url },
    dataSubnet: '127.0.0.0/8',
    dashboardFolder: folder,
    dataFolder: folder,
    databaseMemoryMiB: 96,
    limits: { perToken: 1_000_000, perAddress: 1_000_000 },
    log: (line) => log.push(line),
  });
  const published = await listenOn(server.published, ['127.0.0.1'], 0, tls);
  const internal = await listenOn(server.internal, ['127.0.0.1'], 0);
  const stop = async (): Promise<void> => {
    await Promise.all([published.close(100), internal.close(100)]);
    await server.close();
  };
  const url = urlOf(published);
  const internalUrl = urlOf(internal);
  return {
    url,
    internalUrl,
    folder,
    app: server.published,
    hdfs,
    scheduler,
    log,
    clock,
    fetch: (path, { token = tokens.admin, headers, ...options } = {}) =>
      fetch(url + path, { ...options, headers: { ...headers, ...(token === null ? {} : bearer(token)) } }),
    internal: (method, path, body) =>
      fetch(internalUrl + path, {
        method,
        headers: { ...bearer(controlSecret), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    restart: async (meanwhile = async () => {}) => {
      await stop();
      await meanwhile();
      return startOn(folder, hdfs, scheduler, setting);
    },
    close: async () => {
      await stop();
      scheduler.close();
      await hdfs.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function urlOf(listeners: Listeners): string {
  return `http://${listeners.addresses[0]}`;
}
