// Spark's own pages below /spark/: read only, behind the same log-in as everything else, from known components alone.
import { pipeline, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import pWaitFor, { TimeoutError } from 'p-wait-for';
import { Agent, type Dispatcher } from 'undici';
import { SparkPlugError } from '../errors.ts';
import type { SparkApplication } from './schemas.ts';
import { completeLinks, rewriteLocation, sparkContentPolicy } from './spark-page.ts';
import { applicationIdPattern, historyPath, resolveSparkPath, type SparkTarget } from './spark-paths.ts';
import { pathOf } from './web-app.ts';

export interface SparkUis {
  /** `http://spark-master:8080`. */
  readonly masterUrl: string;
  /** `http://history:18080`. */
  readonly historyUrl: string;
  /** The run of an application and where its driver listens. Throws APPLICATION_UNKNOWN. */
  application(id: string): Promise<SparkApplication>;
}

type Page = SparkTarget & { readonly kind: 'page' };

/** The history server reads a whole event log before its first answer about an application. */
const timeouts = { headersTimeout: 120_000, bodyTimeout: 60_000 } as const;
const connectTimeoutMs = 3_000;
/** A page comes with about twenty files: one question to the scheduler serves them all. */
const applicationMs = 2_000;
const rememberedApplications = 200;
/** A driver has its pages within a second or two; the JVM of the history server takes some ten seconds to start. */
const pageMs = 30_000;
const probeMs = 100;

/** What Spark is told of a request; neither cookies nor tokens. */
const passedOn = ['accept', 'accept-language', 'if-modified-since', 'if-none-match', 'range'];
/** What a browser is told of an answer; neither cookies nor what would widen a page's rights. */
const passedBack = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'vary',
];

/** `pageMs`: milliseconds for which a request waits for pages that are about to be there; then SPARK_UI_AWAY. */
export function registerSparkRoutes(app: FastifyInstance, uis: SparkUis, limits = { pageMs }): void {
  const agent = new Agent({ connect: { timeout: connectTimeoutMs }, connections: 64, pipelining: 1 });
  app.addHook('onClose', () => agent.close());
  const known = { ...uis, application: remember(uis.application) };
  const pages = watchPages(agent, uis.historyUrl, limits.pageMs);
  app.route({
    method: ['GET', 'HEAD'],
    url: '/spark/*',
    config: { scope: 'read' },
    handler: (request, reply) => show(agent, known, pages, request, reply),
  });
}

async function show(
  agent: Agent,
  uis: SparkUis,
  pages: PageWatch,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const target = resolveSparkPath(pathOf(request));
  const query = queryOf(request);
  if (target === null) throw pageMissing(pathOf(request));
  if (target.kind === 'redirect') return reply.redirect(target.path + query, 302);
  if (target.kind === 'executor-log') {
    const log = await findKeptLog(uis, new URLSearchParams(query));
    if (log !== null) return reply.redirect(log, 302);
    return forward(agent, uis.masterUrl, target.page, request, reply);
  }
  const { ui, path } = target;
  if (ui.kind === 'master') return forward(agent, uis.masterUrl, target, request, reply);
  if (ui.kind === 'history') return forward(agent, uis.historyUrl, target, request, reply);
  const { driver } = await uis.application(ui.application);
  if (driver !== null) {
    await pages.atDriver(ui.application, `http://${driver}`);
    return forward(agent, `http://${driver}`, target, request, reply);
  }
  // The application has ended: the same page as the history server shows it.
  await pages.inHistory(ui.application);
  return reply.redirect(historyPath(ui.application, path) + query, 302);
}

/** Waits until the pages of an application are there. Throws SPARK_UI_AWAY. */
interface PageWatch {
  atDriver(application: string, origin: string): Promise<void>;
  inHistory(application: string): Promise<void>;
}

function watchPages(agent: Agent, historyUrl: string, timeoutMs: number): PageWatch {
  const seen = new Set<string>();
  const statusOf = async (origin: string, path: string): Promise<number> => {
    const { statusCode, body } = await agent.request({ origin, path, method: 'GET', ...timeouts });
    await body.dump();
    return statusCode;
  };
  const waitOnce = async (origin: string, application: string, late: Lateness, areThere: () => Promise<boolean>) => {
    const key = `${origin} ${application}`;
    if (seen.has(key)) return;
    await pWaitFor(areThere, { interval: probeMs, timeout: timeoutMs }).catch((error: unknown) => {
      throw uiAway(origin, error, error instanceof TimeoutError ? late : null);
    });
    seen.add(key);
    forgetOldest(seen);
  };
  return {
    // A driver announces its application first, answers every path with "Spark is starting up" for a while, then
    // removes that page and adds its own one by one, 404 for those to come (Spark's `SparkUI.attachAllHandlers`). Of
    // those that are shown here its root is the last, and the only one that redirects.
    atDriver: (application, origin) => {
      const late = {
        message: `the driver is still starting its pages (${new URL(origin).hostname})`,
        hint: 'load the page again in a few seconds',
      };
      return waitOnce(origin, application, late, async () => {
        const status = await statusOf(origin, '/');
        return status >= 300 && status < 400;
      });
    },
    // The history server looks for new event logs every few seconds (`spark.history.fs.update.interval`), and refuses
    // connections while its JVM starts, which `up` does not wait for.
    inHistory: (application) => {
      const late = {
        message: `the history server does not show ${application} yet`,
        hint: 'load the page again in a few seconds; of a job that sets `spark.eventLog.enabled=false` there is no history',
      };
      return waitOnce(historyUrl, application, late, async () => {
        const status = await statusOf(historyUrl, `/api/v1/applications/${application}`).catch(nullWhereRefused);
        return status === 200;
      });
    },
  };
}

