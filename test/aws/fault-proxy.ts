// Stands between the SDK and moto, counts calls, and lets one of them fail.
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** `lost`: the call has worked, and its answer never arrives. The others: it has not. */
export type Fault = 'error' | 'throttling' | 'cut' | 'lost';

/** What a service says instead of doing it: an error with a code of its own, or an answer in JSON. */
export type Answer = { readonly code: string; readonly message: string } | { readonly json: unknown };

export interface FaultProxy {
  readonly url: string;
  /** Actions since the last `reset`, in their order: `RunInstances`, `GetParametersByPath`. */
  calls(): readonly string[];
  /** Counts from 1 again; the n-th call from now fails, null for none. */
  reset(failing?: { readonly call: number; readonly fault: Fault } | null): void;
  /** From now on an action is answered so; null: by the stand-in again. */
  answer(action: string, answer: Answer | null): void;
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  let calls: string[] = [];
  const answers = new Map<string, Answer>();
  let failing: { readonly call: number; readonly fault: Fault } | null = null;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const action = actionOf(request, body);
    calls.push(action);
    const fault = failing?.call === calls.length ? failing.fault : null;
    if (fault === 'cut') {
      response.destroy();
      return;
    }
    if (fault === 'error' || fault === 'throttling') {
      const [status, code] = fault === 'error' ? [500, 'InternalError'] : [503, 'RequestLimitExceeded'];
      refuse(request, response, { status, code, message: 'made by the test' });
      return;
    }
    const fixed = answers.get(action);
    if (fixed !== undefined) {
      if ('json' in fixed) sendJson(response, 200, fixed.json);
      else refuse(request, response, { status: 400, ...fixed });
      return;
    }
    const { method, url: path, headers } = request;
    const passed = forward({ hostname, port, method, path, headers }, (answer) => {
      if (fault === 'lost') {
        answer.resume().on('end', () => response.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    passed.end(body);
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => calls,
    reset: (next = null) => {
      calls = [];
      failing = next;
    },
    answer: (action, answer) => {
      if (answer === null) answers.delete(action);
      else answers.set(action, answer);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function actionOf({ headers, method, url }: IncomingMessage, body: Buffer): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.').at(-1) ?? target;
  return /(?:^|&)Action=(\w+)/.exec(body.toString('utf8'))?.[1] ?? `${method} ${url}`;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** In the words of each protocol: JSON, or the XML of services with queries. */
function refuse({ headers }: IncomingMessage, response: ServerResponse, { status, code, message }: Refusal): void {
  if (headers['x-amz-target'] !== undefined) {
    sendJson(response, status, { __type: code, message });
    return;
  }
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const isEc2 = /\/ec2\/aws4_request/.test(headers.authorization ?? '');
  response.writeHead(status, { 'content-type': 'text/xml' });
  response.end(
    isEc2
      ? `<Response><Errors>${error}</Errors><RequestID>test</RequestID></Response>`
      : `<ErrorResponse>${error}<RequestId>test</RequestId></ErrorResponse>`,
  );
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
}
