// The published API with a made-up cluster behind it: the dashboard is developed and tested against it, without Docker.
// Alone: `node dashboard/test/mock-server.ts [PORT]`, then open the link that it prints.
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { registerDashboardRoutes } from '../../src/api/dashboard-routes.ts';
import { toProblem } from '../../src/api/problem.ts';
import type { ClusterEvent, FileStatus, Run, RunEvent, Schedule, Scope } from '../../src/api/schemas.ts';
import { createApp } from '../../src/api/web-app.ts';
import { SparkPlugError } from '../../src/errors.ts';
import {
  logLine,
  machines,
  makeEvents,
  makeHistory,
  makeJobs,
  makeRuns,
  makeSchedules,
  makeStatus,
  operation,
  type Row,
  results,
  rowsOf,
} from './mock-data.ts';

export interface MockCluster {
  readonly url: string;
  /** A link that logs in, once. */
  loginLink(scope: Scope): string;
  /** Ends every session. */
  endSessions(): void;
  /** True: everything that the scheduler answers is 503. */
  schedulerAway: boolean;
  /** Milliseconds between two lines of a run's log. */
  pace: number;
  /** Requests to other than these routes. */
  readonly unknown: string[];
  /** Contents of HDFS by path; a folder is null. */
  readonly files: Map<string, Buffer | null>;
  record(kind: string, message: string): void;
  close(): Promise<void>;
}

const dashboard = fileURLToPath(new URL('../../dist/dashboard', import.meta.url));
const ranks: Readonly<Record<Scope, number>> = { read: 0, run: 1, admin: 2 };
const runLines = 260;

