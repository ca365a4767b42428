// The scheduler's REST routes: read the request, ask the desk, write the answer. Nothing is decided here.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SparkPlugError } from '../errors.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { parseRequest } from './parse-request.ts';
import { toProblem } from './problem.ts';
import {
  type ClusterEvent,
  type ClusterStatus,
  NewRun,
  type Operation,
  type ResultInfo,
  type Run,
  type RunEvent,
  RunState,
} from './schemas.ts';

/** What the scheduler can be asked; its conductor answers. Unknown ids throw RUN_UNKNOWN and OPERATION_UNKNOWN. */
export interface SchedulerDesk {
  readonly version: string;
  status(): Promise<ClusterStatus>;
  desired(): { readonly revision: number; readonly desired: DesiredState };
  submitDesired(
    desired: unknown,
    options: { readonly ifMatch: number | null; readonly now: boolean },
  ): Promise<
    | { readonly kind: 'unchanged'; readonly revision: number }
    | { readonly kind: 'accepted'; readonly operation: Operation }
  >;
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
  runs(filter: { readonly job?: string; readonly state?: RunState; readonly limit?: number }): Run[];
  run(id: string): Run;
  runLog(id: string): Promise<Readable>;
  followRun(
    id: string,
    from: number,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly seq: number; readonly event: RunEvent }>;
  cancelRun(id: string): Run;
  events(limit: number): ClusterEvent[];
  results(): ResultInfo[];
}

/** Proxies drop connections that are silent for a minute. */
const heartbeatMs = 15_000;

const RunQuery = z.object({
  job: z.string().optional(),
  state: RunState.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});
const EventQuery = z.object({ limit: z.coerce.number().int().min(1).max(2000).optional() });
const FollowQuery = z.object({ from: z.coerce.number().int().min(0).optional() });
const SubmitQuery = z.object({ now: z.enum(['true', 'false']).optional() });

/** All routes of the scheduler; who may ask is the application's own concern. */
export function registerSchedulerRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  app.get('/healthz', { config: { open: true } }, () => ({ status: 'ok', version: desk.version }));
  app.get('/internal/results', () => ({ results: desk.results() }));
  app.get('/api/v1/events', (request) => {
    const { limit = 200 } = parseRequest(EventQuery, request.query, 'query');
    return { events: desk.events(limit) };
  });
  registerClusterRoutes(app, desk);
  registerOperationRoutes(app, desk);
  registerRunRoutes(app, desk);
}

function registerClusterRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  app.get('/api/v1/cluster', () => desk.status());
  app.get('/api/v1/cluster/desired', (_request, reply) => {
    const answer = desk.desired();
    return reply.header('etag', `"${answer.revision}"`).send(answer);
  });
  app.put('/api/v1/cluster/desired', async (request, reply) => {
    const { now } = parseRequest(SubmitQuery, request.query, 'query');
    const options = { ifMatch: readIfMatch(request), now: now === 'true' };
    const answer = await desk.submitDesired(request.body, options);
    if (answer.kind === 'unchanged') return reply.send({ revision: answer.revision, unchanged: true });
    const { id } = answer.operation;
    return reply.code(202).header('location', `/api/v1/operations/${id}`).send({ operation: id });
  });
}

function registerOperationRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  app.get<{ Params: { id: string } }>('/api/v1/operations/:id', ({ params }) => desk.operation(params.id));
  app.post<{ Params: { id: string } }>('/api/v1/operations/:id/cancel', ({ params }, reply) =>
    reply.code(202).send(desk.cancelOperation(params.id)),
  );
  app.get<{ Params: { id: string } }>('/api/v1/operations/:id/events', (request, reply) => {
    const { id } = desk.operation(request.params.id);
    return sendEvents(request, reply, (signal) => operationEvents(desk.followOperation(id, signal)));
  });
}

function registerRunRoutes(app: FastifyInstance, desk: SchedulerDesk): void {
  app.post<{ Params: { job: string } }>('/api/v1/jobs/:job/runs', (request, reply) => {
    const newRun = parseRequest(NewRun, request.body ?? {}, 'body');
    const key = readHeader(request, 'idempotency-key');
    // Only the command line brings the job's definition and image along.
    const trigger = newRun.definition === undefined ? 'rest' : 'cli';
    const { run, created } = desk.startRun({ job: request.params.job, newRun, trigger, idempotencyKey: key });
    return reply
      .code(created ? 201 : 200)
      .header('location', `/api/v1/runs/${run.id}`)
      .send(run);
  });
  app.get('/api/v1/runs', (request) => {
    const { job, state, limit } = parseRequest(RunQuery, request.query, 'query');
    const filter = { ...(job && { job }), ...(state && { state }), ...(limit && { limit }) };
    return { runs: desk.runs(filter) };
  });
  app.get<{ Params: { id: string } }>('/api/v1/runs/:id', ({ params }) => desk.run(params.id));
  app.get<{ Params: { id: string } }>('/api/v1/runs/:id/logs', async ({ params }, reply) =>
    reply.type('text/plain; charset=utf-8').send(await desk.runLog(params.id)),
  );
  app.post<{ Params: { id: string } }>('/api/v1/runs/:id/cancel', ({ params }, reply) =>
    reply.code(202).send(desk.cancelRun(params.id)),
  );
  app.get<{ Params: { id: string } }>('/api/v1/runs/:id/events', (request, reply) => {
    const { id } = desk.run(request.params.id);
    const from = readFrom(request);
    return sendEvents(request, reply, (signal) => runEvents(desk.followRun(id, from, signal)));
  });
}

/** A browser that reconnects names the last event it has; otherwise the query says where to begin. */
function readFrom(request: FastifyRequest): number {
  const last = readHeader(request, 'last-event-id');
  if (last !== null && /^\d+$/.test(last)) return Number(last) + 1;
  return parseRequest(FollowQuery, request.query, 'query').from ?? 0;
}

function readIfMatch(request: FastifyRequest): number | null {
  const value = readHeader(request, 'if-match');
  if (value === null || value.trim() === '*') return null;
  const revision = /^\s*(?:W\/)?"?(\d+)"?\s*$/.exec(value)?.[1];
  if (revision !== undefined) return Number(revision);
  const hint = 'If-Match: "7"';
  throw new SparkPlugError('REQUEST_INVALID', 'If-Match names no revision', { place: 'If-Match', met: value, hint });
}

function readHeader(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

async function* operationEvents(operations: AsyncIterable<Operation>): AsyncGenerator<string> {
  for await (const operation of operations) yield `event: operation\ndata: ${JSON.stringify(operation)}\n\n`;
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
