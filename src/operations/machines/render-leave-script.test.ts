import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LeaveOrder, renderLeaveCommand, renderLeaveScript } from './render-leave-script.ts';

interface Scene {
  readonly answers?: boolean;
  readonly state?: string;
  readonly node?: string;
  readonly leaves?: boolean;
}

/** Runs the script with a docker that notes how it is called and says what the engine would. */
function runScript(order: LeaveOrder, { answers = true, state = 'active', node = 'n1', leaves = true }: Scene = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-leave-'));
  try {
    const docker = [
      '#!/bin/sh',
      `echo "$*" >>${folder}/calls`,
      'case "$*" in',
      `  info) exit ${answers ? 0 : 1} ;;`,
      `  *LocalNodeState*) echo ${state} ;;`,
      `  *NodeID*) echo '${node}' ;;`,
      `  'swarm leave') exit ${leaves ? 0 : 1} ;;`,
      'esac',
    ];
    writeFileSync(join(folder, 'docker'), `${docker.join('\n')}\n`);
    chmodSync(join(folder, 'docker'), 0o755);
    const certificates = join(folder, 'etc', 'certs.d', '10.0.0.5:5000');
    mkdirSync(certificates, { recursive: true });
    const other = join(folder, 'etc', 'certs.d', '10.0.0.6:5000');
    mkdirSync(other);
    const { status, stderr } = spawnSync('sh', ['-s'], {
      input: renderLeaveScript(order).replaceAll('/etc/docker', join(folder, 'etc')),
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
    const calls = readFileSync(join(folder, 'calls'), 'utf8').split('\n');
    assert.ok(existsSync(other), 'another registry is trusted still');
    return { status, stderr, calls, trusts: existsSync(certificates) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const order: LeaveOrder = { nodeId: 'n1', registry: '10.0.0.5:5000' };

test('it leaves the Swarm, logs out and trusts the registry no more', () => {
  for (const scene of [{}, { state: 'error', node: '' }, { state: 'pending' }]) {
    const { status, calls, trusts } = runScript(order, scene);
    assert.deepEqual([status, trusts], [0, false]);
    assert.ok(calls.includes('swarm leave') && calls.includes('logout 10.0.0.5:5000'), calls.join());
  }
});

test('one that has left, is elsewhere by now, or whose engine is silent only forgets the registry', () => {
  for (const scene of [{ state: 'inactive', node: '' }, { node: 'n2' }, { answers: false }]) {
    const { status, calls, trusts } = runScript(order, scene);
    assert.deepEqual([status, trusts], [0, false]);
    assert.ok(!calls.includes('swarm leave'), calls.join());
  }
});

test('one that does not leave says so, and stays as it is', () => {
  const { status, stderr, trusts } = runScript(order, { leaves: false });
  assert.deepEqual([status, trusts], [5, true]);
  assert.match(stderr, /does not leave its Swarm \(active\)/);
});

test('without a registry nothing is forgotten; the line for people does the same', () => {
  assert.equal(runScript({ nodeId: null, registry: null }).trusts, true);
  assert.equal(renderLeaveCommand(null), "sudo sh -c 'docker swarm leave'");
  assert.match(
    renderLeaveCommand('a:1'),
    /docker swarm leave; docker logout a:1; rm -rf \/etc\/docker\/certs\.d\/a:1'$/,
  );
});
