import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createPrivateAuthority } from '../../../test/fixtures/private-authority.ts';
import { createPostWebhook } from './post-webhook.ts';
import { plainSettings } from './webhook-settings.ts';

const postWebhook = createPostWebhook(plainSettings);

async function receive(listener: RequestListener) {
  return listen(createServer(listener));
}

async function listen(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
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

/** A proxy that lets in whoever knows `someone:s3cret`, and what it was asked for. */
async function startProxy() {
  const asked: string[] = [];
  const isKnown = (header: string | undefined) =>
    header === `Basic ${Buffer.from('someone:s3cret').toString('base64')}`;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(isKnown(request.headers['proxy-authorization']) ? 204 : 407).end();
  });
  server.on('connect', (request, client) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isKnown(request.headers['proxy-authorization'])) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    // Whatever the name is: the receiver of this test is here.
    const receiver = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(receiver).pipe(client);
    });
    for (const socket of [client, receiver]) socket.on('error', () => undefined);
  });
  return { asked, ...(await listen(server)) };
}

test('an authority of this computer is trusted besides the usual ones, and no other', async () => {
  const [authority, stranger] = await Promise.all([createPrivateAuthority(), createPrivateAuthority()]);
  const files = await authority.vouchFor(['127.0.0.1']);
  const server = await listen(createTlsServer(files, (_request, response) => response.writeHead(204).end()));
  const url = server.url.replace('http:', 'https:');
  const send = (certificates: string[]) => createPostWebhook({ ...plainSettings, certificates })(post(url), options);
  assert.deepEqual(await send([authority.certificate]), { kind: 'answered', status: 204, retryAfterMs: null });
  for (const certificates of [[], [stranger.certificate]]) {
    const refused = await send(certificates);
    assert.ok(refused.kind === 'silent' && /certificate/.test(refused.reason), JSON.stringify(refused));
  }
  server.close();
});

test('a proxy passes on plain HTTP and tunnels HTTPS, with the password of its address, but not to exempt hosts', async () => {
  const authority = await createPrivateAuthority();
  const files = await authority.vouchFor(['hooks.example.com', '127.0.0.1']);
  const server = await listen(createTlsServer(files, (_request, response) => response.writeHead(201).end()));
  const proxy = await startProxy();
  const address = `http://someone:s3cret@127.0.0.1:${proxy.port}`;
  const settings = { certificates: [authority.certificate], httpProxy: address, httpsProxy: address };
  const send = createPostWebhook({ ...settings, noProxy: 'localhost,127.0.0.1' });
  const statusOf = async (url: string) => {
    const answer = await send(post(url), options);
    return answer.kind === 'answered' ? answer.status : answer.reason;
  };
  assert.equal(await statusOf('http://hooks.example.com/plain'), 204);
  assert.equal(await statusOf(`https://hooks.example.com:${server.port}/tls`), 201);
  assert.equal(await statusOf(`https://127.0.0.1:${server.port}/exempt`), 201);
  assert.deepEqual(proxy.asked, ['POST http://hooks.example.com/plain', `CONNECT hooks.example.com:${server.port}`]);
  const plainOnly = createPostWebhook({ ...settings, httpsProxy: null, noProxy: '' });
  const straight = await plainOnly(post(`https://127.0.0.1:${server.port}/tls`), options);
  assert.deepEqual([straight.kind, proxy.asked.length], ['answered', 2]);
  const wrong = createPostWebhook({ ...settings, httpsProxy: address.replace('s3cret', 'gu3ss'), noProxy: '' });
  const refused = await wrong(post(`https://hooks.example.com:${server.port}/tls`), options);
  assert.ok(refused.kind === 'silent' && /407/.test(refused.reason) && !/gu3ss/.test(refused.reason));
  proxy.close();
  server.close();
});
