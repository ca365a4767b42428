import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLink, readLink, renderLinkCommand } from './lab-link.ts';
import { addressOf, chooseLabSubnet } from './lab-network.ts';

test('delay, bandwidth, both in either order, or none', () => {
  assert.deepEqual(parseLink('5ms'), { delay: '5ms', rate: null });
  assert.deepEqual(parseLink('100mbit'), { delay: null, rate: '100mbit' });
  assert.deepEqual(parseLink('5ms,100mbit'), { delay: '5ms', rate: '100mbit' });
  assert.deepEqual(parseLink('1Gbit, 0.5ms'), { delay: '0.5ms', rate: '1gbit' });
  assert.deepEqual(parseLink('none'), { delay: null, rate: null });
});

test('anything else is wrong use, with an example; nothing of it can reach a shell', () => {
  for (const text of ['', '5', 'fast', '5ms,5ms', '0mbit', '5ms,100mbit,1s', '100mbps', '5ms;reboot', '$(reboot)ms']) {
    assert.throws(() => parseLink(text), { code: 'USAGE', met: text, hint: /5ms,100mbit/ }, text);
  }
});

test('the command for the machine', () => {
  assert.equal(renderLinkCommand(parseLink('5ms,100mbit')), 'shape-link set 5ms 100mbit');
  assert.equal(renderLinkCommand(parseLink('100mbit')), 'shape-link set - 100mbit');
  assert.equal(renderLinkCommand(parseLink('none')), 'shape-link clear');
});

test('what the machine shows of its link', () => {
  assert.deepEqual(readLink('whole'), { cut: false, link: { delay: null, rate: null } });
  assert.deepEqual(readLink('cut\n- 100mbit\n'), { cut: true, link: { delay: null, rate: '100mbit' } });
});

test('the private network is the first range that overlaps nothing', () => {
  assert.equal(chooseLabSubnet([]), '10.214.64.0/24');
  assert.equal(chooseLabSubnet(['10.214.64.0/24', '10.214.65.128/25', '192.168.0.0/16']), '10.214.66.0/24');
  assert.equal(chooseLabSubnet(['10.0.0.0/8']), null);
  assert.equal(addressOf('10.214.66.0/24', 0), '10.214.66.10');
  assert.equal(addressOf('10.214.66.0/24', 199), '10.214.66.209');
});
