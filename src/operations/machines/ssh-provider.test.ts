import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ShellResult } from '../../adapters/machine-shell.ts';
import { SparkPlugError } from '../../errors.ts';
import type { JoinOrder } from './render-join-script.ts';
import { createSshProvider, keyOf, type SshMachine } from './ssh-provider.ts';

const order: JoinOrder = {
  managerAddress: '10.0.0.5:2377',
  token: 'SWMTKN-1-abc',
  registry: { address: '10.0.0.5:5000', caCertificate: 'PEM', user: 'machines', password: 'secret' },
};

const kinds = [
  ['read', 'nproc'],
  ['ready', 'apt-get'],
  ['join', 'swarm join'],
  ['leave', 'swarm leave'],
  ['id', '.Swarm.NodeID'],
] as const;
type Kind = (typeof kinds)[number][0];

/** What a machine answers instead of what it does by default. */
type Answers = Partial<Record<Kind, Partial<ShellResult> | SparkPlugError>>;

/** Machines that note which scripts they are told to run, and a project that remembers them. */
function open(byHost: Readonly<Record<string, Answers>> = {}, projectDir = makeProject()) {
  const calls: string[] = [];
  const provider = createSshProvider({
    projectDir,
    hostKeys: [],
    report: () => undefined,
    signal: new AbortController().signal,
    openShell: async ({ destination }) => ({
      run: async (script) => {
        const [kind] = kinds.find(([, mark]) => script.includes(mark)) ?? assert.fail(script);
        calls.push(`${kind} ${destination}`);
        const answer = byHost[destination]?.[kind];
        if (answer instanceof SparkPlugError) throw answer;
        const stdout = {
          read: `host-${destination}\n10.0.0.9 5 10.0.0.7 22\n4\n7900\nstorage\n`,
          id: `node-${destination}\n`,
        };
        return {
          stdout: kind in stdout ? stdout[kind as keyof typeof stdout] : '',
          stderr: '',
          exitCode: 0,
          ...answer,
        };
      },
    }),
  });
  const remembered = () => JSON.parse(readFileSync(join(projectDir, '.sparkplug', 'machines.json'), 'utf8')).machines;
  return { provider, calls, remembered, projectDir };
}

function makeProject(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sparkplug-ssh-provider-'));
  mkdirSync(join(dir, '.sparkplug'));
  return dir;
}

const machine = (destination: string, port: number | null = null): SshMachine => ({
  destination,
  port,
  identityFile: null,
});
const giveOrder = async () => order;
const away = new SparkPlugError('SSH_UNREACHABLE', 'b cannot be reached over SSH', { place: 'b' });

test('machines say what they are before anything is changed; one that is not reached is named', async () => {
  const { provider, calls } = open({ b: { read: away }, c: { read: { stdout: 'c\n\n2\n3900\ncompute\n' } } });
  const { machines, failures } = await provider.describe(['a', 'b', 'c'].map((name) => machine(name)));
  assert.deepEqual(
    machines.map(({ name, cores, memoryMiB, storage, seenFrom }) => [name, cores, memoryMiB, storage, seenFrom]),
    [
      ['host-a', 4, 7900, true, '10.0.0.9'],
      ['c', 2, 3900, false, null],
    ],
  );
  assert.deepEqual(failures, [{ key: 'b', error: away }]);
  assert.deepEqual(calls, ['read a', 'read b', 'read c']);
});

test('each is readied, then joins; what it was given is remembered with how it was reached', async () => {
  const { provider, calls, remembered } = open();
  const given: SshMachine = { destination: 'root@a', port: 2222, identityFile: '/keys/id' };
  await provider.describe([given]);
  const { machines } = await provider.acquire([given], giveOrder);
  assert.deepEqual(machines, [{ key: 'root@a:2222', hostname: 'host-root@a', nodeId: 'node-root@a' }]);
  assert.deepEqual(calls, ['read root@a', 'ready root@a', 'join root@a', 'id root@a']);
  assert.deepEqual(remembered(), [
    { ...given, hostname: 'host-root@a', nodeId: 'node-root@a', registry: '10.0.0.5:5000' },
  ]);
  assert.deepEqual(await provider.list(), machines);
});

test('several at once: one with too little disk and one that is refused leave the third as it is', async () => {
  const { provider, remembered } = open({
    a: { ready: { exitCode: 66, stderr: 'only 500 MiB are free' } },
    b: { join: { exitCode: 5, stderr: 'could not join' } },
  });
  const { machines, failures } = await provider.acquire(
    ['a', 'b', 'c'].map((name) => machine(name)),
    giveOrder,
  );
  assert.deepEqual(
    machines.map(({ key }) => key),
    ['c'],
  );
  assert.deepEqual(
    failures.map(({ key, error }) => [key, error.code, error.place]),
    [
      ['a', 'DISK_FULL', 'a'],
      ['b', 'MACHINE_UNFIT', 'b'],
    ],
  );
  // One that began to join may hold certificate and log-in already.
  assert.deepEqual(
    remembered().map(({ destination, nodeId }: { destination: string; nodeId: string | null }) => [
      destination,
      nodeId,
    ]),
    [
      ['b', null],
      ['c', 'node-c'],
    ],
  );
});

test('the order is not asked for where no machine is ready', async () => {
  const { provider } = open({ a: { ready: { exitCode: 65, stderr: 'this is Fedora' } } });
  const { failures } = await provider.acquire([machine('a')], () => assert.fail('asked'));
  assert.equal(failures[0]?.error.code, 'MACHINE_UNFIT');
});

test('acquired again a machine stands once', async () => {
  const { provider, remembered } = open();
  for (let round = 0; round < 2; round++) await provider.acquire([machine('a')], giveOrder);
  assert.equal(remembered().length, 1);
});

test('given back it leaves and is forgotten, by a later process as well; one that is away stays remembered', async () => {
  const first = open();
  await first.provider.acquire([machine('a'), machine('b', 23)], giveOrder);
  const { provider, calls, remembered } = open({ b: { leave: away } }, first.projectDir);
  const failures = await provider.release(await provider.list());
  assert.deepEqual(calls.toSorted(), ['leave a', 'leave b']);
  assert.deepEqual(failures, [{ key: 'b:23', error: away }]);
  assert.deepEqual(
    (await provider.list()).map(({ key }) => key),
    ['b:23'],
  );
  assert.equal(remembered().length, 1);
  assert.deepEqual(await open({}, first.projectDir).provider.release(await provider.list()), []);
  assert.deepEqual(await provider.list(), []);
});

test('a bug is no failure of a machine', async () => {
  const { provider } = open({ a: { ready: { stdout: undefined as unknown as string, exitCode: 1, stderr: '' } } });
  await assert.rejects(provider.acquire([machine('a')], giveOrder), TypeError);
});

test('a port is a part of the key', () => {
  assert.deepEqual([keyOf(machine('a')), keyOf(machine('a', 2222))], ['a', 'a:2222']);
});
