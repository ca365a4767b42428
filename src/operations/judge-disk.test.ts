import assert from 'node:assert/strict';
import { hostname, tmpdir } from 'node:os';
import { test } from 'node:test';
import { judgeDisk, listDiskNeeds, warnOfFullDisk } from './judge-disk.ts';

const local = { name: hostname(), rootDir: '/var/lib/docker' };
const statesOf = (name: string, freeMiB: readonly number[]) => {
  const need = listDiskNeeds(local, '/shop').find((disk) => disk.name === name);
  assert.ok(need !== undefined, name);
  return freeMiB.map((free) => judgeDisk(need, free).state);
};

test('each disk is judged by what is written to it', () => {
  assert.deepEqual(
    statesOf(
      "disk of Docker's data",
      [20, 10, 7, 4].map((gib) => gib * 1024),
    ),
    ['ok', 'ok', 'warning', 'failed'],
  );
  assert.deepEqual(statesOf('disk of the project', [1024, 100, 15]), ['ok', 'warning', 'failed']);
  assert.deepEqual(statesOf('disk of temporary files', [4096, 1024, 500]), ['ok', 'warning', 'failed']);
});

test('a verdict names the folder, the room and the fix', () => {
  const [need] = listDiskNeeds(local, '/shop');
  assert.ok(need !== undefined);
  assert.deepEqual(judgeDisk(need, 2048), {
    state: 'failed',
    detail: '2 GiB free at /var/lib/docker; images alone need some 5 GiB',
    fix: 'docker system df; docker system prune',
  });
  assert.equal(judgeDisk(need, 99_999).fix, null);
});

test("a remote engine's disk is not looked at here", async () => {
  const folders = (engine: typeof local | null) => listDiskNeeds(engine, '/shop').map(({ folder }) => folder);
  assert.deepEqual(folders({ ...local, name: 'elsewhere' }), ['/shop', tmpdir()]);
  assert.deepEqual(folders(null), ['/shop', tmpdir()]);
  assert.equal(await warnOfFullDisk({ name: 'elsewhere', rootDir: '/' }), null);
});
