import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { catalogue, SparkPlugError } from './errors.ts';

const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const sections = page.split(/^## /m).slice(1);
const documented = sections.map((section) => section.split('\n')[0]?.trim() ?? '');

test('docs/errors.md explains every code of the catalogue, and no other', () => {
  assert.deepEqual([...documented].sort(), Object.keys(catalogue).sort());
});

test('every explanation has a paragraph', () => {
  const empty = sections.filter((section) => section.split('\n').slice(1).join('').trim().length < 40);
  assert.deepEqual(empty, []);
});

test('an error carries the exit code of its entry', () => {
  assert.equal(new SparkPlugError('CONFIG_INVALID', 'x').exitCode, 2);
  assert.equal(new SparkPlugError('CLUSTER_UNREACHABLE', 'x').exitCode, 3);
  assert.equal(new SparkPlugError('NO_ROOM', 'x').exitCode, 1);
});
