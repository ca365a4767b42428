// `web` put together: the published API, the internal one for the scheduler, and what stands behind them.
import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { openParquetDatabase } from '../adapters/duckdb/parquet-database.ts';
import { createWebHdfs } from '../adapters/hdfs/webhdfs.ts';
import { authenticate, checkPeer, checkSharedSecret, requireScope, type TokenEntry } from '../api/access.ts';
import { registerFileRoutes } from '../api/file-routes.ts';
import { registerProxyRoutes } from '../api/proxy-routes.ts';
import { type Publications, registerPublicationRoutes } from '../api/publication-routes.ts';
import { registerResultRoutes } from '../api/result-routes.ts';
import { createApp, type WriteLog } from '../api/web-app.ts';
import { createCurrentResults } from '../operations/current-results.ts';
import { createHdfsFiles, type HdfsFiles } from '../operations/hdfs-files.ts';
import { createServedResults, type ServedResults } from '../operations/serve-results.ts';
import { createPublisher } from '../runs/results/publish-version.ts';
import { openVersionStore } from '../runs/results/version-store.ts';
import { fetchCurrentResults } from './fetch-current-results.ts';

export interface WebSettings {
  readonly version: string;
  /** `http://scheduler:7070`. */
  readonly schedulerUrl: string;
  /** Secret that web and scheduler share. */
  readonly controlSecret: string;
  readonly tokens: readonly TokenEntry[];
  /** Addresses that may ask besides loopback; null: everybody (`listen: all`). */
  readonly localPeers: ReadonlySet<string> | null;
  /** `http://namenode:9870`. */
  readonly nameNodeUrl: string;
  readonly dataSubnet: string;
  /** Of uploaded files. */
  readonly replication: 'auto' | number;
  /** The volume: results, and what queries spill. */
  readonly dataFolder: string;
  readonly databaseMemoryMiB: number;
  readonly log: WriteLog;
}

export interface WebServer {
  readonly published: FastifyInstance;
  readonly internal: FastifyInstance;
  /** After both applications are closed. */
  close(): Promise<void>;
}

/** Opens the volume and builds both applications; they listen nowhere yet. */
export async function createWebServer(settings: WebSettings): Promise<WebServer> {
  const folder = join(settings.dataFolder, 'results');
  const store = await openVersionStore(folder);
  const database = await openParquetDatabase({
    folder,
    temporaryFolder: join(settings.dataFolder, 'duckdb'),
    memoryMiB: settings.databaseMemoryMiB,
  });
  const hdfs = createWebHdfs({
    nameNode: settings.nameNodeUrl,
    dataSubnet: settings.dataSubnet,
    replication: settings.replication,
  });
  const fetchList = () => fetchCurrentResults(settings.schedulerUrl, settings.controlSecret);
  const current = await createCurrentResults(fetchList, join(folder, 'current.json'));
  const results = createServedResults({ database, store, current });
  const publish = createPublisher({ hdfs, database, store });
  return {
    published: await createPublishedApp(settings, results, createHdfsFiles(hdfs)),
    internal: createInternalApp(settings, { publish, remove: (runs) => store.remove(runs) }),
    close: async () => {
      await hdfs.close();
      database.close();
    },
  };
}

async function createPublishedApp(
  settings: WebSettings,
  results: ServedResults,
  files: HdfsFiles,
): Promise<FastifyInstance> {
  const app = createApp({ admit: (request) => admitCaller(settings, request), log: settings.log });
  app.get('/healthz', { config: { open: true } }, () => ({ status: 'ok', version: settings.version }));
  registerResultRoutes(app, results);
  await registerFileRoutes(app, files);
  await registerProxyRoutes(app, { url: settings.schedulerUrl, secret: settings.controlSecret });
  return app;
}

function createInternalApp(settings: WebSettings, publications: Publications): FastifyInstance {
  const { controlSecret, log } = settings;
  const app = createApp({ admit: ({ headers }) => checkSharedSecret(headers.authorization, controlSecret), log });
  registerPublicationRoutes(app, publications);
  return app;
}

/** Order: who may come at all, then who it is, then what that one may do. A route without a scope wants `admin`. */
function admitCaller(settings: WebSettings, request: FastifyRequest): void {
  if (settings.localPeers !== null) checkPeer(request.socket.remoteAddress, settings.localPeers);
  const { open, scope } = request.routeOptions.config;
  if (open === true) return;
  const caller = authenticate(request.headers.authorization, settings.tokens);
  request.caller = caller.name;
  // An unknown route has no scope of its own: any caller is told that it is unknown.
  if (!request.is404) requireScope(caller, scope ?? 'admin');
}
