import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { runPrivileged } from '../adapters/host/run-program.ts';
import { installEngine } from './install-engine.ts';
import { renderProvisionScript } from './machines/render-provision-script.ts';

/** A root's shell that ends so, and what it was given. */
function open(exitCode: number, stderr = '') {
  const calls: unknown[] = [];
  const run: typeof runPrivileged = async (privilege, program, args, { input = '' } = {}) => {
    calls.push([...privilege, program, ...args], input);
    return { exitCode, stdout: 'installing Docker Engine', stderr, found: true };
  };
  return { calls, install: () => installEngine(['sudo', '-n'], run) };
}

test('Docker is installed by what installs it on any machine, and only where it is missing', async () => {
  const { calls, install } = open(0);
  await install();
  const [command, script] = calls;
  assert.deepEqual(command, ['sudo', '-n', 'sh', '-s']);
  const own = String(script).trimEnd().split('\n');
  const everywhere = renderProvisionScript().split('\n');
  assert.ok(own.every((line) => everywhere.includes(line)));
  assert.match(own.join('\n'), /if ! command -v dockerd .*\n[\s\S]*apt-get install/);
  assert.doesNotMatch(own.join('\n'), /setsid|systemctl|\/var\/lib\/docker/);
});

test('another system and packages that cannot be had keep their codes', async () => {
  await assert.rejects(open(65, 'this is Fedora 40').install(), {
    code: 'SETUP_NOT_ALLOWED',
    met: 'this is Fedora 40',
  });
  await assert.rejects(open(68, 'E: no network\n').install(), {
    code: 'SETUP_FAILED',
    message: 'installing docker.io failed: E: no network',
  });
  await assert.rejects(open(1).install(), { code: 'SETUP_FAILED', message: /installing Docker Engine$/ });
});
