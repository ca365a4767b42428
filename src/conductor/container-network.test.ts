import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isInside, ownAddresses, parseDefaultGateway } from './container-network.ts';

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

describe('the default gateway', () => {
  it('is read from the kernel table', () => {
    const table = `${head}eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\neth2\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`;
    assert.equal(parseDefaultGateway(table), '172.18.0.1');
  });

  it('is none where there is none', () => {
    assert.equal(parseDefaultGateway(''), null);
    assert.equal(parseDefaultGateway(`${head}eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`), null);
  });
});

describe('addresses', () => {
  it('are inside a subnet or not', () => {
    assert.equal(isInside('10.20.1.7', '10.20.0.0/16'), true);
    assert.equal(isInside('10.21.0.1', '10.20.0.0/16'), false);
  });

  it('of this machine include loopback', () => {
    assert.ok(ownAddresses().includes('127.0.0.1'));
  });
});
