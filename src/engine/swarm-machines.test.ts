import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineInfo, SwarmNode } from '../adapters/docker/docker.ts';
import { countCores, swarmMachines } from './swarm-machines.ts';

test('the label of a simulated machine beats what its engine counts, and nonsense in it does not', () => {
  assert.equal(countCores({ cores: 2, labels: {} }), 2);
  assert.equal(countCores({ cores: 2, labels: { 'sparkplug.cores': '8' } }), 8);
  for (const text of ['', '0', '-1', '1.5', 'many']) {
    assert.equal(countCores({ cores: 2, labels: { 'sparkplug.cores': text } }), 2, text);
  }
});

test('an engine whose own settings say so holds no DataNodes; other labels and values say nothing', async () => {
  const labels = [{}, { 'sparkplug.storage': 'none' }, { 'sparkplug.storage': 'some', other: 'none' }];
  const nodes = labels.map((engineLabels, index): SwarmNode => {
    const own = { id: `n${index}`, hostname: `m${index}`, cores: 2, memoryMiB: 4096, labels: {}, engineLabels };
    return { ...own, manager: index === 0, ready: true, active: true };
  });
  const machines = await swarmMachines(
    {
      info: async () => ({ swarm: { nodeId: 'n0' } }) as EngineInfo,
      nodes: async () => nodes,
      services: async () => [],
      tasks: async () => [],
    },
    'demo-a1b2c3',
  );
  assert.deepEqual(
    machines.map(({ storage }) => storage),
    [true, false, true],
  );
});
