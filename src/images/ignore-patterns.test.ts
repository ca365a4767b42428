import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileIgnores, defaultIgnores, parseIgnoreFile } from './ignore-patterns.ts';

const ignores = (pattern: string | readonly string[], path: string, isFolder = false) =>
  compileIgnores(typeof pattern === 'string' ? [pattern] : pattern)(path, isFolder);

test('a name alone counts in every folder', () => {
  assert.ok(ignores('*.csv', 'a/b/x.csv'));
  assert.ok(ignores('data', 'a/data', true));
  assert.ok(!ignores('*.csv', 'x.csv.py'));
});

test('a slash ties a pattern to the top', () => {
  assert.ok(ignores('/data', 'data'));
  assert.ok(!ignores('/data', 'src/data'));
  assert.ok(ignores('src/*.csv', 'src/x.csv'));
  assert.ok(!ignores('src/*.csv', 'src/deep/x.csv'));
});

test('a slash at the end means folders', () => {
  assert.ok(ignores('build/', 'a/build', true));
  assert.ok(!ignores('build/', 'a/build', false));
});

test('two stars cross folders', () => {
  assert.ok(ignores('**/x.py', 'x.py'));
  assert.ok(ignores('a/**/x.py', 'a/b/c/x.py'));
  assert.ok(ignores('a/**', 'a/b/c'));
});

test('the last pattern that matches decides', () => {
  assert.ok(!ignores(['*.csv', '!small.csv'], 'small.csv'));
  assert.ok(ignores(['!small.csv', '*.csv'], 'small.csv'));
});

test('classes and question marks match one character', () => {
  assert.ok(ignores('x[0-9].p?', 'x7.py'));
  assert.ok(!ignores('x[!0-9].py', 'x7.py'));
  assert.ok(!ignores('x?y', 'x/y'));
});

test('comments, blank lines and trailing blanks say nothing', () => {
  assert.deepEqual(parseIgnoreFile('# data\n\n*.csv  \r\n\\#odd\n'), ['*.csv', '\\#odd']);
  assert.ok(ignores('\\#odd', '#odd'));
});

test('version control, environments and keys are left out by default', () => {
  const isIgnored = compileIgnores(defaultIgnores);
  for (const path of ['.git', 'a/__pycache__', '.venv', 'node_modules', '.sparkplug'])
    assert.ok(isIgnored(path, true), path);
  for (const path of ['.env', 'sparkplug.yaml', 'a/x.pyc']) assert.ok(isIgnored(path, false), path);
  for (const path of ['src/job.py', 'target/app.jar', 'a/sparkplug.yaml']) assert.ok(!isIgnored(path, false), path);
});
