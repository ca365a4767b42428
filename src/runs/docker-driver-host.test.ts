import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleContainer } from '../../test/fixtures/docker-objects.ts';
import type { CommandResult, Docker } from '../adapters/docker/docker.ts';
import { createDockerDriverHost } from './docker-driver-host.ts';
import type { RunOrder } from './driver-host.ts';

type HostDocker = Parameters<typeof createDockerDriverHost>[0];

const container = exampleContainer({
  addresses: [
    { network: 'other', address: '10.9.0.2' },
    { network: 'data', address: '10.2.0.7' },
  ],
});
const order: RunOrder = {
  runId: 'r',
  attempt: 1,
  job: 'j',
  main: 'src/a b.py',
  class: null,
  args: [],
  env: {},
  conf: {},
};
const signal = new AbortController().signal;

function host(answers: readonly Partial<CommandResult>[], lines: readonly string[] = []) {
  const commands: (readonly string[])[] = [];
  const rest = [...answers];
  const docker: HostDocker = {
    containers: async () => [container],
    inspectContainer: async (id) => (id === 'c1' ? { ...container, running: false, exitCode: 9 } : null),
    exec: async (_id, command) => {
      commands.push(command);
      return { stdout: '', stderr: '', exitCode: 0, ...rest.shift() };
    },
    logs: async function* () {
      yield* lines;
    },
    kill: async () => undefined,
  } satisfies Pick<Docker, keyof HostDocker>;
  return { commands, drivers: createDockerDriverHost(docker, {}, '10.2.0.0/22') };
}

test('containers are told with their address on the data network, exit codes only when they ended', async () => {
  const { drivers } = host([]);
  const [first] = await drivers.list(signal);
  assert.deepEqual([first?.address, first?.exitCode], ['10.2.0.7', null]);
  assert.equal((await drivers.inspect('c1', signal))?.exitCode, 9);
  assert.equal(await drivers.inspect('gone', signal), null);
});

test('a hand-over is accepted, or the file is missing; the path is an argument, never shell text', async () => {
  const accepted = host([{ stdout: '{"accepted":true,"already":true}\n' }]);
  assert.deepEqual(await accepted.drivers.handOver('c1', order, signal), { kind: 'accepted' });
  assert.equal(accepted.commands[0]?.at(-1), '/opt/app/code/src/a b.py');
  assert.deepEqual(await host([{ exitCode: 66 }]).drivers.handOver('c1', order, signal), { kind: 'main-missing' });
});

test('an idle driver that refuses rejects the job; a busy or starting one is asked again later', async () => {
  const no = { stdout: '{"accepted":false,"reason":"no class"}', exitCode: 1 };
  const rejected = host([no, { stdout: '{"state":"idle"}' }]);
  assert.deepEqual(await rejected.drivers.handOver('c1', order, signal), { kind: 'rejected', reason: 'no class' });
  const busy = host([no, { stdout: '{"state":"running","runId":"other","attempt":1}' }]);
  assert.deepEqual(await busy.drivers.handOver('c1', order, signal), { kind: 'refused', reason: 'no class' });
  const starting = host([{ exitCode: 126, stderr: 'no such file' }, { exitCode: 126 }]);
  assert.equal((await starting.drivers.handOver('c1', order, signal)).kind, 'refused');
});

test("log lines lose their time, also where Docker has put it between a long line's pieces", async () => {
  const time = '2026-03-01T12:00:00.123456789Z';
  const piece = 'x'.repeat(16 * 1024);
  const { drivers } = host([], [`${time} short line`, `${time} ${piece}${time} rest`, `${time} `]);
  const texts: string[] = [];
  for await (const line of drivers.followLog('c1', time, signal)) {
    assert.equal(line.timestamp, time);
    texts.push(line.text);
  }
  assert.deepEqual(texts, ['short line', `${piece}rest`, '']);
});

test('whether something was logged since a moment', async () => {
  const { drivers } = host([], ['2026-03-01T12:00:00.100000000Z idle']);
  assert.equal(await drivers.hasLogged('c1', '2026-03-01T12:00:00.200000000Z', signal), false);
  assert.equal(await drivers.hasLogged('c1', '2026-03-01T12:00:00.100000000Z', signal), true);
});