export async function startMockCluster(port = 0, folder = dashboard): Promise<MockCluster> {
  const codes = new Map<string, Scope>();
  const sessions = new Map<string, Scope>();
  const readSession = (request: FastifyRequest): Scope | undefined =>
    sessions.get(/(?:^|; )sparkplug_session=([0-9a-f]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '');
  const app = createApp({
    admit: (request) => {
      const { open, scope: needed = 'admin' } = request.routeOptions.config;
      if (open === true) return;
      const scope = readSession(request);
      if (request.is404) mock.unknown.push(`${request.method} ${request.url}`);
      if (scope === undefined) throw new SparkPlugError('AUTH_REQUIRED', 'the session has ended');
      if (ranks[scope] < ranks[needed]) throw new SparkPlugError('SCOPE_MISSING', `this needs ${needed}`);
    },
    log: ({ level, error }) => (level === 'error' ? console.error(error) : undefined),
  });
  const state = createState();
  const mock: MockCluster = {
    url: '',
    loginLink: (scope) => {
      const code = randomBytes(8).toString('hex');
      codes.set(code, scope);
      return `${mock.url}/login#code=${code}`;
    },
    endSessions: () => sessions.clear(),
    schedulerAway: false,
    pace: 15,
    unknown: [],
    files: state.files,
    record: state.record,
    close: () => app.close(),
  };
  registerSessionRoutes(app, codes, sessions, readSession);
  registerSchedulerRoutes(app, state, mock);
  registerResultRoutes(app);
  registerFileRoutes(app, state.files);
  for (const url of ['/spark/master/', '/spark/history/', '/spark/driver/*', '/spark/history/*']) {
    app.get(url, { config: { scope: 'read' } }, (_request, reply) =>
      reply
        .type('text/html')
        .send(
          '<!doctype html><html lang="en"><title>Spark</title><h1>Spark Master at spark://spark-master:7077</h1></html>',
        ),
    );
  }
  await registerDashboardRoutes(app, folder);
  await app.listen({ host: '127.0.0.1', port });
  Object.assign(mock, { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` });
  return mock;
}

function registerSessionRoutes(
  app: FastifyInstance,
  codes: Map<string, Scope>,
  sessions: Map<string, Scope>,
  readSession: (request: FastifyRequest) => Scope | undefined,
): void {
  const describe = (scope: Scope) => ({ name: 'command-line', scope, expiresAt: '2027-01-01T00:00:00.000Z' });
  app.post<{ Body: { code: string } }>('/api/v1/session', { config: { open: true } }, (request, reply) => {
    const scope = codes.get(request.body.code);
    codes.delete(request.body.code);
    if (scope === undefined) {
      throw new SparkPlugError('AUTH_REQUIRED', 'the code is wrong, used up or too old', { hint: 'sparkplug open' });
    }
    const session = randomBytes(16).toString('hex');
    sessions.set(session, scope);
    return reply
      .header('set-cookie', `sparkplug_session=${session}; Path=/; HttpOnly; SameSite=Strict`)
      .send(describe(scope));
  });
  app.get('/api/v1/session', { config: { scope: 'read' } }, (request) => describe(readSession(request) ?? 'read'));
  app.delete('/api/v1/session', { config: { scope: 'read' } }, (_request, reply) => {
    sessions.clear();
    return reply.code(204).send();
  });
}

interface State {
  readonly runs: Run[];
  readonly schedules: Schedule[];
  readonly events: ClusterEvent[];
  readonly files: Map<string, Buffer | null>;
  record(kind: string, message: string): void;
}

function createState(): State {
  const events = makeEvents();
  const files = new Map<string, Buffer | null>([
    ['/', null],
    ['/data', null],
    ['/data/households.parquet', Buffer.alloc(4_200_000, 'x')],
    ['/data/weather two words.csv', Buffer.from('day,temperature\n2026-11-01,7.5\n')],
    ['/results', null],
    ['/results/predictions', null],
    ['/results/predictions/_SUCCESS', Buffer.alloc(0)],
    ['/results/predictions/part-00000.snappy.parquet', Buffer.alloc(91_300, 'x')],
  ]);
  return {
    runs: makeRuns(),
    schedules: makeSchedules(),
    events,
    files,
    record: (kind, message) => {
      const at = new Date().toISOString();
      events.push({ seq: (events.at(-1)?.seq ?? 0) + 1, at, kind, message });
    },
  };
}

type Query = Readonly<Record<string, string | undefined>>;

function registerSchedulerRoutes(app: FastifyInstance, state: State, mock: MockCluster): void {
  const { runs, schedules, events } = state;
  const answer = <T>(handle: (request: FastifyRequest, reply: FastifyReply) => T) => {
    return (request: FastifyRequest, reply: FastifyReply): T => {
      if (mock.schedulerAway) throw new SparkPlugError('SCHEDULER_AWAY', 'the scheduler does not answer');
      return handle(request, reply);
    };
  };
  const read = { config: { scope: 'read' as const } };
  const run = { config: { scope: 'run' as const } };
  const admin = { config: { scope: 'admin' as const } };
  const paramOf = (request: FastifyRequest, name: string): string =>
    (request.params as Readonly<Record<string, string>>)[name] ?? '';
  const findRun = (id: string): Run => {
    const found = runs.find((other) => other.id === id);
    if (found === undefined)
      throw new SparkPlugError('RUN_UNKNOWN', `there is no run ${id}`, { hint: 'sparkplug runs' });
    return found;
  };
  const replace = (changed: Run): void => {
    const index = runs.findIndex(({ id }) => id === changed.id);
    runs[index] = changed;
  };
  const isLive = ({ state: now }: Run) => !['succeeded', 'failed', 'cancelled'].includes(now);

  app.get(
    '/api/v1/cluster',
    read,
    answer(() => {
      const live = runs.filter(isLive);
      return makeStatus('op-12', { queued: live.filter((r) => r.state === 'queued').length, running: live.length });
    }),
  );
  app.get(
    '/api/v1/machines',
    read,
    answer(() => ({ machines })),
  );
  app.get(
    '/api/v1/cluster/history',
    read,
    answer((request) => ({
      samples: makeHistory(Number((request.query as Query).minutes ?? 60)),
    })),
  );
  app.get(
    '/api/v1/operations/:id/events',
    read,
    answer((_request, reply) =>
      sendEvents(reply, async function* () {
        yield `event: operation\ndata: ${JSON.stringify(operation)}\n\n`;
        await closed(reply);
      }),
    ),
  );
  app.get(
    '/api/v1/jobs',
    read,
    answer(() => ({ jobs: makeJobs(runs, schedules) })),
  );
  app.get(
    '/api/v1/runs',
    read,
    answer((request) => {
      const { job, state: wanted, limit = '25', before } = request.query as Query;
      const matching = runs.filter(
        (r) => (job === undefined || r.job === job) && (wanted === undefined || r.state === wanted),
      );
      const start = before === undefined ? 0 : matching.findIndex(({ id }) => id === before) + 1;
      const page = matching.slice(start, start + Number(limit));
      return { runs: page, next: start + page.length < matching.length ? (page.at(-1)?.id ?? null) : null };
    }),
  );
  app.get(
    '/api/v1/runs/:id',
    read,
    answer((request) => findRun(paramOf(request, 'id'))),
  );
  app.get(
    '/api/v1/components/:name/logs',
    run,
    answer((request, reply) => sendEvents(reply, () => componentLines(reply, paramOf(request, 'name')))),
  );
  app.get(
    '/api/v1/runs/:id/log-sources',
    read,
    answer((request) => ({
      sources: [
        { name: 'driver', bytes: 48_211 },
        ...(isLive(findRun(paramOf(request, 'id')))
          ? []
          : [1, 2].map((n) => ({ name: `executor-${n}`, bytes: 9_120 * n }))),
      ],
    })),
  );
  app.get(
    '/api/v1/runs/:id/logs',
    read,
    answer((request, reply) => {
      const { source = 'driver' } = request.query as Query;
      const lines = Array.from({ length: 400 }, (_, index) =>
        source === 'driver' ? logLine(index) : `${source} line ${index}`,
      );
      return reply.type('text/plain; charset=utf-8').send(`${lines.join('\n')}\n`);
    }),
  );
  app.post(
    '/api/v1/jobs/:job/runs',
    run,
    answer((request, reply) => {
      const job = paramOf(request, 'job');
      const now = new Date().toISOString();
      const { args } = (request.body ?? {}) as { args?: string[] };
      const model = runs.find((other) => other.job === job);
      if (model === undefined) throw new SparkPlugError('JOB_UNKNOWN', `there is no job ${job}`);
      const started: Run = {
        ...model,
        id: `${job}-${runs.length + 1}`,
        state: 'running',
        args: args ?? (job === 'predict' ? ['--horizon', '7'] : []),
        trigger: 'rest',
        tick: null,
        queuedAt: now,
        startedAt: now,
        finishedAt: null,
        exitCode: null,
        failure: null,
        attempts: [{ number: 1, startedAt: now, finishedAt: null, exitCode: null, failure: null }],
        progress: null,
        published: {},
      };
      runs.unshift(started);
      state.record('run', `run ${started.id} was started by REST`);
      return reply.code(201).send(started);
    }),
  );
  app.post(
    '/api/v1/runs/:id/cancel',
    run,
    answer((request, reply) => {
      const now = new Date().toISOString();
      const cancelled: Run = { ...findRun(paramOf(request, 'id')), state: 'cancelled', finishedAt: now, exitCode: 143 };
      replace(cancelled);
      return reply.code(202).send(cancelled);
    }),
  );
  app.get(
    '/api/v1/runs/:id/events',
    read,
    answer((request, reply) => {
      const id = findRun(paramOf(request, 'id')).id;
      return sendEvents(reply, () => streamRun(mock, () => findRun(id), replace));
    }),
  );
  app.get(
    '/api/v1/schedules',
    read,
    answer(() => ({ schedules })),
  );
  const changeSchedule = (request: FastifyRequest, change: (schedule: Schedule) => Schedule): Schedule => {
    const index = schedules.findIndex(({ job }) => job === paramOf(request, 'job'));
    const before = schedules[index];
    if (before === undefined) throw new SparkPlugError('JOB_UNKNOWN', 'there is no such job');
    const after = change(before);
    schedules[index] = after;
    return after;
  };
  const next = (paused: boolean) => (paused ? [] : (makeSchedules()[0]?.next ?? []));
  app.put(
    '/api/v1/schedules/:job',
    admin,
    answer((request) => {
      const body = request.body as Partial<Schedule['rule']>;
      if (body.cron !== undefined && body.cron.trim().split(/\s+/).length !== 5) {
        throw new SparkPlugError('REQUEST_INVALID', 'the body has a problem', {
          problems: [{ place: 'cron', met: body.cron, message: 'a rule has five fields', hint: '0 3 * * *' }],
        });
      }
      return changeSchedule(request, (before) => ({ ...before, rule: { ...before.rule, ...body }, overridden: true }));
    }),
  );
  app.delete(
    '/api/v1/schedules/:job',
    admin,
    answer((request) => changeSchedule(request, (before) => ({ ...before, overridden: false }))),
  );
  app.post(
    '/api/v1/schedules/:job/pause',
    run,
    answer((request) => changeSchedule(request, (before) => ({ ...before, paused: true, next: next(true) }))),
  );
  app.post(
    '/api/v1/schedules/:job/resume',
    run,
    answer((request) => changeSchedule(request, (before) => ({ ...before, paused: false, next: next(false) }))),
  );
  app.get(
    '/api/v1/events',
    read,
    answer((request, reply) => {
      if ((request.query as Query).follow !== 'true') return { events };
      return sendEvents(reply, async function* () {
        for (let index = 0; ; index += 1) {
          while (index >= events.length && !reply.raw.destroyed) await wait(30);
          if (reply.raw.destroyed) return;
          const event = events[index];
          yield `id: ${event?.seq}\nevent: event\ndata: ${JSON.stringify(event)}\n\n`;
        }
      });
    }),
  );
}

/** Twenty lines that there are, and one that comes while they are read. */
async function* componentLines(reply: FastifyReply, name: string): AsyncGenerator<string> {
  const write = (second: number, line: string): string => {
    const at = `2026-03-01T12:00:${String(second).padStart(2, '0')}.000000000Z`;
    return `id: ${at}\nevent: log\ndata: ${JSON.stringify({ at, line })}\n\n`;
  };
  for (let index = 0; index < 20; index += 1) yield write(index, `line ${index} of ${name}`);
  await wait(30);
  yield write(20, 'written later');
  await closed(reply);
}

/** A run as it goes: its log line by line with progress between, then its end. One that has ended comes at once. */
async function* streamRun(mock: MockCluster, find: () => Run, replace: (run: Run) => void): AsyncGenerator<string> {
  const write = (seq: number, event: RunEvent) =>
    `id: ${seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
  const ended = () => ['succeeded', 'failed', 'cancelled'].includes(find().state);
  if (ended()) {
    const failed = find().state === 'failed';
    const count = find().job === 'predict' ? 30_000 : 1_200;
    for (let index = 0; index < count; index += 1) yield write(index, { kind: 'log', line: logLine(index, failed) });
    yield write(count, { kind: 'end', run: find() });
    return;
  }
  yield write(0, { kind: 'state', run: find() });
  for (let index = 0; index < runLines && !ended(); index += 1) {
    if (index > 0) await wait(mock.pace);
    yield write(index + 1, { kind: 'log', line: logLine(index) });
    if (index % 5 !== 0) continue;
    const stagesDone = Math.floor((index / runLines) * 12);
    const progress = {
      stagesDone,
      stagesTotal: 12,
      tasksDone: Math.floor((index / runLines) * 480),
      tasksTotal: 480,
      stage: `count at predict.py:${30 + stagesDone}`,
    };
    yield write(index + 1, { kind: 'progress', progress });
  }
  if (!ended()) {
    const published = find().job === 'predict' ? { predictions: 1200, households: 240 } : {};
    replace({ ...find(), state: 'succeeded', exitCode: 0, finishedAt: new Date().toISOString(), published });
  }
  yield write(runLines + 1, { kind: 'end', run: find() });
}

function registerResultRoutes(app: FastifyInstance): void {
  const config = { scope: 'read' } as const;
  app.get('/api/v1/results', { config }, () => ({ results }));
  app.get<{ Params: { name: string } }>('/api/v1/results/:name', { config }, (request, reply) => {
    const query = new URL(request.url, 'http://mock').searchParams;
    const info = results.find(({ name }) => name === request.params.name);
    if (info === undefined) throw new SparkPlugError('RESULT_NOT_FOUND', 'there is no such result');
    const rows = sortRows(filterRows(rowsOf[info.name] ?? [], query.getAll('where')), query.get('sort'));
    if (query.get('format') === 'csv') {
      const names = info.columns.map(({ name }) => name);
      const lines = rows.map((row) => names.map((name) => String(row[name] ?? '')).join(','));
      return reply.type('text/csv').send(`${[names.join(','), ...lines].join('\n')}\n`);
    }
    const limit = Number(query.get('limit') ?? 100);
    const offset = Number(query.get('offset') ?? 0);
    const { name: result, run, version } = info;
    return { result, run, version, rows: rows.slice(offset, offset + limit), total: rows.length, limit, offset };
  });
}

function filterRows(rows: readonly Row[], where: readonly string[]): readonly Row[] {
  return where.reduce((left, text) => {
    const [column = '', operator = '', ...rest] = text.split(':');
    const value = rest.join(':');
    if (column === 'load_kwh' && Number.isNaN(Number(value))) {
      throw new SparkPlugError('RESULT_QUERY_INVALID', `${value} is no value of load_kwh, which is DOUBLE`);
    }
    return left.filter((row) => {
      const cell = row[column];
      const order = typeof cell === 'number' ? cell - Number(value) : String(cell).localeCompare(value);
      const passes: Readonly<Record<string, boolean>> = {
        eq: order === 0,
        ne: order !== 0,
        lt: order < 0,
        le: order <= 0,
        gt: order > 0,
        ge: order >= 0,
        contains: String(cell).includes(value),
      };
      return passes[operator] === true;
    });
  }, rows);
}

function sortRows(rows: readonly Row[], sort: string | null): readonly Row[] {
  if (sort === null) return rows;
  const [column, sign] = sort.startsWith('-') ? [sort.slice(1), -1] : [sort, 1];
  const order = (a: unknown, b: unknown): number =>
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  return [...rows].sort((a, b) => sign * order(a[column], b[column]));
}

function registerFileRoutes(app: FastifyInstance, files: Map<string, Buffer | null>): void {
  const pathOf = (request: FastifyRequest): string =>
    decodeURIComponent(new URL(request.url, 'http://mock').pathname.slice('/api/v1/hdfs'.length)) || '/';
  const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
  const describe = (path: string): FileStatus => ({
    path,
    kind: files.get(path) === null ? 'folder' : 'file',
    bytes: files.get(path)?.length ?? 0,
    replication: files.get(path) === null ? 0 : 2,
    owner: 'sparkplug',
    modifiedAt: '2026-11-22T08:30:00.000Z',
  });
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: 2 ** 30 },
    (_request, body, done) => done(null, body),
  );
  app.get('/api/v1/hdfs/*', { config: { scope: 'read' } }, (request, reply) => {
    const path = pathOf(request);
    const content = files.get(path);
    if (content === undefined) throw new SparkPlugError('FILE_NOT_FOUND', `${path} is not there`, { met: path });
    if (content !== null) return reply.type('application/octet-stream').send(content);
    const entries = [...files.keys()]
      .filter((other) => other !== '/' && parentOf(other) === path)
      .sort()
      .map(describe);
    return { path, entries };
  });
  app.put<{ Querystring: Query }>('/api/v1/hdfs/*', { config: { scope: 'admin' } }, (request, reply) => {
    const path = pathOf(request);
    if (files.has(path) && request.query.overwrite !== 'true') {
      throw new SparkPlugError('FILE_EXISTS', `${path} is there already`, {
        hint: 'overwrite it, or choose another name',
      });
    }
    files.set(path, request.query.op === 'mkdir' ? null : ((request.body as Buffer | undefined) ?? Buffer.alloc(0)));
    return reply.code(201).send(describe(path));
  });
  app.delete('/api/v1/hdfs/*', { config: { scope: 'admin' } }, (request, reply) => {
    const path = pathOf(request);
    for (const other of files.keys()) if (other === path || other.startsWith(`${path}/`)) files.delete(other);
    return reply.code(204).send();
  });
}

function sendEvents(reply: FastifyReply, source: () => AsyncGenerator<string>): FastifyReply {
  const stream = Readable.from(safely(source), { objectMode: false });
  reply.raw.once('close', () => stream.destroy());
  return reply.header('cache-control', 'no-store').type('text/event-stream').send(stream);
}

async function* safely(source: () => AsyncGenerator<string>): AsyncGenerator<string> {
  yield ': mock\n\n';
  try {
    yield* source();
  } catch (error) {
    yield `event: problem\ndata: ${JSON.stringify(toProblem(error, 'mock'))}\n\n`;
  }
}

function closed(reply: FastifyReply): Promise<void> {
  return new Promise((resolve) => reply.raw.once('close', resolve));
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

if (process.argv[1] !== undefined && join(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const mock = await startMockCluster(Number(process.argv[2] ?? 0));
  for (const scope of ['admin', 'run', 'read'] as const) console.log(`${scope}: ${mock.loginLink(scope)}`);
}
