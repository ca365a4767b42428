// The scheduler's REST routes: read the request, ask the desk, write the answer. Nothing is decided here.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DesiredState } from '../stack/desired-state.ts';
import { hideAddresses, scopeHeader } from './hide-addresses.ts';
import { type ChangeAnswer, type MachineDesk, registerMachineRoutes, sendChange } from './machine-routes.ts';
import { toProblem } from './problem.ts';
import { readIfMatch } from './read-if-match.ts';
import { clusterRoutes } from './routes/cluster-routes.ts';
import { runRoutes } from './routes/run-routes.ts';
import { serviceRoutes } from './routes/service-routes.ts';
import { type JobDesk, registerScheduleRoutes } from './schedule-routes.ts';
import {
  type ClusterEvent,
  type ClusterHistory,
  type ClusterStatus,
  type ComponentLine,
  type ExecEvent,
  type ExecRequest,
  type LogSources,
  type MachineList,
  type NewRun,
  type Operation,
  type ResultInfo,
  type Run,
  type RunEvent,
  type RunList,
  type RunState,
  Scope,
  type SparkApplication,
} from './schemas.ts';
import { serveRoute } from './serve-route.ts';

/** What the scheduler can be asked; its conductor answers. Unknown ids throw RUN_UNKNOWN and OPERATION_UNKNOWN. */
export interface SchedulerDesk extends JobDesk, MachineDesk {
  readonly version: string;
  status(): Promise<ClusterStatus>;
  desired(): { readonly revision: number; readonly desired: DesiredState };
  submitDesired(
    desired: unknown,
    options: { readonly ifMatch: number | null; readonly now: boolean },
  ): Promise<ChangeAnswer>;
  operation(id: string): Operation;
  /** The operation at every change; ends after the final one. */
  followOperation(id: string, signal: AbortSignal): AsyncIterable<Operation>;
  cancelOperation(id: string): Operation;
  startRun(request: {
    readonly job: string;
    readonly newRun: NewRun;
    readonly trigger: 'cli' | 'rest';
    readonly idempotencyKey: string | null;
  }): { readonly run: Run; readonly created: boolean };
  /** One page, newest first; `before` is the `next` of the page before. */
  runs(filter: {
    readonly job?: string;
    readonly state?: RunState;
    readonly limit?: number;
    readonly before?: number;
  }): RunList;
  run(id: string): Run;
  /** `source`: `driver` or `executor-N`. Throws LOG_MISSING. */
  runLog(id: string, source: string): Promise<Readable>;
  logSources(id: string): Promise<LogSources>;
  /** Throws APPLICATION_UNKNOWN. */
  application(id: string): Promise<SparkApplication>;
  followRun(
    id: string,
    from: number,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly seq: number; readonly event: RunEvent }>;
  cancelRun(id: string): Run;
  events(limit: number): ClusterEvent[];
  /** Kept events from `from` on, or the newest `limit` where it is null; then each new one, until the signal. */
  followEvents(from: number | null, limit: number, signal: AbortSignal): AsyncIterable<ClusterEvent>;
  /** Throws COMPONENT_UNKNOWN. */
  componentLog(name: string, tail: number, signal: AbortSignal): Promise<AsyncIterable<ComponentLine>>;
  /** `after`: only what was written later than that. Throws COMPONENT_UNKNOWN. */
  followComponentLog(
    name: string,
    from: { readonly tail: number; readonly after: string | null },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ComponentLine>>;
  results(): ResultInfo[];
  machines(): Promise<MachineList>;
  history(minutes: number): ClusterHistory;
  /** Throws COMPONENT_UNKNOWN, CLUSTER_NOT_READY, AGENT_AWAY. */
  exec(component: string, request: ExecRequest, signal: AbortSignal): AsyncIterable<ExecEvent>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

/** Proxies drop connections that are silent for a minute. */
const heartbeatMs = 15_000;

/** How long a command may be silent before its stream begins: well within what proxies wait for a head. */
const refusalMs = 5_000;

const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

/** Events of the cluster in one answer, where the caller names no number. */
const defaultEvents = 200;

/** Lines of a component's log, where the caller names no number. */
const defaultLines = 500;

/** How far back the history goes, where the caller names no time. */
const defaultMinutes = 60;

/** All routes of the scheduler; who may ask is the application's own concern. */
export function registerSchedulerRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  serveRoute(app, serviceRoutes.health, () => ({ status: 'ok', version: desk.version }));
  serveRoute(app, serviceRoutes.metrics, async (_input, _request, reply) =>
    reply.type(metricsType).send(await desk.metrics()),
  );
  app.get('/internal/results', () => ({ results: desk.results() }));
  app.get<{ Params: { id: string } }>('/internal/applications/:id', ({ params }) => desk.application(params.id));
  serveRoute(app, clusterRoutes.events, ({ query }, request, reply) => {
    const { limit = defaultEvents } = query;
    const wantsStream = query.follow || (request.headers.accept ?? '').includes('text/event-stream');
    if (!wantsStream) return { events: desk.events(limit) };
    const from = readFrom(request, query.from ?? null);
    return sendEvents(request, reply, (signal) => clusterEvents(desk.followEvents(from, limit, signal)));
  });
  serveRoute(app, clusterRoutes.componentLog, async ({ params: { name }, query, headers }, request, reply) => {
    const { tail = defaultLines } = query;
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    if (query.follow || (request.headers.accept ?? '').includes('text/event-stream')) {
      const from = { tail, after: headers['last-event-id'] ?? null };
      const lines = await desk.followComponentLog(name, from, left.signal);
      return sendEvents(request, reply, () => componentLines(lines));
    }
    const lines = await desk.componentLog(name, tail, left.signal);
    return reply.type('text/plain; charset=utf-8').send(Readable.from(asText(lines), { objectMode: false }));
  });
  registerClusterRoutes(app, desk);
  registerMachineRoutes(app, desk);
  registerOperationRoutes(app, desk);
  registerRunRoutes(app, desk);
  registerScheduleRoutes(app, desk);
}

function registerClusterRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  serveRoute(app, clusterRoutes.status, () => desk.status());
  serveRoute(app, clusterRoutes.machines, () => desk.machines());
  serveRoute(app, clusterRoutes.history, ({ query }) => desk.history(query.minutes ?? defaultMinutes));
  serveRoute(app, clusterRoutes.exec, async ({ params, body }, request, reply) => {
    const left = new AbortController();
    const output = desk.exec(params.name, body, left.signal)[Symbol.asyncIterator]();
    const first = output.next();
    // A refusal comes soon and is an answer of its own; whatever comes later is a part of the stream.
    const patience = startTimer(refusalMs);
    await Promise.race([first, patience.elapsed]).finally(patience.stop);
    return sendEvents(request, reply, (signal) => {
      signal.addEventListener('abort', () => left.abort(signal.reason), { once: true });
      return execEvents(first, output);
    });
  });
  serveRoute(app, clusterRoutes.desired, (_input, request, reply) => {
    const { revision, desired } = desk.desired();
    const scope = Scope.safeParse(request.headers[scopeHeader]).data ?? null;
    return reply.header('etag', `"${revision}"`).send({ revision, desired: hideAddresses(desired, scope) });
  });
  serveRoute(app, clusterRoutes.submitDesired, async ({ body, query, headers }, _request, reply) => {
    const answer = await desk.submitDesired(body, { ifMatch: readIfMatch(headers['if-match']), now: query.now });
    return sendChange(reply, answer);
  });
}

function registerOperationRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  serveRoute(app, clusterRoutes.operation, ({ params }) => desk.operation(params.id));
  serveRoute(app, clusterRoutes.cancelOperation, ({ params }, _request, reply) =>
    reply.code(202).send(desk.cancelOperation(params.id)),
  );
  serveRoute(app, clusterRoutes.operationEvents, ({ params }, request, reply) => {
    const { id } = desk.operation(params.id);
    return sendEvents(request, reply, (signal) => operationEvents(desk.followOperation(id, signal)));
  });
}

function registerRunRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  serveRoute(app, runRoutes.start, ({ params, headers, body: newRun }, _request, reply) => {
    const idempotencyKey = headers['idempotency-key'] ?? null;
    // Only the command line brings the job's definition and image along.
    const trigger = newRun.definition === undefined ? 'rest' : 'cli';
    const { run, created } = desk.startRun({ job: params.job, newRun, trigger, idempotencyKey });
    return reply
      .code(created ? 201 : 200)
      .header('location', `/api/v1/runs/${run.id}`)
      .send(run);
  });
  serveRoute(app, runRoutes.list, ({ query: { job, state, limit, before } }) =>
    desk.runs({
      ...(job === undefined ? {} : { job }),
      ...(state === undefined ? {} : { state }),
      ...(limit === undefined ? {} : { limit }),
      ...(before === undefined ? {} : { before: Number(before) }),
    }),
  );
  serveRoute(app, runRoutes.show, ({ params }) => desk.run(params.id));
  serveRoute(app, runRoutes.logs, async ({ params, query }, _request, reply) =>
    reply.type('text/plain; charset=utf-8').send(await desk.runLog(params.id, query.source ?? 'driver')),
  );
  serveRoute(app, runRoutes.logSources, ({ params }) => desk.logSources(params.id));
  serveRoute(app, runRoutes.cancel, ({ params }, _request, reply) => reply.code(202).send(desk.cancelRun(params.id)));
  serveRoute(app, runRoutes.events, ({ params, query }, request, reply) => {
    const { id } = desk.run(params.id);
    const from = readFrom(request, query.from ?? null) ?? 0;
    return sendEvents(request, reply, (signal) => runEvents(desk.followRun(id, from, signal)));
  });
}

