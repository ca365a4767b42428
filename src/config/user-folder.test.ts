import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { ProgressEvent } from '../progress.ts';
import {
  ensureSecrets,
  listSecrets,
  readToken,
  removeSecret,
  removeUserFolder,
  secretFolder,
  setSecret,
  userFolder,
} from './user-folder.ts';

const project = 'app-abc123';
const root = await mkdtemp(path.join(tmpdir(), 'sparkplug-user-folder-'));
const configured = process.env.XDG_CONFIG_HOME;

beforeEach(async () => {
  process.env.XDG_CONFIG_HOME = path.join(await mkdtemp(path.join(root, 'home-')), 'config');
});
after(async () => {
  if (configured === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = configured;
  await rm(root, { recursive: true, force: true });
});

async function modeOf(file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

test('the first use makes token and secrets for nobody else’s eyes, whatever the umask', async () => {
  const umask = process.umask(0);
  try {
    assert.equal(await readToken(project), null);
    const secrets = await ensureSecrets(project);
    assert.deepEqual(
      secrets.map(({ name }) => name),
      ['spark_auth', 'control', 'web_tokens'],
    );
    for (const secret of secrets) {
      assert.equal(await modeOf(secret.path), '600');
      assert.match(secret.hash, /^[0-9a-f]{12}$/);
    }
  } finally {
    process.umask(umask);
  }
  assert.equal(await modeOf(userFolder(project)), '700');
  assert.equal(await modeOf(secretFolder(project)), '700');
  assert.equal(await modeOf(path.join(userFolder(project), 'token')), '600');
  const token = await readToken(project);
  assert.match(token ?? '', /^sp_[\w-]{43}$/);
});

test('the cluster is given the token’s hash only', async () => {
  const secrets = await ensureSecrets(project);
  const token = (await readToken(project)) ?? '';
  const contents = await Promise.all(secrets.map((secret) => readFile(secret.path, 'utf8')));
  assert.ok(contents.every((content) => !content.includes(token)));
  assert.deepEqual(JSON.parse(contents[2] ?? ''), [{ name: 'admin', scope: 'admin', sha256: sha256(token) }]);
});

test('what exists is kept', async () => {
  const first = await ensureSecrets(project);
  const token = await readToken(project);
  assert.deepEqual(await ensureSecrets(project), first);
  assert.equal(await readToken(project), token);
});

test('several at once agree', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => ensureSecrets(project)));
  for (const secrets of all) assert.deepEqual(secrets, all[0]);
  assert.deepEqual((await readdir(secretFolder(project))).sort(), ['control', 'spark_auth', 'web_tokens']);
});

test('a deleted token is made anew and takes the admin entry, other tokens stay', async () => {
  await ensureSecrets(project);
  const file = path.join(secretFolder(project), 'web_tokens');
  const other = { name: 'ci', scope: 'run', sha256: 'ab' };
  await writeFile(file, JSON.stringify([...JSON.parse(await readFile(file, 'utf8')), other]));
  await rm(path.join(userFolder(project), 'token'));
  await ensureSecrets(project);
  const token = (await readToken(project)) ?? '';
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), [
    { name: 'admin', scope: 'admin', sha256: sha256(token) },
    other,
  ]);
});

test('a damaged token is an error with a fix', async () => {
  await ensureSecrets(project);
  await writeFile(path.join(userFolder(project), 'token'), 'nonsense');
  await assert.rejects(ensureSecrets(project), { code: 'USER_FOLDER_UNUSABLE', hint: /Delete the file/ });
});

test('permissions that are too open are tightened and reported', async () => {
  await ensureSecrets(project);
  const token = path.join(userFolder(project), 'token');
  await chmod(token, 0o644);
  await chmod(userFolder(project), 0o755);
  const events: ProgressEvent[] = [];
  await ensureSecrets(project, [], (event) => events.push(event));
  assert.deepEqual(events, [
    { kind: 'warning', text: `${userFolder(project)} was open to others (mode 0755); it is 0700 now.` },
    { kind: 'warning', text: `${token} was open to others (mode 0644); it is 0600 now.` },
  ]);
  assert.equal(await modeOf(token), '600');
});

test('secrets of jobs are set, listed, given to the cluster and removed', async () => {
  const set = await setSecret(project, 'warehouse_password', Buffer.from('pw'));
  assert.equal(await modeOf(set.path), '600');
  assert.equal(set.hash, sha256('warehouse_password\0pw').slice(0, 12));
  const secrets = await ensureSecrets(project, ['warehouse_password', 'warehouse_password']);
  assert.deepEqual(secrets.at(-1), set);
  assert.equal(secrets.length, 4);
  assert.deepEqual(await listSecrets(project), [set]);
  const changed = await setSecret(project, 'warehouse_password', Buffer.from('new'));
  assert.notEqual(changed.hash, set.hash);
  assert.equal(await removeSecret(project, 'warehouse_password'), true);
  assert.equal(await removeSecret(project, 'warehouse_password'), false);
  assert.deepEqual(await listSecrets(project), []);
});

test('secrets that were never set are named all at once', async () => {
  await assert.rejects(ensureSecrets(project, ['a', 'b']), {
    code: 'SECRET_MISSING',
    met: 'a, b',
    hint: /sparkplug secret set a/,
  });
});

test('bad and reserved names, empty and huge contents are refused', async () => {
  const content = Buffer.from('x');
  for (const name of [
    '',
    '../x',
    'a/b',
    '.x',
    'a b',
    'spark_auth',
    'control',
    'web_tokens',
    'token',
    'x.tmp',
    'x'.repeat(41),
  ]) {
    await assert.rejects(setSecret(project, name, content), { code: 'SECRET_INVALID' }, name);
    await assert.rejects(removeSecret(project, name), { code: 'SECRET_INVALID' }, name);
  }
  for (const size of [0, 500 * 1024 + 1]) {
    await assert.rejects(setSecret(project, 'x', Buffer.alloc(size)), { code: 'SECRET_INVALID', met: `${size} bytes` });
  }
});

test('a folder that cannot be made is an error with a fix', async () => {
  const file = path.join(await mkdtemp(path.join(root, 'home-')), 'file');
  await writeFile(file, '');
  process.env.XDG_CONFIG_HOME = file;
  await assert.rejects(ensureSecrets(project), { code: 'USER_FOLDER_UNUSABLE', hint: /XDG_CONFIG_HOME/ });
});

test('the folder goes as a whole; ids that are none never become paths', async () => {
  await ensureSecrets(project);
  await removeUserFolder(project);
  assert.equal(await readToken(project), null);
  assert.throws(() => userFolder('../../etc'), /not a project id/);
});
