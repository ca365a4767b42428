import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeIpv6 } from './doctor.ts';

test('a port that IPv6 clients reach is a warning with the rule that closes it', () => {
  const open = judgeIpv6('2001:db8::7', 8085, false);
  assert.equal(open.state, 'warning');
  assert.match(open.fix ?? '', /ip6tables -I INPUT -p tcp --dport 8085 ! -i lo -j REJECT/);
  assert.equal(judgeIpv6('2001:db8::7', 8085, true).state, 'ok');
  assert.match(judgeIpv6('2001:db8::7', null, false).fix ?? '', /firewall/);
});
