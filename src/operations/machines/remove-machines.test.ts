import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineView } from '../../api/schemas.ts';
import { SparkPlugError } from '../../errors.ts';
import type { ProvidedMachine } from './machine-provider.ts';
import { removeMachines } from './remove-machines.ts';

interface Scene {
  /** Of the Swarm: `id name`. */
  readonly nodes: readonly string[];
  /** Since the machines were listed. */
  readonly joined?: string;
  readonly provided: readonly ProvidedMachine[];
  readonly release?: SparkPlugError;
}

function open({ nodes, provided, release, joined }: Scene) {
  const calls: string[] = [];
  const read = (texts: readonly string[]) =>
    texts.map((text) => text.split(' ')).map(([id, name]) => ({ id, name }) as MachineView);
  const present = read(nodes);
  const known = [...present, ...read(joined === undefined ? [] : [joined])];
  const remove = (...names: readonly string[]) =>
    removeMachines(
      { fromDir: '/', overrides: [] },
      {
        list: async () => provided,
        release: async (machines) => {
          calls.push(...machines.map(({ key, nodeId }) => `release ${key} ${nodeId}`));
          return release === undefined ? [] : machines.map(({ key }) => ({ key, error: release }));
        },
      },
      names,
      { now: false, force: false, report: () => undefined, signal: new AbortController().signal },
      {
        machines: async () => present,
        registry: async () => '10.0.0.5:5000',
        drain: async (name) => {
          if (!known.some((one) => one.name === name || one.id === name)) {
            throw new SparkPlugError('MACHINE_UNKNOWN', `there is no machine ${name}`);
          }
          calls.push(`drain ${name}`);
        },
        forget: async (name) => void calls.push(`forget ${name}`),
      },
    );
  return { calls, remove };
}

const box: ProvidedMachine = { key: 'root@box', hostname: 'box', nodeId: 'n2' };

test('drained, forgotten by the Swarm, then given back, one machine after another', async () => {
  const den: ProvidedMachine = { key: 'root@den', hostname: 'den', nodeId: 'n3' };
  const { calls, remove } = open({ nodes: ['n1 conductor', 'n2 box', 'n3 den'], provided: [box, den] });
  const { machines, registry } = await remove('box', 'n3', 'box');
  assert.deepEqual(
    machines.map(({ name, back }) => `${name} ${back}`),
    ['box given-back', 'n3 given-back'],
  );
  assert.equal(registry, '10.0.0.5:5000');
  const expected = ['drain box', 'forget box', 'release root@box n2', 'drain n3', 'forget n3', 'release root@den n3'];
  assert.deepEqual(calls, expected);
});

test('one that came by another way is removed, and said to be unknown to the provider', async () => {
  const { calls, remove } = open({ nodes: ['n1 conductor', 'n4 other'], provided: [box] });
  assert.deepEqual((await remove('other')).machines, [{ name: 'other', back: 'unknown', failure: null }]);
  assert.deepEqual(calls, ['drain other', 'forget other']);
});

test('one that the Swarm has forgotten is only given back; one that nobody knows is refused', async () => {
  const { calls, remove } = open({ nodes: ['n1 conductor'], provided: [box] });
  for (const name of ['box', 'root@box']) await remove(name);
  assert.deepEqual(calls, ['release root@box n2', 'release root@box n2']);
  await assert.rejects(remove('den'), { code: 'MACHINE_UNKNOWN' });
});

test('one that the list does not show yet is drained all the same before it is given back', async () => {
  const { calls, remove } = open({ nodes: ['n1 conductor'], provided: [box], joined: 'n2 box' });
  await remove('box');
  assert.deepEqual(calls, ['drain n2', 'forget n2', 'release root@box n2']);
});

test('one that joined anew by another way has another id, and is given back by it', async () => {
  const { calls, remove } = open({ nodes: ['n1 conductor', 'n9 box'], provided: [box] });
  await remove('box');
  assert.equal(calls.at(-1), 'release root@box n9');
});

test('two machines of one name are never mistaken for each other', async () => {
  const { calls, remove } = open({ nodes: ['n1 conductor', 'n2 box', 'n9 box'], provided: [box] });
  assert.equal((await remove('n9')).machines[0]?.back, 'unknown');
  assert.deepEqual(calls, ['drain n9', 'forget n9']);
});

test('one that cannot be reached is removed all the same, and the reason told', async () => {
  const release = new SparkPlugError('SSH_UNREACHABLE', 'away');
  const { remove } = open({ nodes: ['n1 conductor', 'n2 box'], provided: [box], release });
  const [removed] = (await remove('box')).machines;
  assert.deepEqual([removed?.back, removed?.failure?.error.code], ['refused', 'SSH_UNREACHABLE']);
});
