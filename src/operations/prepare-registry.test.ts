import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import bcrypt from 'bcryptjs';
import { readSecret, secretFolder } from '../config/user-folder.ts';
import { prepareRegistry } from './prepare-registry.ts';

const projectId = 'app-abc123';
const address = '192.0.2.7:5000';
const dayMs = 86_400_000;
const now = Date.UTC(2026, 10, 26);
const configured = process.env.XDG_CONFIG_HOME;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sparkplug-registry-'));
  process.env.XDG_CONFIG_HOME = folder;
});
afterEach(async () => {
  if (configured === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = configured;
  await rm(folder, { recursive: true, force: true });
});

const read = async (name: string): Promise<string> => (await readSecret(projectId, name)) ?? '';
/** Names of the secrets that changed. */
const changed = (before: Prepared, after: Prepared): string[] =>
  after.secrets
    .filter(({ name, hash }) => before.secrets.find((one) => one.name === name)?.hash !== hash)
    .map(({ name }) => name);
type Prepared = Awaited<ReturnType<typeof prepareRegistry>>;

test('an authority vouches for registry, agents and scheduler, each for its own use', async () => {
  const { caCertificate, secrets } = await prepareRegistry(projectId, address, now);
  const authority = new X509Certificate(caCertificate);
  const found = async (name: string) => new X509Certificate(await read(name));
  const [registry, agent, client] = [
    await found('registry_tls_cert'),
    await found('agent_tls_cert'),
    await found('agent_client_cert'),
  ];
  for (const certificate of [registry, agent, client]) assert.ok(certificate.verify(authority.publicKey));
  assert.equal(registry.checkIP('192.0.2.7'), '192.0.2.7');
  assert.equal(agent.checkHost('agent.sparkplug'), 'agent.sparkplug');
  assert.deepEqual(
    [registry.keyUsage, agent.keyUsage, client.keyUsage],
    [['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.1'], ['1.3.6.1.5.5.7.3.2']],
  );
  assert.equal(authority.ca, true);
  assert.equal(registry.ca, false);
  // Its key stays on this computer.
  assert.ok(!secrets.some(({ name }) => name === 'cluster_ca_key'));
  assert.equal((await stat(path.join(secretFolder(projectId), 'cluster_ca_key'))).mode & 0o777, 0o600);
});

test('the registry knows the password by its bcrypt hash', async () => {
  const { password } = await prepareRegistry(projectId, address, now);
  const [user, hash = ''] = (await read('registry_htpasswd')).trim().split(':');
  assert.equal(user, 'sparkplug');
  assert.match(hash, /^\$2y\$05\$/);
  assert.ok(await bcrypt.compare(password, hash));
  assert.ok(!(await bcrypt.compare('other', hash)));
});

test('a second time changes nothing; another address changes the registry’s certificate alone', async () => {
  const first = await prepareRegistry(projectId, address, now);
  const second = await prepareRegistry(projectId, address, now + dayMs);
  assert.deepEqual(second, first);
  const moved = await prepareRegistry(projectId, '192.0.2.8:5000', now);
  assert.deepEqual(changed(first, moved), ['registry_tls_cert', 'registry_tls_key']);
  assert.equal(moved.caCertificate, first.caCertificate);
});

test('certificates are renewed in their last month, the authority while it still outlives them', async () => {
  const first = await prepareRegistry(projectId, address, now);
  const late = await prepareRegistry(projectId, address, now + (2 * 365 - 29) * dayMs);
  assert.deepEqual(changed(first, late).toSorted(), [
    ...['agent_client_cert', 'agent_client_key', 'agent_tls_cert', 'agent_tls_key'],
    ...['registry_tls_cert', 'registry_tls_key'],
  ]);
  const last = await prepareRegistry(projectId, address, now + 8.5 * 365 * dayMs);
  assert.notEqual(last.caCertificate, first.caCertificate);
});

test('what is damaged or was half written is made anew', async () => {
  const first = await prepareRegistry(projectId, address, now);
  const file = (name: string) => path.join(secretFolder(projectId), name);
  await writeFile(file('registry_htpasswd'), 'sparkplug:nonsense\n');
  await writeFile(file('agent_tls_key'), await readFile(file('registry_tls_key')));
  const mended = await prepareRegistry(projectId, address, now);
  assert.deepEqual(changed(first, mended), ['registry_htpasswd', 'agent_tls_cert', 'agent_tls_key']);
  // Without its key an authority can vouch for nobody: all of it is new.
  await rm(file('cluster_ca_key'));
  assert.notEqual((await prepareRegistry(projectId, address, now)).caCertificate, first.caCertificate);
});
