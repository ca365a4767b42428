import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import { defineRun } from '../runs/define-run.fixture.ts';
import { type ApiClient, createApiClient } from './client.ts';
import type { Operation } from './schemas.ts';
import { formatServerSentEvent } from './server-sent-events.fixture.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let client: ApiClient;
let handle: Handler;
let asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];

before(async () => {
  server = createServer((request, response) => handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createApiClient({ baseUrl, token: 't', timeoutMs: 2_000, reconnectMs: 5_000 });
});
after(() => {
  server.close();
  server.closeAllConnections();
});

function answerJson(body: unknown, status = 200, headers: Record<string, string> = {}): void {
  asked = [];
  handle = (request, response) => {
    void text(request).then((sent) => {
      const { method = '', url = '', headers: got } = request;
      asked.push({ method, url, headers: got, body: sent });
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    });
  };
}

const withCode = (code: ErrorCode) => (error: unknown) => error instanceof SparkPlugError && error.code === code;
const run = defineRun({ id: 'r1', job: 'j', queuedAt: 'q', state: 'running', trigger: 'cli' });
const operation: Operation = {
  id: 'o1',
  kind: 'apply',
  state: 'running',
  revision: 1,
  steps: [],
  failure: null,
  startedAt: 's',
  finishedAt: null,
};

describe('plain routes', () => {
  it('send what the contract says', async () => {
    answerJson(run, 201);
    await client.startRun('a job/ü', { args: ['x'] }, { idempotencyKey: 'k' });
    assert.deepEqual(
      asked.map(({ method, url, body }) => [method, url, body]),
      [['POST', '/api/v1/jobs/a%20job%2F%C3%BC/runs', '{"args":["x"]}']],
    );
    assert.equal(asked[0]?.headers['idempotency-key'], 'k');
    assert.equal(asked[0]?.headers.authorization, 'Bearer t');
    answerJson({ runs: [run] });
    assert.deepEqual(await client.runs({ job: 'j', state: 'running', limit: 5 }), [run]);
    assert.equal(asked[0]?.url, '/api/v1/runs?job=j&state=running&limit=5');
    answerJson({ result: 'r', run: 'x', version: 1, rows: [], total: 0, limit: 1, offset: 0 });
    await client.result('r', { where: { a: '1', limit: '2', 'where.b': '3' }, limit: 1 });
    assert.equal(asked[0]?.url, '/api/v1/results/r?a=1&where.limit=2&where.where.b=3&limit=1');
    answerJson([{ a: 1 }], 200, { 'x-sparkplug-run': 'x', 'x-sparkplug-version': '4' });
    assert.deepEqual(await client.resultByKey('r', 'a/b'), { run: 'x', version: '4', value: [{ a: 1 }] });
    assert.equal(asked[0]?.url, '/api/v1/results/r/a%2Fb');
  });

  it('never resolve a path themselves: the server shall refuse it by name', async () => {
    answerJson(run);
    await client.run('..');
    assert.equal(asked[0]?.url, '/api/v1/runs/..');
    answerJson({ path: '/', kind: 'folder', bytes: 0, replication: 0, owner: 'o', modifiedAt: 'm' });
    await client.fileStatus('/a/../b c');
    assert.equal(asked[0]?.url, '/api/v1/hdfs/a/../b%20c?op=status');
  });

  it('ask for as many pages of runs as are wanted', async () => {
    const urls: string[] = [];
    handle = (request, response) => {
      urls.push(request.url ?? '');
      const next = urls.length < 3 ? String(100 - urls.length) : null;
      const runs = Array.from({ length: 1000 }, () => run);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ runs, next }));
    };
    assert.equal((await client.runs({ limit: 2500 })).length, 3000);
    assert.deepEqual(urls, [
      '/api/v1/runs?limit=1000',
      '/api/v1/runs?limit=1000&before=99',
      '/api/v1/runs?limit=500&before=98',
    ]);
    urls.length = 0;
    await client.runs();
    assert.deepEqual(urls, ['/api/v1/runs']);
  });

  it('stream rows as they come', async () => {
    asked = [];
    handle = (request, response) => {
      asked.push({ method: '', url: request.url ?? '', headers: {}, body: '' });
      response.writeHead(200, { 'content-type': 'text/csv' }).end('a\r\n1\r\n');
    };
    const rows = await client.resultRows('r', 'csv', { where: { sort: '1' }, sort: ['-a', 'b'] });
    assert.equal(await text(rows), 'a\r\n1\r\n');
    assert.equal(asked[0]?.url, '/api/v1/results/r?where.sort=1&sort=-a%2Cb&format=csv');
  });

  it('tell an accepted desired state from an unchanged one', async () => {
    const desired = {} as Parameters<ApiClient['submitDesiredState']>[0];
    answerJson({ operation: 'o7' }, 202);
    assert.deepEqual(await client.submitDesiredState(desired, { ifMatch: 3, now: true }), {
      kind: 'accepted',
      operation: 'o7',
    });
    assert.deepEqual([asked[0]?.url, asked[0]?.headers['if-match']], ['/api/v1/cluster/desired?now=true', '"3"']);
    answerJson({ revision: 3, unchanged: true });
    assert.deepEqual(await client.submitDesiredState(desired), { kind: 'unchanged', revision: 3 });
  });

  it('throw problems with code, hint and findings', async () => {
    const problems = [{ place: 'spark.worker', message: 'too large', met: '9', hint: 'less' }];
    answerJson(
      { type: 'x', title: 'x', status: 409, code: 'CLUSTER_BUSY', detail: 'busy', hint: 'wait', problems },
      409,
    );
    await assert.rejects(client.cancelRun('r'), (error) => {
      assert.ok(error instanceof SparkPlugError);
      assert.deepEqual(
        [error.code, error.message, error.hint, error.problems],
        ['CLUSTER_BUSY', 'busy', 'wait', problems],
      );
      return true;
    });
    answerJson({ type: 'x', title: 'x', status: 418, code: 'FROM_THE_FUTURE', detail: 'odd' }, 418);
    await assert.rejects(
      client.run('r'),
      (error) =>
        error instanceof SparkPlugError && error.code === 'API_FAILED' && /FROM_THE_FUTURE: odd/.test(error.message),
    );
    answerJson({ unexpected: true });
    await assert.rejects(client.run('r'), withCode('API_FAILED'));
    handle = (_request, response) => response.writeHead(200).end('<html>');
    await assert.rejects(client.run('r'), withCode('API_FAILED'));
  });

  it('say when nobody answers, and stop when told', async () => {
    handle = (request) => request.socket.destroy();
    await assert.rejects(client.run('r'), withCode('CLUSTER_UNREACHABLE'));
    handle = () => undefined;
    const impatient = createApiClient({
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: 't',
      timeoutMs: 50,
    });
    await assert.rejects(impatient.run('r'), withCode('CLUSTER_UNREACHABLE'));
    const reason = new Error('interrupted');
    const controller = new AbortController();
    const waiting = client.run('r', { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, reason);
  });

  it('tell a connection that breaks off in the middle of the answer', async () => {
    handle = (_request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('half', () => response.destroy());
    };
    await assert.rejects(client.run('r'), withCode('CLUSTER_UNREACHABLE'));
    const { stream } = await client.readFile('/x');
    await assert.rejects(text(stream), withCode('CLUSTER_UNREACHABLE'));
  });

  it('give the refusal of an upload, not the broken pipe', async () => {
    handle = (_request, response) => {
      const body = { type: 'x', title: 'x', status: 409, code: 'FILE_EXISTS', detail: 'there' };
      response.writeHead(409, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
    };
    function* endless(): Generator<Buffer> {
      for (;;) yield Buffer.alloc(64 * 1024);
    }
    const content = Readable.from(endless());
    await assert.rejects(client.writeFile('/x', content), withCode('FILE_EXISTS'));
    assert.equal(content.destroyed, true);
  });

  it('pass on what the sender of an upload met', async () => {
    handle = (request, response) => request.resume().on('end', () => response.end());
    const broken = new Error('disk gone');
    const content = new Readable({ read: () => undefined });
    const writing = client.writeFile('/x', content);
    content.push('a');
    content.destroy(broken);
    await assert.rejects(writing, broken);
  });
});

