import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { createApp } from '../api/web-app.ts';
import { listenOn } from './listeners.ts';

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
});
