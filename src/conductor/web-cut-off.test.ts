import assert from 'node:assert/strict';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { startTestWeb, type TestWeb, tokens } from './web-server.fixture.ts';

let web: TestWeb;
beforeEach(async () => {
  web = await startTestWeb();
  // Whatever is followed never ends by itself.
  web.scheduler.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n');
  };
});
afterEach(() => web.close());

interface Stream {
  /** Its first bytes. */
  readonly first: string;
  /** Rejects when the connection is cut, and resolves when it ends as it should. */
  readonly end: Promise<void>;
}

async function open(path: string, token: string | null, headers: Record<string, string> = {}): Promise<Stream> {
  const answer = await web.fetch(path, { token, headers });
  assert.equal(answer.status, 200);
  const reader = answer.body?.getReader();
  assert.ok(reader !== undefined);
  const { value } = await reader.read();
  const readOn = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  const end = readOn();
  // A test looks when it comes to it.
  end.catch(() => undefined);
  return { first: new TextDecoder().decode(value), end };
}

async function add(name: string, more: { scope?: 'read' | 'admin'; validMs?: number } = {}): Promise<string> {
  const body = JSON.stringify({ name, scope: 'read', ...more });
  const answer = await web.fetch('/api/v1/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  assert.equal(answer.status, 201);
  return ((await answer.json()) as { token: string }).token;
}

async function logIn(token: string): Promise<{ readonly cookie: string }> {
  const issued = await web.fetch('/api/v1/login-codes', { method: 'POST', token });
  const answer = await web.fetch('/api/v1/session', {
    method: 'POST',
    token: null,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: ((await issued.json()) as { code: string }).code }),
  });
  return { cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

const followed = [
  '/api/v1/events?follow=true',
  '/api/v1/runs/r1/events',
  '/api/v1/runs/r1/logs',
  '/api/v1/operations/o1/events',
];

describe('what is open when its token ends is cut', () => {
  it('by a revocation, every kind of stream, and nobody else’s', async () => {
    const token = await add('viewer');
    const streams = await Promise.all(followed.map((path) => open(path, token)));
    assert.deepEqual(
      streams.map(({ first }) => first),
      followed.map(() => 'data: first\n\n'),
    );
    const other = await open('/api/v1/events?follow=true', tokens.run);
    await web.fetch('/api/v1/tokens/viewer', { method: 'DELETE' });
    for (const { end } of streams) await assert.rejects(end);
    const still = Symbol();
    assert.equal(await Promise.race([other.end, Promise.resolve(still)]), still);
    assert.equal(web.log.filter(({ event }) => event === 'cut off: token or log-in ended').length, followed.length);
  });

  it('by a rotation', async () => {
    const { end } = await open('/api/v1/events?follow=true', tokens.read);
    await web.fetch('/api/v1/tokens/read/rotate', { method: 'POST' });
    await assert.rejects(end);
  });

  it('by the time it was given', async () => {
    const token = await add('short', { validMs: 60_000 });
    const { end } = await open('/api/v1/events?follow=true', token);
    web.clock.advance(60_000);
    await assert.rejects(end);
  });

  it('with the log-in of a browser: by log-out, by the token behind it, and by its time', async () => {
    const first = await logIn(tokens.read);
    const leaving = await open('/api/v1/events?follow=true', null, first);
    const headers = { ...first, origin: web.url, 'sec-fetch-site': 'same-origin' };
    assert.equal((await web.fetch('/api/v1/session', { method: 'DELETE', token: null, headers })).status, 204);
    await assert.rejects(leaving.end);

    const idle = await open('/api/v1/events?follow=true', null, await logIn(tokens.run));
    const behind = await open('/api/v1/events?follow=true', null, await logIn(await add('behind')));
    await web.fetch('/api/v1/tokens/behind', { method: 'DELETE' });
    await assert.rejects(behind.end);
    web.clock.advance(12 * 3_600_000);
    await assert.rejects(idle.end);
  });

  it('a download whose reader is slow, and an upload, of which nothing stays', async () => {
    web.hdfs.files.set('/big', { kind: 'FILE', content: null, length: 2 ** 29, modifiedMs: 0 });
    const reading = await web.fetch('/api/v1/hdfs/big', { token: tokens.read });
    assert.equal(reading.status, 200);
    const writing = request(`${web.url}/api/v1/hdfs/half`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${await add('writer', { scope: 'admin' })}`, 'content-length': 1_000_000 },
    });
    const cut = new Promise<void>((resolve) => writing.once('close', resolve));
    writing.on('error', () => undefined).write('first bytes');
    await pWaitFor(() => web.hdfs.transfers === 2, { interval: 5, timeout: 10_000 });
    for (const name of ['read', 'writer']) await web.fetch(`/api/v1/tokens/${name}`, { method: 'DELETE' });
    await assert.rejects(reading.arrayBuffer());
    await cut;
    await pWaitFor(() => web.hdfs.transfers === 0, { interval: 5, timeout: 10_000 });
    assert.equal(web.hdfs.files.has('/half'), false);
  });
});

it('an answer that has ended is looked after no longer', async () => {
  const answering = web.scheduler.answer;
  web.scheduler.answer = (_request, response) => void response.end('{}');
  await (await web.fetch('/api/v1/runs', { token: await add('viewer') })).text();
  web.scheduler.answer = answering;
  const { end } = await open('/api/v1/events?follow=true', tokens.read);
  for (const name of ['viewer', 'read']) await web.fetch(`/api/v1/tokens/${name}`, { method: 'DELETE' });
  await assert.rejects(end);
  const callers = web.log.flatMap(({ event, caller }) => (event === 'cut off: token or log-in ended' ? [caller] : []));
  assert.deepEqual(callers, ['read']);
});
