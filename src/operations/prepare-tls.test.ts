import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { inspectCertificate, makeCertificate } from '../adapters/certificates/certificate.ts';
import { readSecret, setSecret } from '../config/user-folder.ts';
import type { ProgressEvent } from '../progress.ts';
import { prepareTls } from './prepare-tls.ts';

const projectId = 'app-abc123';
const dayMs = 86_400_000;
const now = Date.UTC(2026, 10, 22);
const made = { port: 'auto', listen: 'all', tls: null } as const;
const users = { ...made, tls: { certificate: 'web.pem', key: 'web_key' } } as const;
const configured = process.env.XDG_CONFIG_HOME;
let projectDir: string;
let told: ProgressEvent[];

beforeEach(async () => {
  projectDir = await mkdtemp(path.join(tmpdir(), 'sparkplug-tls-'));
  process.env.XDG_CONFIG_HOME = projectDir;
  told = [];
});
afterEach(async () => {
  if (configured === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = configured;
  await rm(projectDir, { recursive: true, force: true });
});

const prepare = (web: Parameters<typeof prepareTls>[0]['web'], nowMs = now, host: string | null = null) =>
  prepareTls({ projectId, projectDir, web, host, nowMs, report: (event) => told.push(event) });

async function giveUsers(hosts: readonly string[], from = now, validMs = 90 * dayMs): Promise<string> {
  const { certificate, key } = await makeCertificate(hosts, from, validMs);
  await writeFile(path.join(projectDir, 'web.pem'), certificate);
  await setSecret(projectId, 'web_key', Buffer.from(key));
  return certificate;
}

test('locally there is no TLS', async () => {
  assert.deepEqual(await prepare({ ...made, listen: 'local' }), { trust: { kind: 'plain' }, secrets: [] });
});

test('a certificate is made once, for this computer, and its key is for nobody else', async () => {
  const first = await prepare(made);
  assert.ok(first.trust.kind === 'tls' && first.trust.host === null);
  assert.deepEqual(
    first.secrets.map(({ name }) => name),
    ['web_tls_cert', 'web_tls_key'],
  );
  for (const { path: file } of first.secrets) assert.equal(((await stat(file)).mode & 0o777).toString(8), '600');
  assert.match(JSON.stringify(told), new RegExp(first.trust.fingerprint));
  assert.deepEqual(await prepare(made), first);
  assert.equal(told.length, 1);
});

test('it is renewed in its last 30 days', async () => {
  const first = await prepare(made);
  assert.deepEqual(await prepare(made, now + 700 * dayMs), first);
  const second = await prepare(made, now + 701 * dayMs);
  assert.notDeepEqual(second.trust, first.trust);
  assert.match(JSON.stringify(told.at(-1)), /renewed/);
});

test('an engine on another machine gets a certificate for that machine, once', async () => {
  const here = await prepare(made);
  for (const host of ['10.214.64.10', 'build.example.com']) {
    const there = await prepare(made, now, host);
    assert.notDeepEqual(there.trust, here.trust, host);
    assert.deepEqual(await prepare(made, now, host), there);
    const certificate = new X509Certificate(await readFile(there.secrets[0]?.path ?? ''));
    assert.ok(isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host), host);
  }
});

test('a pair that was half written is made anew', async () => {
  const first = await prepare(made);
  const [, keyFile] = first.secrets;
  const other = await makeCertificate(['localhost'], now, dayMs);
  await writeFile(keyFile?.path ?? '', other.key);
  const second = await prepare(made);
  assert.notDeepEqual(second.trust, first.trust);
  const [certificate, key] = await Promise.all(second.secrets.map(({ path: file }) => readFile(file, 'utf8')));
  assert.ok('facts' in inspectCertificate({ certificate: certificate ?? '', key: key ?? '' }, now));
});

test("the user's own is taken as it is, and known by its name", async () => {
  const certificate = await giveUsers(['*.example.com', 'spark.example.com']);
  const { trust } = await prepare(users);
  assert.ok(trust.kind === 'tls');
  assert.equal(trust.host, 'spark.example.com');
  assert.equal(await readSecret(projectId, 'web_tls_cert'), certificate);
  assert.deepEqual(told, []);
  // Without it there is one of SparkPlug's again.
  const back = await prepare(made);
  assert.notDeepEqual(back.trust, trust);
});

test('what cannot be used is told before anything is stored', async () => {
  await assert.rejects(prepare(users), { code: 'SECRET_MISSING', hint: /secret set web_key/ });
  await setSecret(projectId, 'web_key', Buffer.from('x'));
  await assert.rejects(prepare(users), { code: 'FILE_MISSING', place: 'web.tls.certificate' });
  await giveUsers(['a.example'], now - 91 * dayMs);
  await assert.rejects(prepare(users), { code: 'CERTIFICATE_INVALID', message: /expired/ });
  await giveUsers(['a.example']);
  await setSecret(projectId, 'web_key', Buffer.from((await makeCertificate(['a.example'], now, dayMs)).key));
  await assert.rejects(prepare(users), { code: 'CERTIFICATE_INVALID', message: /do not belong together/ });
  assert.equal(await readSecret(projectId, 'web_tls_cert'), null);
});

test('one that ends soon is a warning', async () => {
  await giveUsers(['a.example'], now, 20 * dayMs);
  await prepare(users);
  assert.deepEqual(told, [{ kind: 'warning', text: 'web.pem expires in 20 days' }]);
});
