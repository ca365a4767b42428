import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { postWebhook } from './post-webhook.ts';

async function receive(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const options = { timeoutMs: 5_000, signal: new AbortController().signal };
const post = (url: string) => ({ url, headers: { 'content-type': 'application/json', 'x-a': 'b' }, body: '{"a":1}' });

test('body and headers arrive, and the answer is its status', async () => {
  let seen = '';
  const server = await receive(async (request, response) => {
    seen = `${request.method} ${request.url} ${request.headers['x-a']} ${await text(request)}`;
    response.writeHead(429, { 'retry-after': '30' }).end('slow down');
  });
  assert.deepEqual(await postWebhook(post(server.url), options), {
    kind: 'answered',
    status: 429,
    retryAfterMs: 30_000,
  });
  assert.equal(seen, 'POST /hook b {"a":1}');
  server.close();
});

test('a redirect is an answer and is not followed', async () => {
  const asked: (string | undefined)[] = [];
  const server = await receive((request, response) => {
    asked.push(request.url);
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  assert.deepEqual(await postWebhook(post(server.url), options), { kind: 'answered', status: 307, retryAfterMs: null });
  assert.deepEqual(asked, ['/hook']);
  server.close();
});

test('an answer without end is cut off, its status counts', async () => {
  const server = await receive((_request, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
    };
    response.on('drain', more);
    more();
  });
  assert.equal((await postWebhook(post(server.url), options)).kind, 'answered');
  server.close();
});

test('no answer in time, and nobody there, are silence with a reason', async () => {
  const server = await receive(() => undefined);
  const hanging = await postWebhook(post(server.url), { ...options, timeoutMs: 50 });
  assert.deepEqual(hanging, { kind: 'silent', reason: 'no answer within 50 ms' });
  server.close();
  const refused = await postWebhook(post(server.url), options);
  assert.ok(refused.kind === 'silent' && /ECONNREFUSED/.test(refused.reason), JSON.stringify(refused));
});

test('the signal ends it with its own reason', async () => {
  const server = await receive(() => undefined);
  const stop = new AbortController();
  const posting = postWebhook(post(server.url), { ...options, signal: stop.signal });
  stop.abort(new Error('the scheduler stops'));
  await assert.rejects(posting, /the scheduler stops/);
  server.close();
});
