import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from '../plan/cluster-plan.ts';
import type { ObservedService, ObservedTask } from './cluster-state.ts';
import { readPlacements } from './current-placements.ts';

function service(name: string, component: string, machineId: string | null, runsOn: string | null): ObservedService {
  const tasks = runsOn === null ? [] : [{ desiredState: 'running', machineId: runsOn } as ObservedTask];
  return {
    id: name,
    name,
    component,
    specHash: '',
    image: '',
    namespace: '',
    memoryLimitMiB: 0,
    replicas: 1,
    machineId,
    tasks,
  };
}

const machines = ['n1', 'n2'].map((id) => ({ id, name: `machine of ${id}` }) as Machine);

test('what stands where: as it was told, or as it runs where it was told nothing', () => {
  const services = [
    service('web', 'web', 'n1', 'n1'),
    service('spark-worker-3', 'spark-worker', 'n2', 'n1'),
    service('spark-worker-12', 'spark-worker', null, 'n1'),
    service('spark-worker-4', 'spark-worker', null, null),
    service('spark-worker-x', 'spark-worker', 'n1', null),
    service('datanode-2', 'datanode', 'gone', null),
  ];
  assert.deepEqual(readPlacements({ projectId: 'p', services }, machines), {
    workers: [
      { ordinal: 3, machineId: 'n2', machineName: 'machine of n2' },
      { ordinal: 12, machineId: 'n1', machineName: 'machine of n1' },
    ],
    datanodes: [{ ordinal: 2, machineId: 'gone', machineName: 'gone' }],
  });
});