describe('followed streams', () => {
  it('are taken up again behind the last event', async () => {
    const asks: string[] = [];
    handle = (request, response) => {
      asks.push(request.url ?? '');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (asks.length === 1) {
        response.write(formatServerSentEvent('log', { kind: 'log', line: 'one' }, 1));
        response.write(formatServerSentEvent('newer', { kind: 'newer' }, 2), () => response.destroy());
        return;
      }
      // Whoever replays too much is not heard twice.
      response.write(formatServerSentEvent('log', { kind: 'log', line: 'one' }, 1));
      response.write(formatServerSentEvent('log', { kind: 'log', line: 'two' }, 3));
      response.end(formatServerSentEvent('end', { kind: 'end', run: { ...run, state: 'succeeded' } }, 4));
    };
    const events = await collect(client.followRun('r1'));
    assert.deepEqual(
      events.map(({ seq, event }) => [seq, event.kind]),
      [
        [1, 'log'],
        [3, 'log'],
        [4, 'end'],
      ],
    );
    assert.deepEqual(asks, ['/api/v1/runs/r1/events?from=0', '/api/v1/runs/r1/events?from=2']);
  });

  it('bridge a restart of the scheduler', async () => {
    let asks = 0;
    handle = (_request, response) => {
      asks += 1;
      if (asks === 1) {
        const body = { type: 'x', title: 'x', status: 503, code: 'SCHEDULER_AWAY', detail: 'away' };
        response.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(formatServerSentEvent('operation', operation));
      response.end(formatServerSentEvent('operation', { ...operation, state: 'failed' }));
    };
    const seen = await collect(client.followOperation('o1'));
    assert.deepEqual(
      seen.map(({ state }) => state),
      ['running', 'failed'],
    );
  });

  it('do not try again what is refused', async () => {
    let asks = 0;
    handle = (_request, response) => {
      asks += 1;
      const body = { type: 'x', title: 'x', status: 401, code: 'AUTH_REQUIRED', detail: 'no' };
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
    };
    await assert.rejects(collect(client.followRun('r1')), withCode('AUTH_REQUIRED'));
    assert.equal(asks, 1);
  });

  it('end with the signal', async () => {
    handle = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(formatServerSentEvent('log', { kind: 'log', line: 'one' }, 1));
    };
    const controller = new AbortController();
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const _ of client.followRun('r1', { signal: controller.signal })) controller.abort(reason);
    })();
    await assert.rejects(
      reading,
      (error) => error === reason || (error instanceof Error && error.name === 'AbortError'),
    );
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
