import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ensureSecrets, readNextToken, readToken, userFolder } from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';
import { openAccessStore } from '../runs/state/access-store.ts';
import { type AccessDesk, createAccessDesk } from './access-desk.ts';
import { type Connect, rotateOwnToken, settleToken } from './own-token.ts';

const project = 'app-abc123';
const configured = process.env.XDG_CONFIG_HOME;
let root: string;
let desk: AccessDesk;
let close: () => void;
let first: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sparkplug-own-token-'));
  process.env.XDG_CONFIG_HOME = root;
  await ensureSecrets(project);
  first = (await readToken(project)) ?? '';
  const store = openAccessStore(path.join(root, 'access.db'), () => assert.fail());
  close = () => store.close();
  desk = createAccessDesk(store, { now: () => Date.now(), wait: () => Promise.reject(new Error('nothing waits')) });
  const sha256 = createHash('sha256').update(first).digest('hex');
  desk.importTokens([{ name: 'admin', scope: 'admin', sha256 }]);
});
afterEach(async () => {
  close();
  if (configured === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = configured;
  await rm(root, { recursive: true, force: true });
});

type Accident = 'none' | 'request lost' | 'answer lost' | 'away';

/** The cluster's side, with something that goes wrong in the rotation. */
function connectWith(accident: Accident): Connect {
  return (token) => ({
    session: async () => {
      if (accident === 'away') throw new SparkPlugError('CLUSTER_UNREACHABLE', 'away');
      const found = desk.byToken(token);
      if (typeof found === 'string') throw new SparkPlugError('AUTH_REQUIRED', found);
      return { name: found.name, scope: found.scope, expiresAt: null };
    },
    rotateToken: async (name, rotation) => {
      const lost = new SparkPlugError('CLUSTER_UNREACHABLE', 'broke off');
      if (accident === 'request lost') throw lost;
      const issued = desk.rotate(name, rotation.token);
      if (accident === 'answer lost') throw lost;
      return issued;
    },
  });
}

async function isInForce(token: string | null): Promise<void> {
  assert.equal(typeof desk.byToken(token ?? ''), 'object', 'the token is in force');
  assert.equal(await readToken(project), token);
}

test('a rotation puts a new token in force and forgets the old one', async () => {
  assert.equal(await rotateOwnToken(project, connectWith('none')), 'admin');
  const token = await readToken(project);
  assert.notEqual(token, first);
  await isInForce(token);
  assert.equal(desk.byToken(first), 'unknown');
  assert.deepEqual((await readdir(userFolder(project))).sort(), ['secrets', 'token']);
  assert.equal(((await stat(path.join(userFolder(project), 'token'))).mode & 0o777).toString(8), '600');
});

test('interrupted before the cluster hears of it, the old token stays', async () => {
  await assert.rejects(rotateOwnToken(project, connectWith('request lost')), { code: 'CLUSTER_UNREACHABLE' });
  assert.notEqual(await readNextToken(project), null);
  assert.equal(await settleToken(project, connectWith('none')), first);
  assert.equal(await readNextToken(project), null);
  await isInForce(first);
});

test('interrupted after the cluster has rotated, the next command takes the new token', async () => {
  await assert.rejects(rotateOwnToken(project, connectWith('answer lost')), { code: 'CLUSTER_UNREACHABLE' });
  assert.equal(desk.byToken(first), 'unknown');
  assert.equal(await readToken(project), first);
  const settled = await settleToken(project, connectWith('none'));
  assert.notEqual(settled, first);
  await isInForce(settled);
  assert.equal(await readNextToken(project), null);
});

test('while the cluster is away nothing is decided', async () => {
  await assert.rejects(rotateOwnToken(project, connectWith('answer lost')));
  const next = await readNextToken(project);
  assert.equal(await settleToken(project, connectWith('away')), first);
  assert.equal(await readNextToken(project), next);
  await isInForce(await settleToken(project, connectWith('none')));
});

test('a rotation right after an interrupted one works', async () => {
  for (const accident of ['request lost', 'answer lost'] as const) {
    await assert.rejects(rotateOwnToken(project, connectWith(accident)));
    await rotateOwnToken(project, connectWith('none'));
    await isInForce(await readToken(project));
  }
});

test('two rotations at once leave a valid token', async () => {
  await Promise.all([rotateOwnToken(project, connectWith('none')), rotateOwnToken(project, connectWith('none'))]);
  await isInForce(await readToken(project));
});

test('a damaged next token is as good as none', async () => {
  await assert.rejects(rotateOwnToken(project, connectWith('request lost')));
  await writeFile(path.join(userFolder(project), 'token.next'), 'sp_half');
  assert.equal(await settleToken(project, connectWith('none')), first);
});
