import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineView } from '../../api/schemas.ts';
import { type ErrorCode, SparkPlugError } from '../../errors.ts';
import { addMachines, awaitInUse, type JoiningCluster, type Sight, summarizeFailures } from './add-machines.ts';
import { gather, type MachineProvider, type OfferedMachine } from './machine-provider.ts';
import type { JoinOrder } from './render-join-script.ts';

const order: JoinOrder = { managerAddress: '10.0.0.5:2377', token: 't', registry: null };
const fail = (key: string, code: ErrorCode) => new SparkPlugError(code, `${key}: ${code}`, { place: key });

interface Scene {
  readonly describe?: Readonly<Record<string, ErrorCode>>;
  readonly acquire?: Readonly<Record<string, ErrorCode>>;
  readonly fill?: Readonly<Record<string, ErrorCode>>;
  readonly prepare?: ErrorCode;
}

/** A provider of machines by name, and a cluster that fills them. */
function open(scene: Scene) {
  const calls: string[] = [];
  const refuse = (step: 'describe' | 'acquire' | 'fill', key: string): void => {
    const code = scene[step]?.[key];
    if (code !== undefined) throw fail(key, code);
    calls.push(`${step} ${key}`);
  };
  const provider: Pick<MachineProvider<string>, 'describe' | 'acquire'> = {
    describe: (wanted) =>
      gather(wanted, String, async (key): Promise<OfferedMachine<string>> => {
        refuse('describe', key);
        return { wanted: key, name: key, cores: 2, memoryMiB: 4096, storage: true, seenFrom: `10.0.0.${key.length}` };
      }),
    acquire: (wanted, give) =>
      gather(wanted, String, async (key) => {
        await give();
        refuse('acquire', key);
        return { key, hostname: key, nodeId: `node-${key}` };
      }),
  };
  const cluster: JoiningCluster = {
    prepareJoin: async (advertise) => {
      calls.push(`prepare ${advertise}`);
      if (scene.prepare !== undefined) throw fail('swarm', scene.prepare);
      return order;
    },
    awaitInUse: async ({ key }) => {
      refuse('fill', key);
      return {
        name: key,
        cores: 2,
        memoryMiB: 4096,
        containers: [{ service: 'w' }],
        explanation: '',
      } as unknown as MachineView;
    },
  };
  const add = (wanted: readonly string[], advertise: string | null = null) => {
    const options = { advertise, report: () => undefined, signal: new AbortController().signal };
    return addMachines({ fromDir: '/', overrides: [] }, provider, wanted, options, cluster);
  };
  return { calls, add };
}

test('the cluster is prepared once for all machines, at the address that they see', async () => {
  const { calls, add } = open({});
  const { machines, failures } = await add(['a', 'b']);
  assert.deepEqual([machines.map(({ name }) => name), failures], [['a', 'b'], []]);
  assert.deepEqual(
    calls.filter((call) => call.startsWith('prepare')),
    ['prepare 10.0.0.1'],
  );
  const named = open({});
  await named.add(['a'], '192.168.1.2');
  assert.ok(named.calls.includes('prepare 192.168.1.2'));
});

test('what fails at any step is named, and the others are in use', async () => {
  const { add } = open({
    describe: { a: 'SSH_UNREACHABLE' },
    acquire: { b: 'MACHINE_UNFIT' },
    fill: { c: 'CLUSTER_NOT_READY' },
  });
  const added = await add(['a', 'b', 'c', 'd']);
  assert.deepEqual(
    added.machines.map(({ key }) => key),
    ['d'],
  );
  assert.deepEqual(
    added.failures.map(({ key, error }) => `${key} ${error.code}`),
    ['a SSH_UNREACHABLE', 'b MACHINE_UNFIT', 'c CLUSTER_NOT_READY'],
  );
  const error = summarizeFailures(added, 'added');
  assert.deepEqual([error?.code, error?.message], ['MACHINES_FAILED', '3 of 4 machines were not added']);
  assert.deepEqual(error?.problems[1], { place: 'b', message: 'MACHINE_UNFIT: b: MACHINE_UNFIT' });
});

test('where no machine answers the cluster is left as it is; a single failure stays what it is', async () => {
  const { calls, add } = open({ describe: { a: 'HOST_KEY_UNKNOWN' } });
  const added = await add(['a']);
  assert.deepEqual(calls, []);
  assert.equal(summarizeFailures(added, 'added')?.code, 'HOST_KEY_UNKNOWN');
  assert.equal(summarizeFailures({ machines: [1], failures: [] }, 'added'), null);
});

test('a Swarm that cannot be joined is nobody’s failure but the command’s', async () => {
  const { add } = open({ prepare: 'SWARM_UNUSABLE' });
  await assert.rejects(add(['a', 'b']), { code: 'SWARM_UNUSABLE' });
});

test('a machine is waited for until its agent is there, over a scheduler that does not answer for a while, and over nothing else', async () => {
  const machine = { key: 'a', hostname: 'a', nodeId: 'node-a' };
  const withContainers = (...components: readonly string[]) => {
    const containers = components.map((component) => ({ component, state: 'ready' }));
    return { id: 'node-a', name: 'a', state: 'ready', containers } as unknown as MachineView;
  };
  const view = withContainers('spark-worker', 'agent');
  const sights: (Sight | ErrorCode)[] = [
    'SCHEDULER_AWAY',
    { machines: [withContainers('spark-worker')], still: true },
    { machines: [view], still: false },
    { machines: [view], still: true },
  ];
  const look = async (): Promise<Sight> => {
    const next = sights.shift() ?? 'INTERNAL';
    if (typeof next === 'string') throw new SparkPlugError(next, 'said by the test');
    return next;
  };
  const { signal } = new AbortController();
  assert.equal(await awaitInUse(look, machine, signal), view);
  await assert.rejects(awaitInUse(look, machine, signal), { code: 'INTERNAL' });
});
