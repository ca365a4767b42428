// One upload to a DataNode. By node:http: a DataNode answers `100 Continue` unasked, which undici takes for an error.
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

export interface SendOptions {
  /** Until the answer, after the last byte: the slowest disk of the pipeline closes the file meanwhile. */
  readonly answerTimeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A connection to the server of this URL, before anything of a file is sent. `timeoutMs`: ETIMEDOUT after that. */
export async function connectTo(url: string, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const limit = AbortSignal.timeout(timeoutMs);
  const giveUp = (): void => void socket.destroy(timedOut('connect'));
  limit.addEventListener('abort', giveUp);
  try {
    await once(socket, 'connect', signal === undefined ? {} : { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    limit.removeEventListener('abort', giveUp);
  }
}

/**
 * Sends the stream as the body of a PUT over a fresh connection, which ends with it, and gives the answer, also one that
 * comes before the end of the body.
 */
export async function sendFile(
  connection: Socket,
  url: string,
  content: Readable,
  options: SendOptions,
): Promise<{ status: number; body: string }> {
  const request = httpRequest(url, {
    method: 'PUT',
    // A DataNode serves one request per connection.
    createConnection: () => connection,
    headers: { 'content-type': 'application/octet-stream', connection: 'close' },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request
      .once('response', resolve)
      .once('error', reject)
      .once('close', () => reject(connectionClosed()));
  });
  const sent = pipeline(content, request).then(() => limitAnswer(request, options.answerTimeoutMs));
  try {
    // A refusal may come in the middle of the body; the pipe that breaks then says less.
    const answer = await Promise.race([
      answered,
      sent.then(
        () => answered,
        (error) => settleSoon(answered, error),
      ),
    ]);
    return { status: answer.statusCode ?? 0, body: await text(answer) };
  } finally {
    request.destroy();
    await Promise.allSettled([answered, sent]);
  }
}

/** The answer that is already there or on its way through the event loop, else the error. */
async function settleSoon(answered: Promise<IncomingMessage>, error: unknown): Promise<IncomingMessage> {
  const soon = new Promise<null>((resolve) => setImmediate(() => setImmediate(resolve, null)));
  const answer = await Promise.race([answered.catch(() => null), soon]);
  if (answer === null) throw error;
  return answer;
}

function limitAnswer(request: ClientRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.destroy(timedOut('answer')), timeoutMs);
  request.once('response', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}

function timedOut(what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the DataNode did not ${what} in time`), { code: 'ETIMEDOUT', syscall: what });
}

function connectionClosed(): NodeJS.ErrnoException {
  return Object.assign(new Error('the DataNode closed the connection'), { code: 'ECONNRESET', syscall: 'read' });
}
