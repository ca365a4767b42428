// Streams of server-sent events that are taken up again where they broke off.
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import { type CallOptions, check, type Open, parseJson, route, signalOf } from './exchange.ts';
import { Operation, RunEvent } from './schemas.ts';
import { parseServerSentEvents, type ServerSentEvent } from './server-sent-events.ts';

export interface FollowOptions extends CallOptions {
  /** First event wanted; 0, the default, replays from the beginning. */
  readonly from?: number;
}

/** One event of a run with its number in the run's stream. */
export interface NumberedRunEvent {
  readonly seq: number;
  readonly event: RunEvent;
}

/** Replay and then live; ends after the event `end`. */
export async function* followRun(
  open: Open,
  id: string,
  options: FollowOptions,
  reconnectMs: number,
): AsyncGenerator<NumberedRunEvent> {
  const path = route`/api/v1/runs/${id}/events`;
  let next = options.from ?? 0;
  const connect = (): Promise<IncomingMessage> =>
    open({ method: 'GET', path, query: { from: next }, headers: sseHeaders, ...signalOf(options) });
  for await (const message of reconnecting(connect, reconnectMs, options.signal)) {
    const event = RunEvent.safeParse(parseJson(message.data));
    // An event kind of a newer conductor is passed over.
    if (!event.success) continue;
    const seq = Number(message.id);
    if (seq < next) continue;
    next = seq + 1;
    yield { seq, event: event.data };
    if (event.data.kind === 'end') return;
  }
}

/** The operation at every change; ends after the final one. */
export async function* followOperation(
  open: Open,
  id: string,
  options: CallOptions,
  reconnectMs: number,
): AsyncGenerator<Operation> {
  const path = route`/api/v1/operations/${id}/events`;
  const connect = (): Promise<IncomingMessage> =>
    open({ method: 'GET', path, headers: sseHeaders, ...signalOf(options) });
  for await (const message of reconnecting(connect, reconnectMs, options.signal)) {
    if (message.event !== 'operation') continue;
    const operation = check(Operation, parseJson(message.data), path);
    yield operation;
    if (operation.state !== 'running') return;
  }
}

const sseHeaders = { accept: 'text/event-stream' };

/**
 * Events of one stream over as many connections as it takes: web and scheduler may restart while one watches.
 * The consumer stops at its final event, so an end of the stream before that is a broken connection.
 */
async function* reconnecting(
  connect: () => Promise<IncomingMessage>,
  reconnectMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerSentEvent> {
  let brokenSince: number | null = null;
  let cause: unknown;
  for (;;) {
    try {
      for await (const message of parseServerSentEvents(await connect())) {
        brokenSince = null;
        yield message;
      }
      cause = undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SparkPlugError && !passing.has(error.code)) throw error;
      cause = error;
    }
    brokenSince ??= performance.now();
    if (performance.now() - brokenSince >= reconnectMs) throw brokenOff(cause);
    await delay(reconnectPauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

const reconnectPauseMs = 500;
/** What goes away by itself when a conductor container is restarted. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['CLUSTER_UNREACHABLE', 'SCHEDULER_AWAY']);

function brokenOff(cause: unknown): unknown {
  if (cause instanceof SparkPlugError) return cause;
  return new SparkPlugError('CLUSTER_UNREACHABLE', 'the connection to the cluster broke off and did not come back', {
    hint: 'sparkplug status',
    cause,
  });
}
