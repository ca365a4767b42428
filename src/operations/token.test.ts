// The verbs `token` and `open` against the real web, with and without TLS.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { inspectCertificate, makeCertificate } from '../adapters/certificates/certificate.ts';
import { startTestWeb, type TestWeb, tokens } from '../conductor/web-server.fixture.ts';
import { type WebTrust, writeProjectState } from '../config/project-state.ts';
import { readToken, userFolder } from '../config/user-folder.ts';
import { createProjectClient } from './cluster-access.ts';
import { openPage } from './open-page.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';
import { addToken, listTokens, revokeToken, rotateToken, showToken } from './token.ts';

const projectId = 'test-abc123';
const { signal } = new AbortController();
const configured = process.env.XDG_CONFIG_HOME;
let choice: ProjectChoice;
let web: TestWeb;

/** A project whose cluster answers at the port of `web`. */
async function settle(trust: WebTrust): Promise<void> {
  const fromDir = await mkdtemp(path.join(tmpdir(), 'sparkplug-token-'));
  process.env.XDG_CONFIG_HOME = path.join(fromDir, 'config');
  await mkdir(userFolder(projectId), { recursive: true });
  await writeFile(path.join(userFolder(projectId), 'token'), `${tokens.admin}\n`);
  await writeFile(path.join(fromDir, 'sparkplug.yaml'), 'name: test\n');
  const webPort = Number(new URL(web.url).port);
  await writeProjectState(fromDir, { id: projectId, webPort, webTrust: [trust], context: null, workerShape: null });
  choice = { fromDir, overrides: [] };
}

