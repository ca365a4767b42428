import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { before, describe, it } from 'node:test';
import { makeCertificate } from '../adapters/certificates/certificate.ts';
import { createApp } from '../api/web-app.ts';
import { type Listeners, listenOn, type TlsFiles } from './listeners.ts';

function appWithRoute(): ReturnType<typeof createApp> {
  const app = createApp({ admit: () => undefined, log: () => undefined });
  app.get('/', () => ({ ok: true }));
  app.get('/never', () => new Promise(() => undefined));
  return app;
}

describe('listeners', () => {
  it('answer on every address given, and on no other', async () => {
    const first = await listenOn(appWithRoute(), ['127.0.0.1'], 0);
    const port = Number(first.addresses[0]?.split(':')[1]);
    await first.close(0);
    const listeners = await listenOn(appWithRoute(), ['127.0.0.1', '127.0.0.2', '127.0.0.1'], port);
    try {
      assert.deepEqual(listeners.addresses, [`127.0.0.1:${port}`, `127.0.0.2:${port}`]);
      for (const address of listeners.addresses) assert.equal((await fetch(`http://${address}/`)).status, 200);
      await assert.rejects(fetch(`http://127.0.0.3:${port}/`));
    } finally {
      await listeners.close(0);
    }
  });

  it('bind all or none', async () => {
    const taken = await listenOn(appWithRoute(), ['127.0.0.2'], 0);
    const port = Number(taken.addresses[0]?.split(':')[1]);
    await assert.rejects(listenOn(appWithRoute(), ['127.0.0.1', '127.0.0.2'], port), { code: 'EADDRINUSE' });
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    await taken.close(0);
  });

  it('close although a request never ends', async () => {
    const listeners = await listenOn(appWithRoute(), ['127.0.0.1'], 0);
    const [address = '', port = ''] = listeners.addresses[0]?.split(':') ?? [];
    const socket = connect(Number(port), address);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /never HTTP/1.1\r\nHost: x\r\n\r\n');
    const gone = once(socket, 'close');
    await listeners.close(10);
    await gone;
  });

  it('close at once where events are followed, which never end by themselves', async () => {
    const app = appWithRoute();
    const source = new Readable({ read: () => undefined });
    app.get('/events', (_request, reply) => reply.type('text/event-stream; charset=utf-8').send(source));
    const listeners = await listenOn(app, ['127.0.0.1'], 0);
    source.push('data: first\n\n');
    const followed = await fetch(`http://${listeners.addresses[0]}/events`);
    // The whole grace is longer than a test may take.
    await listeners.close(60 * 60_000);
    await assert.rejects(followed.text());
    assert.equal(source.destroyed, true);
  });

  it('close a connection whose reader has stopped, and let the source of its answer go', async () => {
    const app = appWithRoute();
    const source = new Readable({ read: () => source.push(Buffer.alloc(64 * 1024)) });
    app.get('/endless', (_request, reply) => reply.send(source));
    const listeners = await listenOn(app, ['127.0.0.1'], 0, null, 100);
    const [address = '', port = ''] = listeners.addresses[0]?.split(':') ?? [];
    const socket = connect(Number(port), address);
    socket.on('error', () => undefined);
    socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    const released = once(source, 'close').catch(() => undefined);
    await once(socket, 'readable');
    await released;
    assert.ok(source.destroyed);
    socket.destroy();
    await listeners.close(0);
  });
});

describe('listeners with TLS', () => {
  let files: TlsFiles;
  before(async () => {
    const { certificate, key } = await makeCertificate(['localhost', '127.0.0.1'], Date.now(), 86_400_000);
    files = { cert: certificate, key };
  });

  function ask({ addresses }: Listeners, body = ''): Promise<number> {
    const agent = new Agent({ ca: files.cert });
    return new Promise((resolve, reject) => {
      request(`https://${addresses[0]}/echo`, { agent, method: 'POST' }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.on('end', () => resolve(bytes));
      })
        .on('error', reject)
        .end(body);
    });
  }

  async function say(listeners: Listeners, bytes: string | Buffer): Promise<string> {
    const [address = '', port = ''] = listeners.addresses[0]?.split(':') ?? [];
    const socket = connect(Number(port), address);
    socket.on('error', () => undefined);
    socket.write(bytes);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  }

  it('answer by HTTPS, large requests too', async () => {
    const app = appWithRoute();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    app.post('/echo', ({ body }) => body ?? 'nothing');
    const listeners = await listenOn(app, ['127.0.0.1'], 0, files);
    try {
      assert.equal(await ask(listeners, 'x'.repeat(3_000_000)), 3_000_000);
      assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => ask(listeners, 'abc'))), Array(20).fill(3));
    } finally {
      await listeners.close(0);
    }
  });

  it('close although somebody connects and says nothing', async () => {
    const listeners = await listenOn(appWithRoute(), ['127.0.0.1'], 0, files);
    const [address = '', port = ''] = listeners.addresses[0]?.split(':') ?? [];
    const socket = connect(Number(port), address);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const gone = once(socket, 'close');
    await listeners.close(10);
    await gone;
  });

  it('tell who speaks plain HTTP, and live on after nonsense', async () => {
    const listeners = await listenOn(appWithRoute(), ['127.0.0.1'], 0, files);
    try {
      const answer = await say(listeners, 'GET /healthz HTTP/1.0\r\n\r\n');
      assert.match(answer, /^HTTP\/1\.1 400 .*\r\n\r\nThis port speaks HTTPS/s);
      await say(listeners, Buffer.from([22, 3, 1, 0, 5, 1, 2, 3, 4, 5]));
      assert.match(await say(listeners, 'GET / HTTP/1.0\r\n\r\n'), /HTTPS/);
    } finally {
      await listeners.close(0);
    }
  });
});
