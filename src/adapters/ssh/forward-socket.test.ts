import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forwardSocket } from './forward-socket.ts';

const target = { destination: 'admin@one', port: null, identityFile: '/keys/id', knownHosts: ['/known'] };
const { signal } = new AbortController();

/** An `ssh` that notes its arguments and then does as the script says; `$socket` is the local one. */
function fakeSsh(script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-forward-'));
  const program = join(folder, 'ssh');
  const localSocket = join(folder, 's');
  const lines = ['#!/bin/sh', `printf '%s\\n' "$@" >${folder}/arguments`, `socket=${localSocket}`, script];
  writeFileSync(program, `${lines.join('\n')}\n`);
  chmodSync(program, 0o755);
  const open = () => forwardSocket(target, { localSocket, remoteSocket: '/run/docker.sock', signal }, program);
  return { localSocket, open, readArguments: () => readFileSync(join(folder, 'arguments'), 'utf8').split('\n') };
}

test('resolves once the socket is there, and ends the connection when it is closed', async () => {
  const { localSocket, open, readArguments } = fakeSsh(
    ': >"$socket"; trap \'rm "$socket"; exit 0\' TERM; while :; do sleep 0.05; done',
  );
  const forwarded = await open();
  assert.ok(existsSync(localSocket));
  const given = readArguments();
  for (const argument of [
    '-N',
    `${localSocket}:/run/docker.sock`,
    'StrictHostKeyChecking=yes',
    '/keys/id',
    'admin@one',
  ]) {
    assert.ok(given.includes(argument), argument);
  }
  await forwarded.close();
  assert.ok(!existsSync(localSocket));
});

test('what OpenSSH says becomes a code', async () => {
  const refused = fakeSsh('echo "admin@one: Permission denied (publickey)." >&2; exit 255');
  await assert.rejects(refused.open(), { code: 'SSH_REFUSED' });
  const missing = { localSocket: '/nowhere/s', remoteSocket: '/run/docker.sock', signal };
  await assert.rejects(forwardSocket(target, missing, '/nowhere/ssh'), { code: 'SSH_UNREACHABLE' });
});
