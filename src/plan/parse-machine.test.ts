import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMachine, parseMachines } from './parse-machine.ts';

test('cores, memory and how many', () => {
  assert.deepEqual(parseMachine('4c8g'), { cores: 4, memoryMiB: 8192, count: 1 });
  assert.deepEqual(parseMachine('2c512m*3'), { cores: 2, memoryMiB: 512, count: 3 });
  assert.deepEqual(parseMachine('64C1.5TiB'), { cores: 64, memoryMiB: 1_572_864, count: 1 });
});

test('anything else is wrong use, with an example', () => {
  for (const text of ['', '4c', '8g', '0c8g', '4c0g', '4c8g*0', '4c8gb', '4c8', '-1c2g', '4c8g*2*2', '4c8g*9999999']) {
    assert.throws(() => parseMachine(text), { code: 'USAGE', met: text, hint: /8c16g/ }, text);
  }
  assert.throws(() => parseMachines(['1c1g*600000', '1c1g*600000']), { code: 'USAGE' });
});

test('the first machine is the conductor; names sort as the flags stand', () => {
  const machines = parseMachines(['4c8g', '2c4g*11']);
  assert.deepEqual(
    machines.map(({ name }) => name),
    machines.map(({ name }) => name).sort(),
  );
  assert.deepEqual(machines[0], {
    id: 'machine-01',
    name: 'machine-01',
    cores: 4,
    memoryMiB: 8192,
    othersMemoryMiB: 0,
    conductor: true,
    shared: false,
    storage: true,
    state: 'ready',
  });
  assert.equal(machines.filter(({ conductor }) => conductor).length, 1);
});
