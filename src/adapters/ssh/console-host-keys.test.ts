import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConsoleHostKeys } from './console-host-keys.ts';

const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const other = 'AAAAC3NzaC1lZDI1NTE5AAAAIJK1i6kmS9xiVhpMDXJ0BjyFpbk4cLVoCEYtOFr8YYYY';
const block = (material: string) =>
  [
    'ci-info: no authorized SSH keys fingerprints found',
    '-----BEGIN SSH HOST KEY KEYS-----',
    `ssh-ed25519 ${material} root@ip-10-0-0-5`,
    '-----END SSH HOST KEY KEYS-----',
  ].join('\r\n');

test('keys are read from a console, as lines for known hosts', () => {
  const [found, ...more] = readConsoleHostKeys(`boot\r\n${block(key)}\r\nlogin: `, '203.0.113.7');
  assert.deepEqual(more, []);
  assert.equal(found?.line, `203.0.113.7 ssh-ed25519 ${key}`);
  assert.equal(found?.fingerprint, 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

test('of several boots the latest counts', () => {
  const [found] = readConsoleHostKeys(`${block(other)}\n${block(key)}`, 'a');
  assert.equal(found?.line, `a ssh-ed25519 ${key}`);
});

test('what stands in front of a line does no harm, half a block is none', () => {
  const [found] = readConsoleHostKeys(block(key).replace('ssh-ed25519', '[   12.5] cloud-init[99]: ssh-ed25519'), 'a');
  assert.equal(found?.type, 'ssh-ed25519');
  assert.deepEqual(readConsoleHostKeys('', 'a'), []);
  assert.deepEqual(readConsoleHostKeys(block(key).split('-----END')[0] ?? '', 'a'), []);
});
