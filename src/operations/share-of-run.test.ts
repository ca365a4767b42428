import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster, fullCluster } from '../../test/fixtures/example-clusters.ts';
import { buildStack } from '../stack/build-stack.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { shareOfRun } from './share-of-run.ts';

test('one run takes every core, also those that join; several divide what stands, an executor at the least', () => {
  const { desired, plan } = fullCluster;
  const stack = buildStack(desired, plan, { bootstrap: null });
  const withParallel = (parallel: number): DesiredState => ({
    ...desired,
    config: { ...desired.config, runs: { ...desired.config.runs, parallel } },
  });
  // Two workers of 2 × 2 cores.
  const shares = [1, 2, 3, 9].map((parallel) => shareOfRun(stack, withParallel(parallel)).coresMax);
  assert.deepEqual(shares, [null, 4, 2, 2]);
  assert.deepEqual(shareOfRun(stack, desired), { coresMax: 4, replication: 2, eventLog: true });
});

test('copies follow the DataNodes that stand, three at most, or the file', () => {
  const { desired, plan } = defaultCluster;
  const [datanode] = plan.datanodes;
  assert.ok(datanode !== undefined);
  const copies = [1, 2, 3, 5].map((count) => {
    const datanodes = Array.from({ length: count }, (_, index) => ({ ...datanode, ordinal: index + 1 }));
    return shareOfRun(buildStack(desired, { ...plan, datanodes }, { bootstrap: null }), desired).replication;
  });
  assert.deepEqual(copies, [1, 2, 3, 3]);
});
