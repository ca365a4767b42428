import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type JoinOrder, renderJoinScript, renderTrustScript } from './render-join-script.ts';

const plain: JoinOrder = { managerAddress: '10.0.0.5:2377', token: 'SWMTKN-1-abc', registry: null };
const withRegistry: JoinOrder = {
  ...plain,
  registry: {
    address: '10.0.0.5:5000',
    caCertificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    user: 'machines',
    password: `a'b"c$HOME\`d\``,
  },
};

/** Runs the script with a docker that notes how it is called and says what the engine would. */
function runScript(order: JoinOrder, swarm: { readonly state: string; readonly managers: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-join-'));
  try {
    const docker = [
      '#!/bin/sh',
      `echo "$*" >>${folder}/calls`,
      'case "$*" in',
      `  *LocalNodeState*) echo ${swarm.state} ;;`,
      `  *RemoteManagers*) echo '${swarm.managers}' ;;`,
      `  login*) cat >${folder}/password ;;`,
      'esac',
    ];
    writeFileSync(join(folder, 'docker'), `${docker.join('\n')}\n`);
    chmodSync(join(folder, 'docker'), 0o755);
    const script = renderJoinScript(order).replaceAll('/etc/docker', `${folder}/etc`);
    const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
      input: script,
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
    const read = (file: string) => {
      try {
        return readFileSync(join(folder, file), 'utf8');
      } catch {
        return null;
      }
    };
    const certificate = read('etc/certs.d/10.0.0.5:5000/ca.crt');
    return { status, stdout, stderr, calls: read('calls') ?? '', password: read('password'), certificate };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const nowhere = { state: 'inactive', managers: '' };

test('a machine in no Swarm joins', () => {
  const { status, calls } = runScript(plain, nowhere);
  assert.equal(status, 0);
  assert.match(calls, /^swarm join --token SWMTKN-1-abc 10\.0\.0\.5:2377$/m);
  assert.doesNotMatch(calls, /login/);
});

test('a machine in this Swarm is left as it is', () => {
  const { status, calls, stdout } = runScript(plain, { state: 'active', managers: '10.0.0.5:2377 ' });
  assert.equal(status, 0);
  assert.match(stdout, /already in/);
  assert.doesNotMatch(calls, /swarm join/);
});

test('a machine in another Swarm refuses, also where the address only begins like ours', () => {
  for (const managers of ['192.168.1.2:2377 ', '110.0.0.5:2377 ', '10.0.0.5:23770 ']) {
    const { status, calls, stderr } = runScript(plain, { state: 'active', managers });
    assert.equal(status, 4, managers);
    assert.match(stderr, /another Swarm \(active, of .*docker swarm leave/);
    assert.doesNotMatch(calls, /swarm join/);
  }
});

test('the registry is trusted before the machine joins; its password is in no command line', () => {
  const { status, calls, password, certificate } = runScript(withRegistry, nowhere);
  assert.equal(status, 0);
  assert.equal(password?.trimEnd(), withRegistry.registry?.password);
  assert.equal(certificate, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  assert.match(calls, /login --username machines --password-stdin 10\.0\.0\.5:5000\n[\s\S]*swarm join/);
  assert.ok(!calls.includes("a'b"));
});

test('sh accepts every form', () => {
  const scripts = [plain, withRegistry].map(renderJoinScript);
  for (const input of [...scripts, renderTrustScript({ address: 'a:1', caCertificate: 'PEM' })]) {
    const { status, stderr } = spawnSync('sh', ['-n'], { input, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
});
