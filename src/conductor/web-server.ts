// `web` put together: the published API, the internal one for the scheduler, and what stands behind them.
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { openParquetDatabase } from '../adapters/duckdb/parquet-database.ts';
import { createWebHdfs } from '../adapters/hdfs/webhdfs.ts';
import { checkSharedSecret } from '../api/access.ts';
import { registerAccessRoutes } from '../api/access-routes.ts';
import { createAdmission } from '../api/admission.ts';
import { registerCutOff } from '../api/cut-off.ts';
import { registerDashboardRoutes } from '../api/dashboard-routes.ts';
import { registerFileRoutes } from '../api/file-routes.ts';
import { createOpenApi } from '../api/openapi-document.ts';
import { registerProxyRoutes } from '../api/proxy-routes.ts';
import { type Publications, registerPublicationRoutes } from '../api/publication-routes.ts';
import { type RequestLimits, registerRateLimit } from '../api/rate-limit.ts';
import { registerResultRoutes } from '../api/result-routes.ts';
import { serviceRoutes } from '../api/routes/service-routes.ts';
import { serveRoute } from '../api/serve-route.ts';
import { createSessionCookie } from '../api/session-cookie.ts';
import { registerSparkRoutes } from '../api/spark-routes.ts';
import { createApp, type WriteLog } from '../api/web-app.ts';
import { type AccessDesk, createAccessDesk, type TokenEntry } from '../operations/access-desk.ts';
import { createCurrentResults } from '../operations/current-results.ts';
import { createHdfsFiles, type HdfsFiles } from '../operations/hdfs-files.ts';
import { createServedResults, type ServedResults } from '../operations/serve-results.ts';
import type { Clock } from '../runs/clock.ts';
import { createPublisher } from '../runs/results/publish-version.ts';
import { openVersionStore } from '../runs/results/version-store.ts';
import { openAccessStore } from '../runs/state/access-store.ts';
import { fetchApplication } from './fetch-application.ts';
import { fetchCurrentResults } from './fetch-current-results.ts';

export interface WebSettings {
  readonly version: string;
  readonly projectId: string;
  /** `http://scheduler:7070`. */
  readonly schedulerUrl: string;
  /** Secret that web and scheduler share. */
  readonly controlSecret: string;
  /** Of the secret: taken over where they are new. */
  readonly tokens: readonly TokenEntry[];
  readonly listen: 'local' | 'all';
  /** Addresses besides loopback that requests from this computer come from. */
  readonly localPeers: ReadonlySet<string>;
  /** True: the published port speaks HTTPS. */
  readonly tls: boolean;
  readonly clock: Clock;
  /** `http://namenode:9870`. */
  readonly nameNodeUrl: string;
  /** `http://spark-master:8080` and `http://history:18080`. */
  readonly sparkUis: { readonly masterUrl: string; readonly historyUrl: string };
  readonly dataSubnet: string;
  /** Of uploaded files. */
  readonly replication: 'auto' | number;
  /** Where the built dashboard lies. */
  readonly dashboardFolder: string;
  /** The volume: results, what queries spill, and who may ask. */
  readonly dataFolder: string;
  readonly databaseMemoryMiB: number;
  readonly limits: RequestLimits;
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
  const access = openAccess(settings);
  return {
    published: await createPublishedApp(settings, access.desk, results, createHdfsFiles(hdfs)),
    internal: createInternalApp(settings, { publish, remove: (runs) => store.remove(runs) }),
    close: async () => {
      await hdfs.close();
      database.close();
      access.close();
    },
  };
}

/** Opens web's own database; tokens of the secret that are new come in. */
function openAccess({ dataFolder, tokens, clock, log }: WebSettings): { desk: AccessDesk; close(): void } {
  const store = openAccessStore(join(dataFolder, 'access.db'), (copy, reason) => {
    const event = 'the database of tokens and log-ins could not be read and was started anew from the secret';
    log({ time: new Date().toISOString(), level: 'error', event, copy, error: reason });
  });
  const desk = createAccessDesk(store, clock);
  desk.importTokens(tokens);
  return { desk, close: () => store.close() };
}

async function createPublishedApp(
  settings: WebSettings,
  desk: AccessDesk,
  results: ServedResults,
  files: HdfsFiles,
): Promise<FastifyInstance> {
  const cookie = createSessionCookie(settings.projectId, settings.tls);
  const { admit, limitAttempts } = createAdmission({ ...settings, desk, cookie });
  const app = createApp({ admit, log: settings.log });
  registerCutOff(app, settings.log);
  await registerRateLimit(app, settings.limits);
  serveRoute(app, serviceRoutes.health, () => ({ status: 'ok', version: settings.version }));
  const description = JSON.stringify(createOpenApi({ version: settings.version, cookie: cookie.name }));
  serveRoute(app, serviceRoutes.openApi, (_input, _request, reply) =>
    reply.type('application/json; charset=utf-8').header('cache-control', 'no-cache').send(description),
  );
  registerAccessRoutes(app, { desk, cookie, limitAttempts, tls: settings.tls });
  registerResultRoutes(app, results);
  await registerFileRoutes(app, files);
  await registerDashboardRoutes(app, settings.dashboardFolder);
  await registerProxyRoutes(app, { url: settings.schedulerUrl, secret: settings.controlSecret });
  registerSparkRoutes(app, {
    ...settings.sparkUis,
    application: (id) => fetchApplication(settings.schedulerUrl, settings.controlSecret, id),
  });
  return app;
}

function createInternalApp(settings: WebSettings, publications: Publications): FastifyInstance {
  const { controlSecret, log } = settings;
  const app = createApp({ admit: ({ headers }) => checkSharedSecret(headers.authorization, controlSecret), log });
  registerPublicationRoutes(app, publications);
  return app;
}
