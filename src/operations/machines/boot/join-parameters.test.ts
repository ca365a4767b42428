import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderJoinScript } from '../render-join-script.ts';
import { cutJoinOrder } from './join-parameters.ts';

const order = renderJoinScript({
  managerAddress: '10.0.0.5:2377',
  token: 'SWMTKN-1-abc',
  registry: { address: '10.0.0.5:5000', caCertificate: 'A'.repeat(5000), user: 'machines', password: 'secret' },
});

test('an order becomes parameters that Systems Manager takes, and comes back whole', () => {
  const { count = '', ...parts } = cutJoinOrder(order);
  const numbers = Object.keys(parts).map(Number);
  assert.ok(numbers.length > 1);
  for (const value of [count, ...Object.values(parts)]) {
    assert.ok(value.length > 0 && value.length <= 4096);
    assert.doesNotMatch(value, /\{\{/);
  }
  assert.equal(count.split(' ')[0], String(numbers.length));
  const text = numbers.toSorted((a, b) => a - b).map((number) => parts[number]);
  assert.equal(Buffer.from(text.join(''), 'base64').toString(), order);
});

test('what no answer could hold is a mistake of ours', () => {
  assert.throws(() => cutJoinOrder('x'.repeat(40_000)), /does not fit/);
  assert.throws(() => cutJoinOrder(''), /does not fit/);
});
