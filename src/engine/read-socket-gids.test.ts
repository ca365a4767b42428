import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleNode } from '../../test/fixtures/docker-objects.ts';
import type { RunOptions, SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import type { RegistryAccess } from './publish-images.ts';
import { type AskingDocker, askSocketGids, findUnaskedMachines, readSocketGids } from './read-socket-gids.ts';

const login = { address: '10.0.0.5:5000', user: 'sparkplug', password: 'secret' };
const registry = { login } as unknown as RegistryAccess;
const image = '10.0.0.5:5000/sparkplug/conductor:3333';

const node = (id: string, changes: Partial<SwarmNode> = {}) =>
  exampleNode(id, { hostname: `host-${id}`, manager: false, ...changes });

/** A Swarm whose tasks go through the given states, one a question; `answers` are what `stat` prints on each machine. */
function fakeSwarm(states: readonly Partial<TaskInspect>[], answers: Readonly<Record<string, string>> = {}) {
  const calls: string[] = [];
  const left = [...states];
  const docker: AskingDocker = {
    nodes: async () => [],
    run: async (args: readonly string[], options: RunOptions = {}) => {
      if (args[1] === 'logs') return answers[args.at(-1) ?? ''] ?? '998\n';
      const config = JSON.parse(await readFile(join(options.env?.DOCKER_CONFIG ?? '', 'config.json'), 'utf8'));
      assert.ok(config.auths[login.address] !== undefined);
      assert.ok(!args.join(' ').includes(login.password));
      calls.push(`create ${args[args.indexOf('--name') + 1]} on ${args[args.indexOf('--constraint') + 1]}`);
      return 'service1\n';
    },
    tasks: async () => {
      const state = left.length > 1 ? left.shift() : left[0];
      return state === undefined ? [] : [{ state: 'running', error: null, message: '', ...state } as TaskInspect];
    },
    removeService: async (name) => void calls.push(`remove ${name}`),
    labelNode: async (id, labels) => void calls.push(`label ${id} ${JSON.stringify(labels)}`),
  };
  return { docker, calls };
}

const ask = (docker: AskingDocker, machines: readonly SwarmNode[], timeoutMs = 5_000) =>
  askSocketGids(docker, machines, { projectId: 'app-abc123', image, registry, timeoutMs });

test('only further machines that take containers and were not asked yet', () => {
  const nodes = [
    node('conductor'),
    node('new'),
    node('known', { labels: { 'sparkplug.socket-gid': '0' } }),
    node('away', { ready: false }),
    node('drained', { active: false }),
    node('odd', { labels: { 'sparkplug.socket-gid': '--privileged' } }),
  ];
  assert.deepEqual(
    findUnaskedMachines(nodes, 'conductor').map(({ id }) => id),
    ['new', 'odd'],
  );
  assert.deepEqual([...readSocketGids(nodes)], [['known', 0]]);
});

test('a machine is asked by a job pinned to it, and its answer is kept', async () => {
  const { docker, calls } = fakeSwarm([{ state: 'preparing' }, { state: 'complete' }]);
  await ask(docker, [node('k3v9x1q2w3e4r5')]);
  const name = 'app-abc123_ask-k3v9x1q2w3e4';
  assert.deepEqual(calls, [
    `remove ${name}`,
    `create ${name} on node.id==k3v9x1q2w3e4r5`,
    `remove ${name}`,
    'label k3v9x1q2w3e4r5 {"sparkplug.socket-gid":"998"}',
  ]);
});

test('one that cannot pull is named with the fix, and nothing of the question stays', async () => {
  const { docker, calls } = fakeSwarm([{ state: 'rejected', error: 'No such image: x' }]);
  await assert.rejects(ask(docker, [node('far')]), (error: unknown) => {
    assert.ok(error instanceof Error && 'hint' in error && 'code' in error);
    assert.equal(error.code, 'MACHINE_UNUSABLE');
    assert.match(error.message, /host-far .*No such image: x/);
    assert.match(String(error.hint), /join-command/);
    return true;
  });
  assert.deepEqual(calls.slice(-1), ['remove app-abc123_ask-far']);
});

test('one that never begins, and one that answers nonsense', async () => {
  const pending = fakeSwarm([{ state: 'pending', error: 'no suitable node' }]);
  await assert.rejects(ask(pending.docker, [node('far')], 100), { code: 'MACHINE_UNUSABLE', place: 'host-far' });
  const silent = fakeSwarm([{ state: 'preparing' }]);
  await assert.rejects(ask(silent.docker, [node('far')], 100), { code: 'MACHINE_UNUSABLE' });
  const nonsense = fakeSwarm([{ state: 'complete' }], { 'app-abc123_ask-far': '0:0 root' });
  await assert.rejects(ask(nonsense.docker, [node('far')]), { code: 'MACHINE_UNUSABLE' });
});

test('what one machine answers is kept where another cannot', async () => {
  const { docker, calls } = fakeSwarm([{ state: 'complete' }], { 'app-abc123_ask-bad': 'x' });
  await assert.rejects(ask(docker, [node('bad'), node('good')]), { place: 'host-bad' });
  assert.ok(calls.includes('label good {"sparkplug.socket-gid":"998"}'));
});

test('one that leaves while it is asked is not waited for', async () => {
  const { docker, calls } = fakeSwarm([{ state: 'preparing' }]);
  docker.nodes = async () => [node('far', { ready: false })];
  await assert.rejects(ask(docker, [node('far')], 60_000), { code: 'MACHINE_UNUSABLE', message: /it left while/ });
  assert.deepEqual(calls.slice(-1), ['remove app-abc123_ask-far']);
});
