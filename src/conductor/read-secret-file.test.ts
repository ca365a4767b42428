import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSecretFile } from './read-secret-file.ts';

test('the bytes of a secret, without one line feed at the end; null where there is none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-secrets-'));
  writeFileSync(join(folder, 'text'), 'k3y\n\n');
  writeFileSync(join(folder, 'bytes'), Buffer.from([0xff, 0x00, 0x0d]));
  assert.deepEqual([...(readSecretFile(folder, 'text') ?? [])], [...Buffer.from('k3y\n')]);
  assert.deepEqual([...(readSecretFile(folder, 'bytes') ?? [])], [0xff, 0x00, 0x0d]);
  assert.equal(readSecretFile(folder, 'nothing'), null);
});
