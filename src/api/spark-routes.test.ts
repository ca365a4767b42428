import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import type { SparkApplication } from './schemas.ts';
import { registerSparkRoutes } from './spark-routes.ts';
import { createApp } from './web-app.ts';

const running = 'app-20261122223208-0000';
const ended = 'app-20261122223208-0001';
const worker = 'worker-20261122223201-10.90.4.9-40089';
const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** What web itself asks: a driver, whose pages are there once its root redirects, and history for an application. */
const ready: Handle = ({ url }, response) => {
  if (url === '/') response.writeHead(302, { location: '/jobs/' });
  response.end();
};

/** One server that is master, driver and history server alike: what matters is what it is asked. */
async function startSpark(handle: Handle, probed: Handle) {
  const seen: { url: string; method: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    const { url = '', method = '', headers } = request;
    if (headers['x-forwarded-context'] === undefined) return probed(request, response);
    seen.push({ url, method, headers });
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { seen, host, url: `http://${host}` };
}

async function open(
  handle: Handle,
  changes: {
    readonly masterUrl?: string;
    readonly historyUrl?: string;
    readonly probed?: Handle;
    readonly pageMs?: number;
  } = {},
) {
  const { probed = ready, pageMs = 10_000, ...uis } = changes;
  const spark = await startSpark(handle, probed);
  const scopes: (string | undefined)[] = [];
  const questions: string[] = [];
  const app = createApp({
    log: () => undefined,
    admit: (request) => {
      scopes.push(request.routeOptions.config.scope);
    },
  });
  const known = {
    masterUrl: spark.url,
    historyUrl: spark.url,
    application: async (id: string): Promise<SparkApplication> => {
      questions.push(id);
      if (id === running) return { run: 'predict-2', driver: spark.host, executors: {} };
      if (id === ended) return { run: 'predict-1', driver: null, executors: { '3': 'executor-1' } };
      throw new SparkPlugError('APPLICATION_UNKNOWN', `no run has ${id}`);
    },
    ...uis,
  };
  registerSparkRoutes(app, known, { pageMs });
  closing.push(() => void app.close());
  const ask = (url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
    app.inject({ method, url, headers: { host: '127.0.0.1:8080', ...headers } });
  return { spark, ask, scopes, questions };
}

const page: Handle = (_request, response) => {
  response.writeHead(200, {
    'content-type': 'text/html;charset=utf-8',
    'set-cookie': 'a=b',
    'service-worker-allowed': '/',
    'access-control-allow-origin': '*',
    'cache-control': 'no-store',
  });
  response.end('<a href="/environment/">x</a>');
};

test('a page comes from its component, which learns neither cookie nor token, and gives none', async () => {
  const { spark, ask, scopes } = await open(page);
  const secret = {
    cookie: 'session=s',
    authorization: 'Bearer t',
    'x-forwarded-context': '/evil',
    accept: 'text/html',
  };
  const answer = await ask(`/spark/driver/${running}/jobs/?a=b`, secret);
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.body, `<a href="/spark/driver/${running}/environment/">x</a>`);
  assert.deepEqual(scopes, ['read']);
  const [seen] = spark.seen;
  assert.equal(seen?.url, '/jobs/?a=b');
  assert.deepEqual(
    [seen?.headers.cookie, seen?.headers.authorization, seen?.headers['x-forwarded-context'], seen?.headers.accept],
    [undefined, undefined, `/spark/driver/${running}`, 'text/html'],
  );
  const kept = ['set-cookie', 'service-worker-allowed', 'access-control-allow-origin'].map(
    (name) => answer.headers[name],
  );
  assert.deepEqual(kept, [undefined, undefined, undefined]);
  assert.match(String(answer.headers['content-security-policy']), /connect-src 127\.0\.0\.1:8080\/spark\/;.*sandbox/);
  assert.equal(answer.headers['cross-origin-opener-policy'], 'unsafe-none');
});

test('master and history server are asked below their own roots', async () => {
  const { spark, ask, questions } = await open(page);
  await ask('/spark/master/app/?appId=x');
  await ask(`/spark/history/${ended}/jobs/`);
  await ask('/spark/static/webui.js');
  assert.deepEqual(
    spark.seen.map(({ url, headers }) => `${headers['x-forwarded-context']} ${url}`),
    ['/spark/master /app/?appId=x', `/spark /history/${ended}/jobs/`, '/spark /static/webui.js'],
  );
  assert.deepEqual(questions, []);
});

test('files other than pages pass as they are, with their length', async () => {
  const { ask } = await open((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/javascript', 'content-length': 14 }).end('href="/static"');
  });
  const answer = await ask('/spark/master/static/x.js');
  assert.deepEqual([answer.body, answer.headers['content-length']], ['href="/static"', '14']);
});

test('a redirect stays below the address of its component; one that leads elsewhere is refused', async () => {
  const { ask } = await open((request, response) => {
    const away = request.url === '/away';
    response.writeHead(302, { location: away ? 'http://evil.example/' : `http://${request.headers.host}/jobs/` }).end();
  });
  assert.equal((await ask(`/spark/driver/${running}/`)).headers.location, `/spark/driver/${running}/jobs/`);
  const answer = await ask(`/spark/driver/${running}/away`);
  assert.deepEqual([answer.statusCode, answer.json().code, answer.headers.location], [503, 'SPARK_UI_AWAY', undefined]);
});

test('the driver of an application that has ended is its history; its executors’ logs are those of the run', async () => {
  const { spark, ask, questions } = await open(page);
  assert.equal((await ask(`/spark/driver/${ended}/`)).headers.location, `/spark/history/${ended}/jobs/`);
  const stage = await ask(`/spark/driver/${ended}/stages/stage/?id=1&attempt=0`);
  assert.equal(stage.headers.location, `/spark/history/${ended}/stages/stage/?id=1&attempt=0`);
  const log = `/spark/master/proxy/${worker}/logPage/?logType=stdout&executorId=`;
  const kept = await ask(`${log}3&appId=${ended}`);
  assert.equal(kept.headers.location, '/api/v1/runs/predict-1/logs?source=executor-1');
  assert.equal((await ask(`${log}4&appId=${ended}`)).json().code, 'LOG_MISSING');
  assert.deepEqual(spark.seen, []);
  assert.equal((await ask(`${log}3&appId=${running}`)).statusCode, 200);
  assert.equal((await ask(`${log}3&appId=../x`)).statusCode, 200);
  assert.equal(spark.seen.length, 2);
  // A page comes with many files: the scheduler is asked once for all of them.
  assert.deepEqual(questions, [ended, running]);
});

test('only reading is possible, and only what is a page of Spark', async () => {
  const { spark, ask } = await open(page);
  assert.equal((await ask('/spark/master/app/kill/', {}, 'POST')).statusCode, 405);
  assert.equal((await ask(`/spark/driver/${running}/jobs/job/kill/?id=0`)).json().code, 'ROUTE_MISSING');
  assert.equal((await ask('/spark/driver/127.0.0.1:22/')).json().code, 'ROUTE_MISSING');
  assert.equal((await ask('/spark/driver/app-20261122223208-0009/')).json().code, 'APPLICATION_UNKNOWN');
  assert.equal(spark.seen.length, 0);
  const head = await ask('/spark/master/', {}, 'HEAD');
  assert.deepEqual([head.statusCode, head.body, spark.seen[0]?.method], [200, '', 'HEAD']);
});

test('a component that does not answer is told by name', async () => {
  const { ask } = await open(page, { masterUrl: 'http://127.0.0.1:1' });
  const answer = await ask('/spark/master/');
  assert.deepEqual([answer.statusCode, answer.json().code], [503, 'SPARK_UI_AWAY']);
});

test('a page of a driver that starts waits for its pages, which come one by one, and is asked for once', async () => {
  const answers = [200, 404, 404, 302];
  const { spark, ask } = await open(page, {
    probed: (_request, response) => void response.writeHead(answers.shift() ?? 500).end('Spark is starting up.'),
  });
  assert.equal((await ask(`/spark/driver/${running}/jobs/`)).statusCode, 200);
  assert.deepEqual([spark.seen.map(({ url }) => url), answers], [['/jobs/'], []]);
  assert.equal((await ask(`/spark/driver/${running}/stages/`)).statusCode, 200);
});

test('an application that has just ended is shown as soon as the history server has found its log', async () => {
  const answers = [404, 404, 200];
  const asked: (string | undefined)[] = [];
  const { ask } = await open(page, {
    probed: ({ url }, response) => {
      asked.push(url);
      response.writeHead(answers.shift() ?? 500).end();
    },
  });
  for (const below of ['', 'stages/']) {
    const answer = await ask(`/spark/driver/${ended}/${below}`);
    assert.equal(answer.headers.location, `/spark/history/${ended}/${below === '' ? 'jobs/' : below}`);
  }
  assert.deepEqual(asked, Array(3).fill(`/api/v1/applications/${ended}`));
});

test('pages that do not come in time are told so, with what to do', async () => {
  const { spark, ask } = await open(page, {
    probed: (_request, response) => void response.writeHead(404).end(),
    pageMs: 20,
  });
  const cases = [
    [running, /still starting/, /again in a few seconds/],
    [ended, /does not show app-20261122223208-0001 yet/, /spark\.eventLog\.enabled/],
  ] as const;
  for (const [application, message, fix] of cases) {
    const answer = await ask(`/spark/driver/${application}/jobs/`);
    const { code, detail, hint } = answer.json();
    assert.deepEqual([answer.statusCode, code, spark.seen], [503, 'SPARK_UI_AWAY', []]);
    assert.match(detail, message);
    assert.match(hint, fix);
  }
});

test('a history server that still starts is waited for, one that there is not is told at once', async () => {
  const refused = await open(page, { historyUrl: 'http://127.0.0.1:1', pageMs: 20 });
  const starting = await refused.ask(`/spark/driver/${ended}/`);
  assert.match(starting.json().detail, /does not show/);
  const { ask } = await open(page, { historyUrl: 'http://host.invalid' });
  assert.match((await ask(`/spark/driver/${ended}/`)).json().detail, /does not answer \(host\.invalid\)/);
});
