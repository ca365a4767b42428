import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextSort, readResultQuery, toCurl, writeResultQuery } from './result-query.ts';

test('a question survives the address', () => {
  const query = {
    filters: [
      { column: 'city', operator: 'contains', value: 'a:b & c' },
      { column: 'odd:name', operator: 'ge', value: '' },
    ],
    sort: '-load',
    offset: 50,
  } as const;
  assert.deepEqual(readResultQuery(new URLSearchParams(writeResultQuery(query))), query);
  assert.equal(writeResultQuery({ filters: [], sort: null, offset: 0 }), '');
  assert.equal(writeResultQuery({ filters: [], sort: null, offset: 0 }, { limit: 5 }), '?limit=5');
});

test('what is malformed is passed over', () => {
  const search = new URLSearchParams('where=city&where=city:like:x&where=:eq:x&offset=-3');
  assert.deepEqual(readResultQuery(search), { filters: [], sort: null, offset: 0 });
  assert.equal(readResultQuery(new URLSearchParams('offset=1e99')).offset, 0);
});

test('an order goes up, down, away', () => {
  assert.deepEqual(
    [nextSort(null, 'a'), nextSort('a', 'a'), nextSort('-a', 'a'), nextSort('b', 'a')],
    ['a', '-a', null, 'a'],
  );
});

test('a quote in a value does not end the argument', () => {
  assert.equal(
    toCurl('http://h', "/x?where=a:eq:it's"),
    `curl -H "Authorization: Bearer $TOKEN" 'http://h/x?where=a:eq:it'\\''s'`,
  );
});
