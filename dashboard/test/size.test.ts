// The weight of the first page: what a browser has to fetch before it shows anything.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dashboard = fileURLToPath(new URL('../../dist/dashboard', import.meta.url));
const limitBytes = 250_000;

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

/** Files of a chunk and of all that it imports at once. */
function collect(chunks: Readonly<Record<string, Chunk>>, name: string, found = new Set<string>()): Set<string> {
  const chunk = chunks[name];
  if (chunk === undefined || found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const imported of chunk.imports ?? []) collect(chunks, imported, found);
  return found;
}

test('the first page is under 250 kB gzipped, the code of its own page included', async () => {
  const chunks = JSON.parse(await readFile(join(dashboard, '.vite', 'manifest.json'), 'utf8')) as Record<string, Chunk>;
  const files = new Set([
    'index.html',
    ...collect(chunks, 'index.html'),
    ...collect(chunks, 'src/pages/cluster-page.tsx'),
  ]);
  assert.ok(files.size > 4, 'the manifest names the entry and the first page');
  const sizes = await Promise.all(
    [...files].map(async (file) => gzipSync(await readFile(join(dashboard, file))).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total < limitBytes, `${total} bytes`);
});

test('the page names nothing of another host', async () => {
  assert.doesNotMatch(await readFile(join(dashboard, 'index.html'), 'utf8'), /(src|href)="(?!\/)/);
});
