import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { controlSecret, startTestWeb, type TestWeb, tokens } from './web-server.fixture.ts';

const ended = 'app-20261122223208-0001';
const unknown = 'app-20261122223208-0002';
let web: TestWeb;
before(async () => {
  web = await startTestWeb();
  // It is the history server too.
  web.scheduler.answer = (request, response) => {
    if (request.url === `/api/v1/applications/${ended}`) return void response.writeHead(200).end('{}');
    if (request.url !== `/internal/applications/${ended}`) {
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{}');
      return;
    }
    response.writeHead(200).end(JSON.stringify({ run: 'predict-1', driver: null, executors: {} }));
  };
});
after(() => web.close());

test('pages of Spark want a log-in, and any scope will do', async () => {
  const path = `/spark/driver/${ended}/stages/`;
  assert.equal((await web.fetch(path, { token: null })).status, 401);
  assert.equal(web.scheduler.seen.length, 0);
  const answer = await web.fetch(path, { token: tokens.read, redirect: 'manual' });
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, `/spark/history/${ended}/stages/`]);
  // The scheduler gets the conductor's own secret, never the caller's token; the history server gets neither.
  assert.deepEqual(
    web.scheduler.seen.map(({ headers }) => headers.authorization),
    [`Bearer ${controlSecret}`, undefined],
  );
});

test('an application that no run has, and a scheduler that does not know what it says', async () => {
  const missing = await web.fetch(`/spark/driver/${unknown}/`);
  assert.deepEqual([missing.status, ((await missing.json()) as { code: string }).code], [404, 'APPLICATION_UNKNOWN']);
  web.scheduler.answer = (_request, response) => void response.writeHead(200).end('{"driver":"evil.example"}');
  const strange = await web.fetch(`/spark/driver/${unknown}/`);
  assert.deepEqual([strange.status, ((await strange.json()) as { code: string }).code], [503, 'SCHEDULER_AWAY']);
});
