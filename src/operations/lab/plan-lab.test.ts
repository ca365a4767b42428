import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMachine } from '../../plan/parse-machine.ts';
import { type LabRequest, planLab } from './plan-lab.ts';

const room = { cores: 2, memoryMiB: 24_000, freeMiB: 16_384 };

function plan(machines: readonly string[], more: Partial<LabRequest> = {}) {
  return planLab({ orders: machines.map(parseMachine), coreScale: null, existing: [], room, ...more });
}

test('the first machine is the conductor, the others are followers in the order of the flags', () => {
  assert.deepEqual(
    plan(['8c8g', '4c4g', '2c1g*2'], { coreScale: 4 }).map(({ name, cores, memoryMiB, coreScale }) => [
      name,
      cores,
      memoryMiB,
      coreScale,
    ]),
    [
      ['conductor', 8, 8192, 4],
      ['follower-1', 4, 4096, 4],
      ['follower-2', 2, 1024, 4],
      ['follower-3', 2, 1024, 4],
    ],
  );
});

test('the same again changes nothing; what is listed after it is added', () => {
  const existing = plan(['2c4g', '1c2g']);
  assert.deepEqual(plan(['2c4g', '1c2g'], { existing }), existing);
  assert.deepEqual(plan([], { existing }), existing);
  assert.deepEqual(plan(['2c4g', '1c2g', '1c1g'], { existing }), [
    ...existing,
    { name: 'follower-2', cores: 1, memoryMiB: 1024, coreScale: 1 },
  ]);
});

test('a scale that the lab has need not be given again', () => {
  const existing = plan(['8c4g'], { coreScale: 4 });
  assert.equal(plan(['8c4g', '4c1g'], { existing })[1]?.coreScale, 4);
});

test('another shape, another scale or fewer machines are another lab', () => {
  const existing = plan(['2c4g', '1c2g']);
  const asked: readonly (readonly [readonly string[], number | null])[] = [
    [['2c4g', '2c2g'], null],
    [['2c4g'], null],
    [['1c2g', '2c4g'], null],
    [['2c4g', '1c2g'], 2],
    [[], 2],
  ];
  for (const [machines, coreScale] of asked) {
    assert.throws(() => plan(machines, { existing, coreScale }), {
      code: 'LAB_DIFFERS',
      met: '--machine 2c4g --machine 1c2g',
      hint: /sparkplug lab down/,
    });
  }
});

test('more cores than the computer has, times the scale, are refused with the scale that it takes', () => {
  assert.throws(() => plan(['3c4g']), { code: 'LAB_TOO_LARGE', message: /has 2 × 1 .* = 2/, hint: /--core-scale 2/ });
  assert.throws(() => plan(['9c4g'], { coreScale: 4 }), {
    code: 'LAB_TOO_LARGE',
    message: /conductor is to have 9 cores; this computer has 2 × 4 \(--core-scale\) = 8/,
    hint: /--core-scale 5/,
  });
  assert.equal(plan(['8c4g'], { coreScale: 4 }).length, 1);
});

test('memories together must fit what is free, and the message adds them up', () => {
  assert.equal(plan(['1c8g', '1c7680m']).length, 2);
  assert.throws(() => plan(['1c8g', '1c7680m', '1c512m']), {
    code: 'LAB_TOO_LARGE',
    message:
      /8 GiB \+ 7\.5 GiB \+ 512 MiB = 16 GiB; this computer has 15\.5 GiB for them \(23\.4 GiB in all, 16 GiB free/,
    hint: /Take away 512 MiB/,
  });
});

test('no machine, machines too small to boot and more than have addresses are wrong use', () => {
  assert.throws(() => plan([]), { code: 'USAGE', hint: /lab up --machine/ });
  assert.throws(() => plan(['1c128m']), { code: 'USAGE', message: /256 MiB/ });
  assert.throws(() => plan(['1c256m*201']), { code: 'USAGE', message: /at most 200/ });
});

test('a follower whose container somebody removed is made again; without its conductor a lab is at its end', () => {
  const machines = plan(['2c4g', '1c2g', '1c1g']);
  const without = (name: string) => machines.filter((machine) => machine.name !== name);
  assert.deepEqual(plan(['2c4g', '1c2g', '1c1g'], { existing: without('follower-1') }), machines);
  assert.throws(() => plan([], { existing: without('conductor') }), {
    code: 'LAB_MACHINE_FAILED',
    hint: /sparkplug lab down/,
  });
});
