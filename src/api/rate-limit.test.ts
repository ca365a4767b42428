import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerRateLimit } from './rate-limit.ts';
import { createApp } from './web-app.ts';

async function open() {
  const app = createApp({
    log: () => undefined,
    admit: (request) => {
      request.identity = { name: String(request.headers['x-name']) } as never;
    },
  });
  await registerRateLimit(app, { perToken: 3, perAddress: 5 });
  app.get('/api/v1/x', () => ({}));
  app.get('/healthz', { config: { open: true } }, () => ({}));
  app.get('/spark/master/style.css', () => ({}));
  const ask = async (url: string, name: string, remoteAddress = '10.0.0.1') =>
    app.inject({ url, remoteAddress, headers: { 'x-name': name } });
  return { ask };
}

test('each token has its own number of requests, then a problem that says how long to wait', async () => {
  const { ask } = await open();
  for (let count = 0; count < 3; count += 1) assert.equal((await ask('/api/v1/x', 'a')).statusCode, 200);
  const refused = await ask('/api/v1/x', 'a');
  assert.deepEqual([refused.statusCode, refused.json().code], [429, 'RATE_LIMITED']);
  assert.match(String(refused.headers['content-type']), /^application\/problem\+json/);
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds > 0 && seconds <= 60);
  assert.equal((await ask('/nowhere', 'a')).statusCode, 429);
  assert.equal((await ask('/api/v1/x', 'b', '10.0.0.2')).statusCode, 200);
});

test('an address has its own number too', async () => {
  const { ask } = await open();
  for (const name of ['a', 'b', 'c', 'd', 'e']) assert.equal((await ask('/api/v1/x', name)).statusCode, 200);
  assert.equal((await ask('/api/v1/x', 'f')).statusCode, 429);
  assert.equal((await ask('/api/v1/x', 'f', '10.0.0.2')).statusCode, 200);
});

test('health and pages are not counted', async () => {
  const { ask } = await open();
  for (let count = 0; count < 20; count += 1) {
    assert.equal((await ask('/healthz', 'a')).statusCode, 200);
    assert.equal((await ask('/spark/master/style.css', 'a')).statusCode, 200);
  }
  assert.equal((await ask('/api/v1/x', 'a')).statusCode, 200);
});
