import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forgetHostKeys, nameHostKey, parseHostKeys, readKnownKeys, rememberHostKey } from './host-key.ts';
import { createSshShell, explainSshFailure } from './ssh-shell.ts';

/** An `ssh` that runs the remote command here and notes its arguments. */
function fakeSsh(script = 'eval "$last"') {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-ssh-'));
  const program = join(folder, 'ssh');
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" >${folder}/arguments\nfor last; do :; done\n${script}\n`);
  chmodSync(program, 0o755);
  return { program, read: () => readFileSync(join(folder, 'arguments'), 'utf8').split('\n') };
}

const target = { destination: 'root@one', port: 2222, identityFile: '/keys/id', knownHosts: ['/a b/known', '/c'] };

test('the script goes through standard input, its own input after it; nothing of it stands in a command line', async () => {
  const { program, read } = fakeSsh();
  const shell = createSshShell(target, program);
  const plain = await shell.run('echo "secret $(cat | wc -c)"; exit 3');
  assert.deepEqual(plain, { stdout: 'secret 0', stderr: '', exitCode: 3 });
  const fed = await shell.run('cat', { input: 'one\nEND_OF_INPUT\n$HOME' });
  assert.equal(fed.stdout, 'one\nEND_OF_INPUT\n$HOME');
  assert.ok(!read().some((argument) => argument.includes('secret')));
});

test('keys, port and known hosts are OpenSSH’s own options; unknown hosts are never taken', async () => {
  const { program, read } = fakeSsh();
  await createSshShell(target, program).run('true');
  const given = read();
  for (const option of ['StrictHostKeyChecking=yes', 'BatchMode=yes', 'UserKnownHostsFile="/a b/known" "/c"']) {
    assert.ok(given.includes(option), option);
  }
  assert.deepEqual([given[given.indexOf('-p') + 1], given[given.indexOf('-i') + 1]], ['2222', '/keys/id']);
});

test('without root or sudo, and without a client, the error names the fix', async () => {
  const { program } = fakeSsh('exit 98');
  await assert.rejects(createSshShell(target, program).run('true'), { code: 'SUDO_MISSING' });
  await assert.rejects(createSshShell(target, '/nowhere/ssh').run('true'), { code: 'SSH_UNREACHABLE' });
});

test('what OpenSSH says becomes a code', () => {
  const cases = [
    ['ssh: connect to host one port 22: Connection refused', 'SSH_UNREACHABLE'],
    ['ssh: Could not resolve hostname one: Name or service not known', 'SSH_UNREACHABLE'],
    ['root@one: Permission denied (publickey,password).', 'SSH_REFUSED'],
    [
      'No ED25519 host key is known for one and you have requested strict checking.\nHost key verification failed.',
      'HOST_KEY_UNKNOWN',
    ],
    [
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\nHost key verification failed.',
      'HOST_KEY_CHANGED',
    ],
  ] as const;
  for (const [said, code] of cases) assert.equal(explainSshFailure('root@one', said).code, code, said);
  assert.equal(explainSshFailure('root@one', cases[4][0]).met, 'SHA256:abc');
});

test('host keys have the fingerprint that OpenSSH shows', async () => {
  // GitHub publishes this key together with its fingerprint.
  const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  const [found] = parseHostKeys(`# one:22 SSH-2.0-OpenSSH\none ssh-ed25519 ${key}\n`);
  assert.equal(found?.fingerprint, 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
  const file = join(mkdtempSync(join(tmpdir(), 'sparkplug-known-')), 'deep', 'known_hosts');
  assert.ok(found !== undefined);
  await rememberHostKey(file, found);
  await rememberHostKey(file, found);
  assert.equal(readFileSync(file, 'utf8'), `one ssh-ed25519 ${key}\n`);
});

test('a key is known by a name of ours, whatever the address is, until it is forgotten', async () => {
  const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  const file = join(mkdtempSync(join(tmpdir(), 'sparkplug-known-')), 'known_hosts');
  assert.deepEqual(await readKnownKeys(file, 'sparkplug-a-abc123.i-1'), []);
  const [shown] = parseHostKeys(`198.51.100.7 ssh-ed25519 ${key}`);
  assert.ok(shown !== undefined);
  await rememberHostKey(file, shown);
  await rememberHostKey(file, nameHostKey(shown, 'sparkplug-a-abc123.i-1'));
  const [known, ...more] = await readKnownKeys(file, 'sparkplug-a-abc123.i-1');
  assert.deepEqual([known?.fingerprint, more.length], [shown.fingerprint, 0]);
  await forgetHostKeys(file, 'sparkplug-a-abc123.');
  assert.deepEqual(await readKnownKeys(file, 'sparkplug-a-abc123.i-1'), []);
  assert.equal(readFileSync(file, 'utf8'), `198.51.100.7 ssh-ed25519 ${key}\n`);
});
