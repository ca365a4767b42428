import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePort, chooseRegistryPort } from './choose-port.ts';
import { findContainer } from './find-port-holder.ts';

const holders = (taken: Readonly<Record<number, string>>) => async (port: number) => taken[port] ?? null;

test('unset: the first free port from 8080, and then always the same', async () => {
  const findHolder = holders({ 8080: 'the container x', 8081: 'another program on this machine' });
  assert.equal(await choosePort({ configured: 'auto', kept: null, own: null, findHolder }), 8082);
  assert.equal(await choosePort({ configured: 'auto', kept: 8090, own: null, findHolder }), 8090);
});

test('the port that its own web holds is not taken', async () => {
  const findHolder = holders({ 8080: 'the SparkPlug project shop-abc123' });
  assert.equal(await choosePort({ configured: 'auto', kept: 8080, own: 8080, findHolder }), 8080);
  assert.equal(await choosePort({ configured: 8080, kept: null, own: 8080, findHolder }), 8080);
});

test('a set or kept port that is taken names its holder and a free one', async () => {
  const findHolder = holders({ 8080: 'the container x' });
  for (const [configured, kept] of [
    [8080, null],
    ['auto', 8080],
  ] as const) {
    await assert.rejects(choosePort({ configured, kept, own: null, findHolder }), {
      code: 'PORT_TAKEN',
      message: 'port 8080 is taken by the container x',
      met: '8080',
      hint: /such as 8081$/,
    });
  }
});

test('no free port is an error, not an endless search', async () => {
  const findHolder = async () => 'another program on this machine';
  await assert.rejects(choosePort({ configured: 'auto', kept: null, own: null, findHolder }), { code: 'PORT_TAKEN' });
});

test('containers are found by what they publish, ranges too', () => {
  const lines = 'a\t80/tcp\nb\t0.0.0.0:9000-9005->9000-9005/tcp\nc\t0.0.0.0:8080->80/tcp, :::8080->80/tcp';
  assert.equal(findContainer(lines, 8080), 'c');
  assert.equal(findContainer(lines, 9003), 'b');
  assert.equal(findContainer(lines, 80), null);
});

test("the registry's port: the first free from 5000, and from then on the same", async () => {
  const free = async () => null;
  const taken = async (port: number) => (port < 5002 ? 'another program' : null);
  assert.equal(await chooseRegistryPort({ kept: null, own: null, findHolder: taken }), 5002);
  assert.equal(await chooseRegistryPort({ kept: 5003, own: null, findHolder: free }), 5003);
  assert.equal(await chooseRegistryPort({ kept: 5001, own: 5001, findHolder: taken }), 5001);
  await assert.rejects(chooseRegistryPort({ kept: 5001, own: null, findHolder: taken }), {
    code: 'PORT_TAKEN',
    met: '5001',
  });
});
