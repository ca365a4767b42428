// The agent of one machine, over HTTPS with a certificate on both sides.
import type { Readable } from 'node:stream';
import { type Dispatcher, Agent as HttpAgent } from 'undici';
import { z } from 'zod';
import { isErrorCode, SparkPlugError } from '../../errors.ts';
import type { ContainerUse } from '../docker/container-stats.ts';
import type { PipedOutput, PipeOptions } from '../docker/docker.ts';
import {
  type AgentSignal,
  agentPaths,
  Images,
  inputType,
  type Notice,
  NoticeAnswer,
  OutputLine,
  Problem,
  Pruned,
  Uses,
} from './agent-protocol.ts';

export interface AgentCredentials {
  /** PEM: the authority that vouches for agents. */
  readonly ca: string;
  /** PEM: what this caller shows. */
  readonly cert: string;
  readonly key: string;
  /** Name in every agent's certificate. */
  readonly host: string;
}

/**
 * One machine's agent. Whatever does not bear the project's label is refused.
 * Errors: AGENT_AWAY naming the machine; COMPONENT_UNKNOWN for what is not the project's; else what Docker said there.
 */
export interface AgentClient {
  uses(options: { readonly timeoutMs: number }): Promise<readonly ContainerUse[]>;
  /** Whether the machine's provider takes it away soon; null: nothing was said. */
  notice(options: { readonly timeoutMs: number }): Promise<Notice | null>;
  exec(container: string, command: readonly string[], options?: PipeOptions): AsyncIterable<PipedOutput>;
  signal(container: string, signal: AgentSignal): Promise<void>;
  /** One that is gone is no error. */
  removeVolume(name: string): Promise<void>;
  images(): Promise<readonly { readonly id: string; readonly tags: readonly string[]; readonly sizeBytes: number }[]>;
  /** Removes the cluster's images that no container uses but those named; the names removed. */
  pruneImages(keep: readonly string[]): Promise<readonly string[]>;
}

export interface AgentClients {
  /** @param machine for messages @param url `https://agent-big:7443` */
  connect(machine: string, url: string): AgentClient;
  close(): Promise<void>;
}

const answerTimeoutMs = 150_000;
const connectTimeoutMs = 5_000;
/** A signal is one call of Docker. A connection that was open when its machine went tells by its silence only. */
const signalTimeoutMs = 20_000;

type Request = Pick<Dispatcher.RequestOptions, 'method' | 'path'> & {
  readonly headersTimeout?: number;
  readonly body?: string | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

/** Connects when it is first asked. */
export function createAgentClients({ ca, cert, key, host }: AgentCredentials): AgentClients {
  const http = new HttpAgent({
    connect: { ca, cert, key, servername: host, timeout: connectTimeoutMs },
    headersTimeout: answerTimeoutMs,
    // A command may be silent for as long as it likes.
    bodyTimeout: 0,
  });
  return { connect: (machine, url) => createClient(http, machine, url), close: () => http.destroy() };
}

function createClient(http: HttpAgent, machine: string, origin: string): AgentClient {
  const send = async ({ headers = {}, body, signal, ...request }: Request): Promise<Dispatcher.ResponseData> => {
    const options = { ...request, origin, headers, body: body ?? null, ...(signal === undefined ? {} : { signal }) };
    const answer = await http.request(options).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw away(machine, cause);
    });
    if (answer.statusCode < 300) return answer;
    throw toError(machine, answer.statusCode, await answer.body.text());
  };
  const ask = async <T>(schema: z.ZodType<T>, request: Request): Promise<T> => {
    const answer = await send(request);
    const value: unknown = await answer.body.json().catch((cause: unknown) => {
      throw away(machine, cause);
    });
    return schema.parse(value);
  };
  const tell = async (request: Request): Promise<void> => {
    await (await send(request)).body.dump();
  };
  const json = (value: unknown) => ({
    body: JSON.stringify(value),
    headers: { 'content-type': 'application/json' },
  });

  return {
    uses: async ({ timeoutMs }) => {
      const signal = AbortSignal.timeout(timeoutMs);
      return (await ask(Uses, { method: 'GET', path: agentPaths.uses, signal })).containers;
    },
    notice: async ({ timeoutMs }) => {
      const signal = AbortSignal.timeout(timeoutMs);
      return (await ask(NoticeAnswer, { method: 'GET', path: agentPaths.notice, signal })).notice;
    },
    async *exec(container, command, { input, signal } = {}) {
      const query = new URLSearchParams({ command: JSON.stringify(command) });
      const path = `${agentPaths.exec(encodeURIComponent(container))}?${query}`;
      const sent = input === undefined ? {} : { body: input, headers: { 'content-type': inputType } };
      const { body } = await send({ method: 'POST', path, signal, ...sent });
      yield* readOutput(machine, body, signal);
    },
    signal: (container, signal) =>
      tell({
        ...{ method: 'POST', path: agentPaths.signal(encodeURIComponent(container)), headersTimeout: signalTimeoutMs },
        ...json({ signal }),
      }),
    removeVolume: (name) => tell({ method: 'DELETE', path: agentPaths.volume(encodeURIComponent(name)) }),
    images: async () => (await ask(Images, { method: 'GET', path: agentPaths.images })).images,
    pruneImages: async (keep) =>
      (await ask(Pruned, { method: 'POST', path: agentPaths.prune, ...json({ keep }) })).removed,
  };
}

async function* readOutput(
  machine: string,
  body: Readable,
  signal: AbortSignal | undefined,
): AsyncGenerator<PipedOutput> {
  // Leaving early ends the transfer, which undici reports as an error of its own.
  body.on('error', () => undefined);
  try {
    for await (const text of splitLines(body)) {
      const line = OutputLine.parse(JSON.parse(text));
      if ('exitCode' in line) {
        yield { kind: 'exit', exitCode: line.exitCode };
        return;
      }
      if ('failure' in line) throw new SparkPlugError('DOCKER_FAILED', line.failure, { place: machine });
      const [source, data] = 'stdout' in line ? (['stdout', line.stdout] as const) : (['stderr', line.stderr] as const);
      yield { kind: 'output', source, bytes: Buffer.from(data, 'base64') };
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof SparkPlugError || error instanceof z.ZodError ? error : away(machine, error);
  } finally {
    body.destroy();
  }
  throw away(machine, new Error('the output broke off before the command had ended'));
}

/** What follows the last line feed is no whole line and is dropped. */
async function* splitLines(body: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function away(machine: string, cause: unknown): SparkPlugError {
  const met = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : String(cause);
  return new SparkPlugError('AGENT_AWAY', `the agent on ${machine} does not answer`, {
    place: machine,
    met,
    hint: 'it is started again by itself where its machine is up; sparkplug status',
    cause,
  });
}

function toError(machine: string, status: number, text: string): SparkPlugError {
  const problem = Problem.safeParse(parseJson(text));
  if (!problem.success) return away(machine, new Error(`it answered ${status}`));
  const { code, detail, hint } = problem.data;
  const known = isErrorCode(code) ? code : 'DOCKER_FAILED';
  return new SparkPlugError(known, detail, { place: machine, ...(hint === undefined ? {} : { hint }) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
