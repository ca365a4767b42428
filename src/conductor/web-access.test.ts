import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { InjectOptions } from 'fastify';
import { startTestWeb, type TestWeb, tokens } from './web-server.fixture.ts';

const gateway = '172.18.0.1';
const cookieName = 'sparkplug_session_test-abc123';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let web: TestWeb;
beforeEach(async () => {
  web = await startTestWeb(new Set([gateway]));
});
afterEach(() => web.close());

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function ask(request: InjectOptions): Promise<Answer> {
  const answer = await web.app.inject(request);
  const body = answer.body === '' ? {} : (answer.json() as Record<string, unknown>);
  return { status: answer.statusCode, code: body.code as string | undefined, body, headers: answer.headers };
}

/** `Set-Cookie` of a log-in with the token. */
async function logIn(token: string): Promise<string> {
  const { body } = await ask({ method: 'POST', url: '/api/v1/login-codes', headers: bearer(token) });
  const answer = await ask({ method: 'POST', url: '/api/v1/session', payload: { code: body.code } });
  assert.equal(answer.status, 200);
  return String(answer.headers['set-cookie']);
}

async function cookieOf(token: string): Promise<{ readonly cookie: string }> {
  const [pair = ''] = (await logIn(token)).split(';');
  return { cookie: `theme=dark; ${pair}` };
}

describe('a session', () => {
  it('is a cookie that no script and no other site gets', async () => {
    const cookie = await logIn(tokens.read);
    assert.match(cookie, new RegExp(`^${cookieName}=[\\w-]{43}; Max-Age=604800; Path=/; HttpOnly; SameSite=Strict$`));
    assert.equal(JSON.stringify(web.log).includes(cookie.split(/[=;]/)[1] ?? ''), false);
  });

  it('carries the scope of the token that asked for the code', async () => {
    const headers = await cookieOf(tokens.read);
    const { body } = await ask({ url: '/api/v1/session', headers });
    const expiresAt = new Date(web.clock.now() + 12 * 3_600_000).toISOString();
    assert.deepEqual(body, { name: 'read', scope: 'read', expiresAt });
    assert.equal((await ask({ url: '/api/v1/results', headers })).status, 200);
    assert.equal((await ask({ url: '/api/v1/tokens', headers })).code, 'SCOPE_MISSING');
  });

  it('never reaches the scheduler', async () => {
    const headers = await cookieOf(tokens.read);
    await ask({ url: '/api/v1/runs', headers });
    assert.equal(web.scheduler.seen.at(-1)?.headers.cookie, undefined);
  });

  it('ends by log-out, with its token, and when it is not used', async () => {
    const headers = { ...(await cookieOf(tokens.run)), 'sec-fetch-site': 'same-origin' };
    const out = await ask({ method: 'DELETE', url: '/api/v1/session', headers });
    assert.equal(out.status, 204);
    assert.match(String(out.headers['set-cookie']), new RegExp(`^${cookieName}=; Max-Age=0; `));
    assert.equal((await ask({ url: '/api/v1/session', headers })).status, 401);

    const later = await cookieOf(tokens.run);
    await ask({ method: 'DELETE', url: '/api/v1/tokens/run', headers: bearer(tokens.admin) });
    const refused = await ask({ url: '/api/v1/session', headers: later });
    assert.equal(refused.code, 'AUTH_REQUIRED');
    assert.match(String(refused.headers['set-cookie']), /Max-Age=0/);

    const unused = await cookieOf(tokens.read);
    web.clock.advance(12 * 3_600_000);
    assert.equal((await ask({ url: '/api/v1/session', headers: unused })).code, 'AUTH_REQUIRED');
  });

  it('outlives a restart of web, and the scheduler being away', async () => {
    const headers = await cookieOf(tokens.admin);
    web = await web.restart();
    web.scheduler.close();
    assert.equal((await ask({ url: '/api/v1/session', headers })).status, 200);
    assert.equal((await ask({ url: '/api/v1/tokens', headers })).status, 200);
    await logIn(tokens.read);
  });

  it('takes a code once and for ten minutes', async () => {
    const issue = async () =>
      (await ask({ method: 'POST', url: '/api/v1/login-codes', headers: bearer(tokens.read) })).body.code;
    const use = (code: unknown) => ask({ method: 'POST', url: '/api/v1/session', payload: { code } });
    const [first, second] = [await issue(), await issue()];
    assert.equal((await use(first)).status, 200);
    assert.deepEqual([(await use(first)).status, (await use(first)).code], [401, 'LOGIN_CODE_INVALID']);
    web.clock.advance(10 * 60_000);
    assert.equal((await use(second)).code, 'LOGIN_CODE_INVALID');
    assert.equal((await use(tokens.admin)).code, 'LOGIN_CODE_INVALID');
    for (const payload of [{}, { code: 7 }, { code: 'x', more: 1 }, [], 'code']) {
      assert.equal((await ask({ method: 'POST', url: '/api/v1/session', payload })).code, 'REQUEST_INVALID');
    }
  });
});

