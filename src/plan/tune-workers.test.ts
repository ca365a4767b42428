import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import { chooseWorkerShape } from './choose-worker-shape.ts';
import type { Machine } from './cluster-plan.ts';
import { parseMachines } from './parse-machine.ts';
import { type TunedShape, tuneWorkers, weighShape } from './tune-workers.ts';

const { config } = defaultCluster.desired;

function print({ executors, cores, workers, coresUsed, whyNot }: TunedShape): string {
  return `${executors}×${cores}: ${workers.join('+')} = ${coresUsed}; ${whyNot}`;
}

test('every candidate with what it makes of the machines and why it is not the best', () => {
  const tuning = tuneWorkers(config, parseMachines(['3c8g', '4c8g', '8c16g']));
  assert.equal(tuning.totalCores, 15);
  assert.deepEqual(tuning.candidates.map(print), [
    '1×1: 3+4+8 = 15; null',
    '1×2: 1+2+4 = 14; 1 core fewer in use',
    '1×3: 1+1+2 = 12; 3 cores fewer in use',
    '1×4: 0+0+0 = 0; does not fit machine-1, which has 3 cores',
    '1×5: 0+0+0 = 0; does not fit machine-1, which has 3 cores',
  ]);
  assert.equal(tuning.best, tuning.candidates[0]);
});

test('memory rules shapes out as well, and a shape of one’s own is weighed against the best', () => {
  const machines = parseMachines(['8c16g', '8c1960m']);
  const { candidates, best } = tuneWorkers(config, machines);
  assert.deepEqual(candidates.slice(2).map(print), [
    '1×3: 0+0 = 0; not every machine has the 1.2 GiB that it needs at least',
    '1×4: 0+0 = 0; not every machine has the 1.6 GiB that it needs at least',
    '1×5: 0+0 = 0; not every machine has the 2 GiB that it needs at least',
  ]);
  const own = (memoryMiB: number, executors = 1) =>
    weighShape(config, machines, { executors, cores: 2, memoryMiB }, best);
  assert.match(own(60_000).whyNot ?? '', /^No machine has room for one Spark worker/);
  assert.match(own(1000, 2).whyNot ?? '', /^A worker of 1000 MiB is too small/);
});

test('machines that are away count as if they were back, drained ones do not', () => {
  const machines = parseMachines(['4c16g', '2c8g', '6c16g']);
  const states = (away: Machine['state'], drained: Machine['state']): readonly Machine[] =>
    machines.map((machine, index) => ({ ...machine, state: (['ready', away, drained] as const)[index] ?? 'ready' }));
  const tuning = tuneWorkers(config, states('away', 'drained'));
  assert.deepEqual([tuning.totalCores, tuning.best.workers], [6, [2, 1, 0]]);
  const two = tuneWorkers(config, machines.slice(0, 2));
  assert.deepEqual(
    { ...tuning.best, workers: [] },
    { ...two.best, workers: [], memoryLeftMiB: tuning.best.memoryLeftMiB },
  );
  assert.deepEqual(
    tuning.machines.map(({ state }) => state),
    ['ready', 'ready', 'drained'],
  );
});

test('property: the best is what `auto` chooses, and no candidate uses more cores', () => {
  const sizes = fc.array(fc.record({ cores: fc.integer({ min: 1, max: 32 }), gib: fc.integer({ min: 5, max: 64 }) }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(sizes, (given) => {
      const machines = parseMachines(given.map(({ cores, gib }) => `${cores}c${gib}g`));
      const { best, candidates } = tuneWorkers(config, machines);
      const { executors, cores, memoryMiB } = best;
      assert.deepEqual(chooseWorkerShape(config, machines), { executors, cores, memoryMiB });
      assert.equal(candidates.length, 5);
      assert.equal(candidates.filter(({ whyNot }) => whyNot === null).length, 1);
      for (const { coresUsed } of candidates) assert.ok(coresUsed <= best.coresUsed);
    }),
    { numRuns: 300 },
  );
});
