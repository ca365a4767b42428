import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { parseProjectState } from '../../config/project-state.ts';
import { packArchive, unpackArchive } from './operator-archive.ts';

const state = parseProjectState({ id: 'app-abc123', webPort: 8080 });
const files = { token: 'c3A=', 'secrets/cluster_ca': randomBytes(9_000).toString('base64') };

function stored() {
  const { parts, count } = packArchive({ state, files });
  return new Map([...parts.map((part, index) => [String(index + 1), part] as const), ['count', count] as const]);
}

test('an archive fits the parameters, and is read again as it was', () => {
  const values = stored();
  assert.ok(values.size > 3);
  for (const value of values.values()) assert.ok(value.length <= 4096 && !value.includes('{{'));
  assert.deepEqual(unpackArchive(values), { state, files });
  assert.deepEqual(packArchive({ state, files }), packArchive({ state, files }));
});

test('parts of two archives, or missing ones, are none', () => {
  const mixed = stored();
  mixed.set('1', 'x'.repeat(4096));
  assert.equal(unpackArchive(mixed), null);
  const short = stored();
  short.delete('2');
  assert.equal(unpackArchive(short), null);
  assert.equal(unpackArchive(new Map()), null);
});

test('a file that would land elsewhere is refused', () => {
  for (const name of ['../../.bashrc', 'secrets/../x', 'secrets/.x', '/etc/passwd']) {
    const { parts, count } = packArchive({ state, files: { [name]: 'AA==' } });
    const values = new Map([
      ...parts.map((part, index) => [String(index + 1), part] as const),
      ['count', count] as const,
    ]);
    assert.throws(() => unpackArchive(values), /strange file/);
  }
});
