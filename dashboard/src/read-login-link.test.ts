import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLoginLink } from './read-login-link.ts';

test('the code stands in the fragment, the page in fragment or query', () => {
  assert.deepEqual(readLoginLink('http://127.0.0.1:8080/login#code=abc'), { code: 'abc', to: '/' });
  assert.deepEqual(readLoginLink('http://h/login#code=a&to=%2Fruns%3Fjob%3Dx'), { code: 'a', to: '/runs?job=x' });
  assert.deepEqual(readLoginLink('http://h/login?to=%2Ffiles'), { code: null, to: '/files' });
  assert.deepEqual(readLoginLink('http://h/login?code=abc'), { code: null, to: '/' });
  assert.deepEqual(readLoginLink('abc'), { code: null, to: '/' });
});

test('no link leads to another site', () => {
  for (const to of ['//evil.example/', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '/login']) {
    assert.equal(readLoginLink(`http://h/login#code=a&to=${encodeURIComponent(to)}`).to, '/', to);
  }
});
