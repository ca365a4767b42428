import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import { listLocalFiles } from './list-local-files.ts';

function makeTree(): string {
  const root = mkdtempSync(join(tmpdir(), 'sparkplug-local-'));
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'b', 'c'), { recursive: true });
  writeFileSync(join(root, 'a.txt'), 'aa');
  writeFileSync(join(root, 'b', 'c', 'd.txt'), 'dddd');
  symlinkSync('../a.txt', join(root, 'b', 'link.txt'));
  symlinkSync('..', join(root, 'b', 'loop'));
  return root;
}

/** Root reads everything: the look is made as somebody else. */
async function asOrdinaryUser<T>(look: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    return await look();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test('all files of a folder by name; links to files count, links to folders do not', async () => {
  const root = makeTree();
  const { isFolder, items } = await listLocalFiles(root);
  assert.equal(isFolder, true);
  assert.deepEqual(
    items.map(({ relative, bytes }) => [relative, bytes]),
    [
      ['a.txt', 2],
      ['b/c/d.txt', 4],
      ['b/link.txt', 2],
    ],
  );
});

test('a single file has no relative name', async () => {
  const root = makeTree();
  const { isFolder, items } = await listLocalFiles(join(root, 'a.txt'));
  assert.deepEqual([isFolder, items], [false, [{ from: join(root, 'a.txt'), relative: '', bytes: 2 }]]);
});

test('what is not there is FILE_MISSING with place and fix', async () => {
  await assert.rejects(listLocalFiles('/nowhere/at/all'), {
    code: 'FILE_MISSING',
    place: '/nowhere/at/all',
    met: 'ENOENT',
    hint: /make it readable/,
  });
});

test('a folder below that may not be read is named, nothing else is copied', async () => {
  const root = makeTree();
  chmodSync(join(root, 'b', 'c'), 0);
  await assert.rejects(
    asOrdinaryUser(() => listLocalFiles(root)),
    { code: 'FILE_MISSING', place: join(root, 'b', 'c'), met: 'EACCES' },
  );
});

test('several of them are named at once, a broken link and an unreadable file too', async () => {
  const root = makeTree();
  chmodSync(join(root, 'a.txt'), 0);
  symlinkSync('nowhere', join(root, 'broken'));
  await assert.rejects(
    asOrdinaryUser(() => listLocalFiles(root)),
    (error: unknown) => {
      assert.ok(error instanceof SparkPlugError && error.code === 'FILE_MISSING');
      assert.deepEqual(error.problems.map(({ place, met }) => [place, met]).toSorted(), [
        [join(root, 'a.txt'), 'EACCES'],
        [join(root, 'b', 'link.txt'), 'EACCES'],
        [join(root, 'broken'), 'ENOENT'],
      ]);
      return true;
    },
  );
});
