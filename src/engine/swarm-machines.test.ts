import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCores } from './swarm-machines.ts';

test('the label of a simulated machine beats what its engine counts, and nonsense in it does not', () => {
  assert.equal(countCores({ cores: 2, labels: {} }), 2);
  assert.equal(countCores({ cores: 2, labels: { 'sparkplug.cores': '8' } }), 8);
  for (const text of ['', '0', '-1', '1.5', 'many']) {
    assert.equal(countCores({ cores: 2, labels: { 'sparkplug.cores': text } }), 2, text);
  }
});