describe('a page of another site', () => {
  const own = { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' };
  const change = { method: 'DELETE', url: '/api/v1/tokens/read' } as const;

  it('cannot use the log-in', async () => {
    const session = await cookieOf(tokens.admin);
    for (const headers of [
      {},
      { host: own.host, origin: 'http://evil.example' },
      { host: own.host, origin: 'null' },
      { host: own.host, origin: 'http://127.0.0.1:9999' },
      { host: own.host, origin: 'http://127.0.0.1' },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { ...own, 'sec-fetch-site': 'none' },
      { ...own, origin: 'http://localhost:8080' },
    ]) {
      const { status, code } = await ask({ ...change, headers: { ...headers, ...session } });
      assert.deepEqual([status, code], [403, 'ORIGIN_REFUSED'], JSON.stringify(headers));
    }
    assert.equal((await ask({ ...change, headers: { ...own, ...session } })).status, 204);
  });

  it('cannot log a visitor in as somebody else', async () => {
    const { body } = await ask({ method: 'POST', url: '/api/v1/login-codes', headers: bearer(tokens.read) });
    const logInFrom = (headers: Record<string, string>) =>
      ask({ method: 'POST', url: '/api/v1/session', payload: { code: body.code }, headers });
    assert.equal((await logInFrom({ origin: 'http://evil.example' })).code, 'ORIGIN_REFUSED');
    assert.equal((await logInFrom({ 'sec-fetch-site': 'cross-site' })).code, 'ORIGIN_REFUSED');
    assert.equal((await logInFrom(own)).status, 200);
  });

  it('cannot read under a name of its own', async () => {
    const names = ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', '192.168.1.7', 'localhost.evil'];
    for (const host of names) {
      for (const url of ['/healthz', '/api/v1/results']) {
        const { status, code } = await ask({ url, headers: { host, ...bearer(tokens.admin) } });
        assert.deepEqual([status, code], [403, 'HOST_REFUSED'], host);
      }
    }
    for (const host of ['localhost:8080', 'LOCALHOST', '127.0.0.1:1', '[::1]:8080', 'app.localhost', gateway]) {
      assert.equal((await ask({ url: '/healthz', headers: { host } })).status, 200, host);
    }
  });

  it('cannot frame, sniff or learn addresses', async () => {
    for (const url of ['/healthz', '/api/v1/results', '/nowhere', '/%zz']) {
      const { headers } = await ask({ url });
      assert.match(String(headers['content-security-policy']), /default-src 'self'.*frame-ancestors 'none'/, url);
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
  });
});

describe('wrong tokens', () => {
  const from = (remoteAddress: string, token: string) =>
    ask({ url: '/api/v1/results', remoteAddress, headers: bearer(token) });

  beforeEach(async () => {
    await web.close();
    web = await startTestWeb(null);
  });

  it('make their address wait, longer each time, and no other', async () => {
    for (let failures = 1; failures <= 10; failures += 1) assert.equal((await from('10.1.1.1', 'no')).status, 401);
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const refused = await from('10.1.1.1', 'no');
      assert.deepEqual([refused.status, refused.code], [429, 'TOO_MANY_ATTEMPTS']);
      const seconds = Number(refused.headers['retry-after']);
      waits.push(seconds);
      assert.equal((await from('10.1.1.1', tokens.read)).status, 429);
      assert.equal((await from('10.1.1.2', tokens.read)).status, 200);
      web.clock.advance(seconds * 1000);
      assert.equal((await from('10.1.1.1', 'no')).status, 401);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    web.clock.advance(60_000);
    assert.equal((await from('10.1.1.1', tokens.read)).status, 200);
  });

  it('of one local caller keep out none of the others, who share its address', async () => {
    for (let failures = 1; failures <= 10; failures += 1) assert.equal((await from('127.0.0.1', 'no')).status, 401);
    assert.equal((await from('127.0.0.1', 'no')).status, 429);
    assert.equal((await from('127.0.0.1', tokens.read)).status, 200);
  });

  it('are not those that are missing or over', async () => {
    const { body } = await ask({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: bearer(tokens.admin),
      payload: { name: 'short', scope: 'read', validMs: 1000 },
    });
    web.clock.advance(1000);
    for (let round = 0; round < 20; round += 1) {
      const answer = await from('10.1.1.1', String(body.token));
      assert.deepEqual([answer.status, answer.body.detail], [401, 'the token has expired']);
      assert.equal((await ask({ url: '/api/v1/results', remoteAddress: '10.1.1.1' })).status, 401);
    }
  });

  it('and wrong codes count together', async () => {
    const remoteAddress = '10.1.1.1';
    const guess = () => ask({ method: 'POST', url: '/api/v1/session', payload: { code: 'x' }, remoteAddress });
    for (let failures = 1; failures <= 10; failures += 1) assert.equal((await guess()).status, 401);
    assert.equal((await guess()).code, 'TOO_MANY_ATTEMPTS');
    assert.equal((await from(remoteAddress, tokens.read)).status, 429);
  });

  it('from one IPv6 network count together', async () => {
    for (let host = 1; host <= 10; host += 1) await from(`2001:db8::${host}`, 'no');
    assert.equal((await from('2001:db8::ffff', 'no')).status, 429);
    assert.equal((await from('2001:db8:0:1::1', 'no')).status, 401);
  });
});

describe('the routes of tokens', () => {
  const admin = bearer(tokens.admin);

  it('make, list, rotate and revoke', async () => {
    const made = await ask({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: admin,
      payload: { name: 'ci', scope: 'run' },
    });
    assert.equal(made.status, 201);
    assert.equal(made.headers['cache-control'], 'no-store');
    const token = String(made.body.token);
    const list = await ask({ url: '/api/v1/tokens', headers: admin });
    assert.equal(JSON.stringify(list.body).includes(token.slice(3)), false);
    assert.equal((list.body.tokens as unknown[]).length, 4);
    const rotated = await ask({ method: 'POST', url: '/api/v1/tokens/ci/rotate', headers: bearer(token) });
    assert.equal(rotated.status, 200);
    assert.equal((await ask({ url: '/api/v1/session', headers: bearer(token) })).status, 401);
    const next = bearer(String(rotated.body.token));
    assert.deepEqual((await ask({ url: '/api/v1/session', headers: next })).body, {
      name: 'ci',
      scope: 'run',
      expiresAt: null,
    });
    assert.equal(
      (await ask({ method: 'POST', url: '/api/v1/tokens/admin/rotate', headers: next })).code,
      'SCOPE_MISSING',
    );
    assert.equal((await ask({ method: 'DELETE', url: '/api/v1/tokens/ci', headers: admin })).status, 204);
    assert.equal((await ask({ url: '/api/v1/session', headers: next })).status, 401);
    assert.equal((await ask({ method: 'DELETE', url: '/api/v1/tokens/ci', headers: admin })).code, 'TOKEN_UNKNOWN');
    assert.equal(
      (await ask({ method: 'DELETE', url: '/api/v1/tokens/admin', headers: admin })).code,
      'TOKEN_LAST_ADMIN',
    );
    const text = JSON.stringify(web.log);
    for (const secret of [token, String(rotated.body.token), tokens.admin]) assert.equal(text.includes(secret), false);
  });

  it('refuse what is malformed', async () => {
    const wrong: unknown[] = [
      {},
      { name: 'A', scope: 'read' },
      { name: '../x', scope: 'read' },
      { name: 'x'.repeat(65), scope: 'read' },
      { name: 'x', scope: 'all' },
      { name: 'x', scope: 'read', validMs: 1 },
      { name: 'x', scope: 'read', validMs: 1e300 },
      { name: 'x', scope: 'read', token: 'mine' },
    ];
    for (const payload of wrong) {
      const answer = await ask({ method: 'POST', url: '/api/v1/tokens', headers: admin, payload: payload as object });
      assert.equal(answer.code, 'REQUEST_INVALID', JSON.stringify(payload));
    }
    const rotate = { method: 'POST', url: '/api/v1/tokens/read/rotate', headers: admin } as const;
    assert.equal((await ask({ ...rotate, payload: { token: 'short' } })).code, 'REQUEST_INVALID');
  });

  it('go on with a new database where the old one is damaged', async () => {
    const { folder } = web;
    const session = await cookieOf(tokens.read);
    web = await web.restart(async () => {
      await writeFile(join(folder, 'access.db'), 'x'.repeat(10_000));
    });
    assert.equal((await ask({ url: '/api/v1/session', headers: session })).status, 401);
    assert.equal((await ask({ url: '/api/v1/session', headers: admin })).status, 200);
    assert.ok(web.log.some(({ level, copy }) => level === 'error' && String(copy).includes('access.db.damaged-')));
  });
});
