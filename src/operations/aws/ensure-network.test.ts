import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followerPolicy } from './ensure-access.ts';
import { listIngress, parseSource } from './ensure-network.ts';

test('an address is a range of one; what is none is said with its flag', () => {
  assert.equal(parseSource('203.0.113.7'), '203.0.113.7/32');
  assert.equal(parseSource('2001:db8::1'), '2001:db8::1/128');
  assert.equal(parseSource('0.0.0.0/0'), '0.0.0.0/0');
  for (const text of ['me', '203.0.113.7/33', '']) {
    assert.throws(() => parseSource(text), { code: 'USAGE', place: '--from' });
  }
});

test('from outside only SSH and the web port can be reached', () => {
  const open = listIngress({ from: '203.0.113.7/32', web: 8081, registry: 5001 });
  const outside = open.filter(({ from }) => from !== 'group');
  assert.deepEqual(
    outside.map(({ protocol, port, from }) => [protocol, port, from]),
    [
      ['tcp', 22, '203.0.113.7/32'],
      ['tcp', 8081, '203.0.113.7/32'],
    ],
  );
});

test('followers may read their join order and nothing else', () => {
  assert.deepEqual(
    followerPolicy('app-abc123', { account: '123456789012', region: 'cn-north-1', partition: 'aws-cn' }),
    {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'ssm:GetParametersByPath',
          Resource: [
            'arn:aws-cn:ssm:cn-north-1:123456789012:parameter/sparkplug/app-abc123/join',
            'arn:aws-cn:ssm:cn-north-1:123456789012:parameter/sparkplug/app-abc123/join/*',
          ],
        },
      ],
    },
  );
});
