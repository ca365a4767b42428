import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { ClusterState, ObservedService } from '../engine/cluster-state.ts';
import type { Machine } from '../plan/cluster-plan.ts';
import { buildStack } from '../stack/build-stack.ts';
import { effectiveConfig, effectiveMachines, findPlacements } from './effective-desired.ts';

const machine = (name: string): Machine => ({
  id: `id-${name}`,
  name,
  cores: 4,
  memoryMiB: 8192,
  othersMemoryMiB: 0,
  conductor: name === 'a',
  shared: false,
  storage: true,
  state: 'ready',
});
const machines = [machine('a'), machine('b')];
const stack = buildStack(defaultCluster.desired, defaultCluster.plan, { bootstrap: null });

const service = (name: string, machineId: string | null): ObservedService => ({
  id: name,
  name,
  component: name.replace(/-\d+$/, ''),
  specHash: '',
  image: '',
  namespace: '',
  memoryLimitMiB: 0,
  replicas: 1,
  machineId,
  tasks: [],
});

const stateOf = (...services: readonly ObservedService[]): ClusterState => ({ projectId: 'geo-abc123', services });

test('numbers set by scale stand in place of the file’s', () => {
  const { config } = defaultCluster.desired;
  const scaled = effectiveConfig({ config, scale: { workers: { value: 7, over: 'auto' } } });
  assert.deepEqual([scaled.spark.workers, scaled.hdfs.datanodes], [7, config.hdfs.datanodes]);
  assert.deepEqual(effectiveConfig({ config }), config);
});

test('a drained machine is shown to the planner as one', () => {
  assert.deepEqual(
    effectiveMachines(machines, ['id-b']).map(({ state }) => state),
    ['ready', 'drained'],
  );
});

test('followers stand where their services say; a DataNode without one where its data waits', () => {
  const running = stateOf(service('spark-worker-2', 'id-b'), service('datanode-1', 'id-a'), service('web', 'id-a'));
  const datanode = stack.services.find(({ component }) => component === 'datanode');
  assert.ok(datanode !== undefined);
  const last = {
    ...stack,
    services: [
      { ...datanode, name: 'datanode-1', ordinal: 1, machineId: 'id-b' },
      { ...datanode, name: 'datanode-2', ordinal: 2, machineId: 'id-b' },
    ],
  };
  const placements = findPlacements(running, last, [{ ordinal: 4, machineName: 'b' }], machines);
  assert.deepEqual(placements, {
    workers: [{ ordinal: 2, machineId: 'id-b', machineName: 'b' }],
    datanodes: [
      { ordinal: 1, machineId: 'id-a', machineName: 'a' },
      { ordinal: 2, machineId: 'id-b', machineName: 'b' },
    ],
  });
  // Removed since, or never deployed again: after a `down` nothing but the note of it tells.
  const stopped = findPlacements(
    stateOf(),
    null,
    [
      { ordinal: 4, machineName: 'b' },
      { ordinal: 5, machineName: 'gone' },
    ],
    machines,
  );
  assert.deepEqual(stopped.datanodes, [{ ordinal: 4, machineId: 'id-b', machineName: 'b' }]);
});
