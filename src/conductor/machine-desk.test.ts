import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineSurvey } from '../operations/describe-machines.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { createMachineDesk } from './machine-desk.ts';

interface Scene {
  readonly drained?: readonly string[];
  /** On the machine `n2`, by plan and in fact. */
  readonly planned?: readonly string[];
  readonly running?: readonly string[];
}

function open({ drained = ['n2'], planned = [], running = [] }: Scene) {
  const calls: string[] = [];
  const on = (names: readonly string[]) =>
    names.map((name) => ({ name, component: name.replace(/-\d+$/, ''), machineId: 'n2' }));
  const survey = {
    conductorId: 'n1',
    nodes: [
      { id: 'n1', hostname: 'conductor' },
      { id: 'n2', hostname: 'box' },
    ],
    stack: { services: on(planned) },
    state: { services: on(running) },
  } as unknown as MachineSurvey;
  const desk = createMachineDesk({
    keeper: {
      scale: () => assert.fail(),
      setDrained: async (machines, isDrained) => {
        calls.push(`drain ${machines.map(({ id, name }) => `${id}/${name}`)} ${isDrained}`);
        return { kind: 'unchanged', revision: 1 };
      },
      current: () => ({ revision: 1, desired: { drained } as unknown as DesiredState }),
    },
    survey: async () => survey,
    removeNode: async (id) => void calls.push(`remove ${id}`),
    record: (_kind, message) => void calls.push(message),
  });
  return { desk, calls };
}

test('a machine is named by its name or its id, and the conductor’s is refused', async () => {
  const { desk, calls } = open({});
  const flags = { ifMatch: null, now: false, force: false };
  await desk.drainMachine('box', flags);
  await desk.returnMachine('n2', flags);
  assert.deepEqual(calls, ['drain n2/box true', 'drain n2/box false']);
  await assert.rejects(desk.drainMachine('conductor', flags), { code: 'MACHINE_IS_CONDUCTOR' });
  await assert.rejects(desk.drainMachine('den', flags), { code: 'MACHINE_UNKNOWN' });
});

test('what is drained and empty is removed; its agent is in nobody’s way', async () => {
  const { desk, calls } = open({ planned: ['agent-box'], running: ['agent-box'] });
  await desk.removeMachine('box');
  assert.deepEqual(calls, ['remove n2', 'box was removed from the Swarm']);
});

test('while anything stands there, by plan or in fact, it stays: a drain may be going on', async () => {
  const cases: readonly (readonly [Scene, string | undefined])[] = [
    [{ drained: [] }, undefined],
    [{ planned: ['spark-worker-2'], running: ['spark-worker-2'] }, 'spark-worker-2'],
    [{ running: ['datanode-2', 'agent-box'] }, 'datanode-2'],
  ];
  for (const [scene, met] of cases) {
    const { desk, calls } = open(scene);
    await assert.rejects(desk.removeMachine('box'), { code: 'MACHINE_IN_USE', met });
    assert.deepEqual(calls, []);
  }
});
