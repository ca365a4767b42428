import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { listLaterKeys } from './later-keys.ts';
import { parseConfig } from './parse-config.ts';
import { knownKeys } from './project-schema.ts';

const page = readFileSync(new URL('../../docs/project-file.md', import.meta.url), 'utf8');

test('every example of docs/project-file.md is a valid file', () => {
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, example]) => example ?? '');
  assert.ok(examples.length >= 2);
  for (const example of examples) assert.equal(parseConfig(example, 'example').name, 'geopredict');
});

test('docs/project-file.md has a row for every key', () => {
  const sections = ['spark', 'hdfs', 'reserve', 'web', 'images', 'runs'];
  const keys = Object.entries(knownKeys).flatMap(([path, names]) => {
    if (path === 'spark.worker' || path === 'web.tls') return [];
    return sections.includes(path)
      ? names.map((name) => `${path}.${name}`)
      : names.filter((name) => !sections.includes(name));
  });
  const rows = page.replaceAll(/ +\|/g, ' |');
  for (const key of keys) assert.ok(rows.includes(`| \`${key}\` |`), key);
});

test('docs/project-file.md names every key of a later version', () => {
  const section = page.split('## Not yet supported')[1]?.split('\n## ')[0] ?? '';
  for (const key of [...listLaterKeys([]), ...listLaterKeys(['jobs', 'any'])]) {
    assert.ok(section.includes(`\`${key}\``), key);
  }
});