/** A browser that reconnects names the last event it has; otherwise the query says where to begin. */
function readFrom(request: FastifyRequest, from: number | null): number | null {
  const last = request.headers['last-event-id'];
  return typeof last === 'string' && /^\d{1,15}$/.test(last) ? Number(last) + 1 : from;
}

async function* operationEvents(operations: AsyncIterable<Operation>): AsyncGenerator<string> {
  for await (const operation of operations) yield `event: operation\ndata: ${JSON.stringify(operation)}\n\n`;
}

async function* execEvents(
  first: Promise<IteratorResult<ExecEvent>>,
  output: AsyncIterator<ExecEvent>,
): AsyncGenerator<string> {
  for (let next = await first; next.done !== true; next = await output.next()) {
    const part = next.value;
    if (part.kind === 'exit') {
      yield `event: exit\ndata: ${JSON.stringify({ exitCode: part.exitCode })}\n\n`;
    } else {
      const data = Buffer.from(part.bytes).toString('base64');
      yield `event: output\ndata: ${JSON.stringify({ source: part.source, data })}\n\n`;
    }
  }
}

async function* clusterEvents(events: AsyncIterable<ClusterEvent>): AsyncGenerator<string> {
  for await (const event of events) yield `id: ${event.seq}\nevent: event\ndata: ${JSON.stringify(event)}\n\n`;
}

async function* componentLines(lines: AsyncIterable<ComponentLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `id: ${line.at}\nevent: log\ndata: ${JSON.stringify(line)}\n\n`;
}

async function* asText(lines: AsyncIterable<ComponentLine>): AsyncGenerator<string> {
  for await (const { line } of lines) yield `${line}\n`;
}

async function* runEvents(events: ReturnType<SchedulerDesk['followRun']>): AsyncGenerator<string> {
  for await (const { seq, event } of events) {
    yield `id: ${seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}

/** Sends server-sent events at the pace of the reader; the source stops when the reader leaves. */
function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncGenerator<string>,
): FastifyReply {
  const left = new AbortController();
  reply.raw.once('close', () => left.abort());
  const stream = Readable.from(withHeartbeat(source(left.signal), request, left.signal), { objectMode: false });
  return reply.header('cache-control', 'no-store').type('text/event-stream; charset=utf-8').send(stream);
}

/** Adds a comment where nothing happens for long. A bug ends the stream with a last event that says so. */
async function* withHeartbeat(
  source: AsyncGenerator<string>,
  request: FastifyRequest,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // The first bytes carry the head along before anything has happened.
  yield ': sparkplug\n\n';
  let next = source.next();
  try {
    for (;;) {
      const beat = startTimer(heartbeatMs);
      const item = await Promise.race([next, beat.elapsed]);
      beat.stop();
      if (item === null) {
        yield ': still here\n\n';
        continue;
      }
      if (item.done === true) return;
      yield item.value;
      next = source.next();
    }
  } catch (error) {
    if (signal.aborted) return;
    yield `event: problem\ndata: ${JSON.stringify(toProblem(error, request.id))}\n\n`;
  } finally {
    next.catch(() => undefined);
  }
}

function startTimer(milliseconds: number): { readonly elapsed: Promise<null>; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), milliseconds).unref();
  });
  return { elapsed, stop: () => clearTimeout(timer) };
}
