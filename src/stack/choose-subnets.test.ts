import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { SparkPlugError } from '../errors.ts';
import { chooseSubnets } from './choose-subnets.ts';

test('an untouched host gets the first two', () => {
  assert.deepEqual(chooseSubnets([]), { control: '10.90.0.0/22', data: '10.90.4.0/22' });
});

test('default routes, IPv6 and other text are passed over', () => {
  const expected = { control: '10.90.0.0/22', data: '10.90.4.0/22' };
  assert.deepEqual(chooseSubnets(['0.0.0.0/0', 'fe80::/64', 'default', '']), expected);
});

test('another project beside: its two are taken', () => {
  const { control, data } = chooseSubnets([]);
  assert.deepEqual(chooseSubnets([control, data]), { control: '10.90.8.0/22', data: '10.90.12.0/22' });
});

test('a single address in a subnet takes it, host bits or not', () => {
  assert.deepEqual(chooseSubnets(['10.90.1.7/32', '10.90.5.9/24']), {
    control: '10.90.8.0/22',
    data: '10.90.12.0/22',
  });
});

test('a VPN over all of 10.0.0.0/8 leads to the next private range', () => {
  assert.deepEqual(chooseSubnets(['10.0.0.0/8', '172.17.0.0/16']), { control: '172.16.0.0/22', data: '172.16.4.0/22' });
});

test('no private address free', () => {
  const everything = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
  assert.throws(
    () => chooseSubnets(everything),
    (error) => error instanceof SparkPlugError && error.code === 'NO_SUBNET',
  );
});

test('what is chosen never overlaps what is taken, nor itself', () => {
  const cidr = fc
    .tuple(
      fc.constantFrom('10.90', '10.91', '10.128', '172.16', '192.168', '10.1'),
      fc.nat(255),
      fc.integer({ min: 12, max: 32 }),
    )
    .map(([start, third, length]) => `${start}.${third}.0/${length}`);
  fc.assert(
    fc.property(fc.array(cidr, { maxLength: 12 }), (taken) => {
      const { control, data } = chooseSubnets(taken);
      for (const other of [...taken, data]) assert.ok(!overlap(control, other), `${control} overlaps ${other}`);
      for (const other of taken) assert.ok(!overlap(data, other), `${data} overlaps ${other}`);
    }),
    { numRuns: 200 },
  );
});

function overlap(a: string, b: string): boolean {
  const [first, second] = [ipaddr.IPv4.parseCIDR(a), ipaddr.IPv4.parseCIDR(b)];
  const length = Math.min(first[1], second[1]);
  return first[0].match([second[0], length]);
}
