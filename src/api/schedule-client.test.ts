import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { createApiClient } from './client.ts';
import type { Schedule } from './schemas.ts';

const schedule: Schedule = {
  job: 'predict',
  rule: { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip' },
  overridden: false,
  paused: false,
  next: [],
  last: null,
};

test('each call asks its route; a reset that leaves no schedule gives null', async () => {
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    asked.push(method === 'PUT' ? [method, url, await json(request)] : [method, url]);
    const isGone = method === 'DELETE' && url.endsWith('/load');
    response.writeHead(isGone ? 204 : 200, { 'content-type': 'application/json' });
    response.end(isGone ? undefined : JSON.stringify(method === 'GET' ? { schedules: [schedule] } : schedule));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = createApiClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't' });
  try {
    assert.deepEqual(await api.schedules(), [schedule]);
    assert.deepEqual(await api.changeSchedule('predict', { cron: '0 4 * * *' }), schedule);
    assert.deepEqual(await api.pauseSchedule('predict'), schedule);
    assert.deepEqual(await api.resumeSchedule('predict'), schedule);
    assert.deepEqual(await api.resetSchedule('predict'), schedule);
    assert.equal(await api.resetSchedule('load'), null);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  const root = '/api/v1/schedules';
  assert.deepEqual(asked, [
    ['GET', root],
    ['PUT', `${root}/predict`, { cron: '0 4 * * *' }],
    ['POST', `${root}/predict/pause`],
    ['POST', `${root}/predict/resume`],
    ['DELETE', `${root}/predict`],
    ['DELETE', `${root}/load`],
  ]);
});