/** What is said of pages that did not come in time. */
interface Lateness {
  readonly message: string;
  readonly hint: string;
}

function nullWhereRefused(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return null;
  throw error;
}

/** Where the log of an executor is kept, null while its application runs: then its worker shows it. */
async function findKeptLog(uis: SparkUis, query: URLSearchParams): Promise<string | null> {
  const application = query.get('appId') ?? '';
  if (!applicationIdPattern.test(application)) return null;
  const { run, driver, executors } = await uis.application(application);
  if (driver !== null) return null;
  const source = executors[query.get('executorId') ?? ''];
  if (source === undefined) throw new SparkPlugError('LOG_MISSING', `no log of this executor is kept with run ${run}`);
  return `/api/v1/runs/${encodeURIComponent(run)}/logs?source=${source}`;
}

async function forward(
  agent: Agent,
  origin: string,
  { path, prefix }: Page,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const left = new AbortController();
  reply.raw.once('close', () => left.abort());
  const answer = await ask(agent, origin, path + queryOf(request), prefix, request, left.signal);
  const { statusCode, headers, body } = answer;
  // A sandbox and any other policy exclude each other: the browser would show an error instead.
  reply.header('cross-origin-opener-policy', 'unsafe-none').header('x-frame-options', 'DENY');
  reply.header('content-security-policy', sparkContentPolicy(request.headers.host)).code(statusCode);
  for (const name of passedBack) if (headers[name] !== undefined) reply.header(name, headers[name]);
  if (typeof headers.location === 'string') {
    const location = rewriteLocation(headers.location, origin, path, prefix);
    if (location === null) {
      await body.dump();
      throw uiAway(origin, new Error(`it redirects to ${headers.location}`));
    }
    reply.header('location', location);
  }
  if (request.method === 'HEAD') {
    await body.dump();
    return reply.send();
  }
  if (!String(headers['content-type']).startsWith('text/html')) {
    if (headers['content-length'] !== undefined) reply.header('content-length', headers['content-length']);
    return reply.send(body);
  }
  return reply.send(pipeline(body as Readable, completeLinks(prefix), () => undefined));
}

async function ask(
  agent: Agent,
  origin: string,
  path: string,
  prefix: string,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const headers = passedOn.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  try {
    return await agent.request({
      origin,
      path,
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      // By this header drivers and the history server learn where they stand; master and workers have it as a setting.
      headers: { ...Object.fromEntries(headers), 'x-forwarded-context': prefix },
      signal,
      ...timeouts,
    });
  } catch (error) {
    throw uiAway(origin, error);
  }
}

function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}

function remember(ask: SparkUis['application']): SparkUis['application'] {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<SparkApplication> }>();
  return (id) => {
    const known = answers.get(id);
    if (known !== undefined && performance.now() < known.until) return known.answer;
    const answer = ask(id);
    answers.delete(id);
    answers.set(id, { until: performance.now() + applicationMs, answer });
    answer.catch(() => answers.delete(id));
    forgetOldest(answers);
    return answer;
  };
}

/** Of as many applications as are kept in mind; maps and sets are in the order of insertion. */
function forgetOldest(known: Map<string, unknown> | Set<string>): void {
  for (const id of [...known.keys()].slice(0, Math.max(0, known.size - rememberedApplications))) known.delete(id);
}

function pageMissing(path: string): SparkPlugError {
  return new SparkPlugError('ROUTE_MISSING', `Spark has no page ${path.slice(0, 200)}`, {
    hint: 'pages of Spark are /spark/master/, /spark/driver/{application}/ and /spark/history/',
  });
}

function uiAway(origin: string, cause: unknown, late: Lateness | null = null): SparkPlugError {
  const { hostname } = new URL(origin);
  const { message, hint } = late ?? {
    message: `Spark's page does not answer (${hostname})`,
    hint: 'the history server is left out where memory is short: `sparkplug plan` says so; a driver answers while its run lasts',
  };
  return new SparkPlugError('SPARK_UI_AWAY', message, { place: hostname, hint, cause });
}