async function leave(): Promise<void> {
  await web.close();
  await rm(choice.fromDir, { recursive: true, force: true });
  if (configured === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = configured;
}

describe('token', () => {
  before(async () => {
    web = await startTestWeb();
  });
  after(leave);
  beforeEach(() => settle({ kind: 'plain' }));

  it('add stores what it made for nobody else, and gives it back only when asked', async () => {
    const request = { scope: 'run', validMs: 86_400_000, signal } as const;
    const made = await addToken(choice, 'ci', { ...request, print: false });
    assert.equal(made.token, null);
    assert.equal(made.file, path.join(userFolder(projectId), 'tokens', 'ci'));
    assert.equal(((await stat(made.file)).mode & 0o777).toString(8), '600');
    const token = (await readFile(made.file, 'utf8')).trim();
    assert.equal((await web.fetch('/api/v1/session', { token })).status, 200);
    assert.equal(made.info.expiresAt, new Date(web.clock.now() + 86_400_000).toISOString());

    const printed = await addToken(choice, 'shown', { ...request, print: true });
    assert.equal(printed.file, null);
    assert.equal((await web.fetch('/api/v1/session', { token: printed.token })).status, 200);
    await assert.rejects(addToken(choice, 'ci', { ...request, print: false }), { code: 'TOKEN_EXISTS' });
    assert.equal((await readFile(made.file, 'utf8')).trim(), token);

    const names = (await listTokens(choice, signal)).map(({ name }) => name);
    assert.deepEqual(names, ['admin', 'ci', 'read', 'run', 'shown']);
    await revokeToken(choice, 'shown', signal);
    assert.equal((await web.fetch('/api/v1/session', { token: printed.token })).status, 401);
  });

  it('refuses names that would lead elsewhere, and a folder that cannot be written before anything is made', async () => {
    const request = { scope: 'read', validMs: null, print: false, signal } as const;
    for (const name of ['../x', 'a/b', '', '.x', 'A']) {
      await assert.rejects(addToken(choice, name, request), { code: 'USAGE' }, name);
      await assert.rejects(revokeToken(choice, name, signal), { code: 'USAGE' }, name);
    }
    await writeFile(path.join(userFolder(projectId), 'tokens'), 'a file');
    await assert.rejects(addToken(choice, 'never', request), { code: 'USER_FOLDER_UNUSABLE' });
    assert.ok((await listTokens(choice, signal)).every(({ name }) => name !== 'never'));
  });

  it('rotate replaces the token of others in its file, and that of the command line wherever it is named', async () => {
    const other = await rotateToken(choice, 'read', { print: false, signal });
    assert.ok('file' in other && other.file !== null);
    assert.equal((await web.fetch('/api/v1/session', { token: tokens.read })).status, 401);
    const text = (await readFile(other.file, 'utf8')).trim();
    assert.equal((await web.fetch('/api/v1/session', { token: text })).status, 200);

    assert.deepEqual(await rotateToken(choice, null, { print: false, signal }), { own: 'admin' });
    const second = await showToken(choice);
    assert.deepEqual(await rotateToken(choice, 'admin', { print: false, signal }), { own: 'admin' });
    const third = await showToken(choice);
    assert.equal(new Set([tokens.admin, second, third]).size, 3);
    assert.equal((await web.fetch('/api/v1/session', { token: second })).status, 401);
    assert.equal((await listTokens(choice, signal)).length > 0, true);
    // Whoever has the old one is told what to do.
    await writeFile(path.join(userFolder(projectId), 'token'), second);
    const api = await createProjectClient(await locateProject(choice));
    await assert.rejects(api?.tokens() ?? Promise.resolve(), { code: 'AUTH_REQUIRED', hint: /delete that file/ });
    // The other tests begin with the first one.
    web = await web.restart(() => rm(path.join(web.folder, 'access.db')));
  });

  it('show needs no cluster that answers, but a token', async () => {
    assert.equal(await showToken(choice), tokens.admin);
    await rm(path.join(userFolder(projectId), 'token'));
    await assert.rejects(showToken(choice), { code: 'CLUSTER_NOT_UP' });
  });
});

describe('open', () => {
  before(async () => {
    web = await startTestWeb();
  });
  after(leave);
  beforeEach(() => settle({ kind: 'plain' }));

  it('gives a link with a code that logs in once, and never the token', async () => {
    const { link, opened } = await openPage(choice, 'results', { print: true, signal });
    assert.equal(opened, false);
    assert.match(
      link,
      new RegExp(`^http://127\\.0\\.0\\.1:${new URL(web.url).port}/login#code=[\\w-]{43}&to=/results$`),
    );
    const code = new URLSearchParams(new URL(link).hash.slice(1)).get('code');
    const logIn = () =>
      web.fetch('/api/v1/session', {
        method: 'POST',
        token: null,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      });
    assert.equal((await logIn()).status, 200);
    assert.equal((await logIn()).status, 401);
    assert.equal(link.includes(tokens.admin), false);
  });
});

describe('with TLS', () => {
  before(async () => {
    const { certificate, key } = await makeCertificate(['localhost', '127.0.0.1'], Date.now(), 86_400_000);
    const found = inspectCertificate({ certificate, key }, Date.now());
    assert.ok('facts' in found);
    web = await startTestWeb(null, { cert: certificate, key });
    await settle({ kind: 'tls', fingerprint: found.facts.fingerprint, host: null });
  });
  after(leave);

  it('the command line works, and the cookie is for HTTPS alone', async () => {
    assert.equal((await listTokens(choice, signal)).length, 3);
    const { link } = await openPage(choice, 'cluster', { print: true, signal });
    assert.match(link, /^https:\/\/127\.0\.0\.1:\d+\/login#code=/);
    const payload = { code: new URLSearchParams(new URL(link).hash.slice(1)).get('code') };
    const answer = await web.app.inject({ method: 'POST', url: '/api/v1/session', payload });
    assert.match(
      String(answer.headers['set-cookie']),
      /^__Host-sparkplug_session_test-abc123=[\w-]{43}; .*; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    const [cookie = ''] = String(answer.headers['set-cookie']).split(';');
    const logOut = (origin: string) =>
      web.app.inject({
        method: 'DELETE',
        url: '/api/v1/session',
        headers: { cookie, host: 'spark.example.com', origin },
      });
    assert.equal((await logOut('http://spark.example.com')).statusCode, 403);
    assert.equal((await logOut('https://spark.example.com')).statusCode, 204);
  });

  it('nothing is told to somebody with another certificate', async () => {
    const { certificate, key } = await makeCertificate(['localhost', '127.0.0.1'], Date.now(), 86_400_000);
    const stranger = await startTestWeb(null, { cert: certificate, key });
    const { state } = await locateProject(choice);
    assert.ok(state !== null);
    try {
      const webPort = Number(new URL(stranger.url).port);
      const api = await createProjectClient({ state: { ...state, webPort }, findHost: async () => null });
      await assert.rejects(api?.tokens() ?? Promise.resolve(), {
        code: 'CERTIFICATE_MISMATCH',
        hint: /nothing was sent/,
      });
      assert.deepEqual(stranger.log, []);
      assert.equal(await readToken(projectId), tokens.admin);
    } finally {
      await stranger.close();
    }
  });
});
