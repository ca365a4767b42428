import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseName, findNameProblem, folderHref, folderOfHref, joinPath, listAncestors } from './hdfs-path.ts';

test('paths are taken apart and put together', () => {
  assert.deepEqual([joinPath('/', 'a'), joinPath('/a', 'b')], ['/a', '/a/b']);
  assert.deepEqual(listAncestors('/a/b'), ['/', '/a', '/a/b']);
  assert.deepEqual([baseName('/a/b c'), baseName('/')], ['b c', '']);
});

test('a folder survives the address, whatever its name', () => {
  for (const path of ['/', '/a', '/a b/100%/ü', '/a?b/#c']) {
    assert.equal(folderOfHref(folderHref(path).slice('/files/'.length)), path);
  }
  assert.equal(folderOfHref('%E0%A4%A'), '/%E0%A4%A');
});

test('names that HDFS refuses are refused at once', () => {
  for (const name of ['', '.', '..', 'a/b', 'a:b']) assert.notEqual(findNameProblem(name), null, name);
  assert.equal(findNameProblem('two words.csv'), null);
});
