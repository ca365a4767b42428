// `machine add` over real SSH into a fresh Debian machine, and `machine join-command`: from one machine to two and back.
import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { ensureSshClient, forgetTestMachines, startSshMachine, type TestMachine } from './support/machine.ts';
import { makeProject, mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml':
    'name: e2e-add\njobs:\n  one: { main: job.py }\n' +
    'spark: { worker: { executors: 1, cores: 1, memory: 1GiB } }\nreserve: { memory: 16GiB }\n',
  'job.py':
    'from pyspark.sql import SparkSession\n' +
    'spark = SparkSession.builder.getOrCreate()\n' +
    'rows = spark.range(4000).repartition(8)\n' +
    'rows.write.mode("overwrite").parquet("/rows")\n' +
    'import socket\n' +
    'hosts = spark.sparkContext.parallelize(range(64), 16).map(lambda _: socket.gethostname()).distinct().collect()\n' +
    'print("SEVERAL", rows.count(), *sorted(hosts))\n',
};

interface MachineRow {
  readonly name: string;
  readonly state: string;
  readonly containers: readonly { readonly service: string; readonly state: string }[];
}

let folder: string;
let keys: string;
let machine: TestMachine;
let destination: string;

const listMachines = async () => ((await mustRunJson(folder, ['machine'])) as { machines: MachineRow[] }).machines;
const add = (...flags: readonly string[]) =>
  sparkplug(folder, ['machine', 'add', destination, '--identity', join(keys, 'id'), ...flags], { timeoutMs: 600_000 });

before(async () => {
  await ensureSshClient();
  keys = await mkdtemp(join(tmpdir(), 'sparkplug-keys-'));
  // Host keys that were accepted stay out of the user's own list: addresses of containers come back with other keys.
  process.env.XDG_CONFIG_HOME = keys;
  folder = await makeProject(project);
  for (const name of ['id', 'other']) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, name)]);
  }
  machine = await startSshMachine('sparkplug-test-added', (await readFile(join(keys, 'id.pub'), 'utf8')).trim());
  destination = `root@${machine.address}`;
  await mustRun(folder, ['up', '--yes'], { timeoutMs: 600_000 });
  await mustRun(folder, ['hdfs', 'put', join(folder, 'job.py'), '/kept.py']);
});
after(async () => {
  await machine?.remove();
  await mustRun(folder, ['down', '--volumes', '--now', '--yes']);
  await forgetTestMachines();
});

async function readHostKey(): Promise<string> {
  const { stdout } = await machine.exec(['ssh-keygen', '-lf', '/etc/ssh/ssh_host_ed25519_key.pub']);
  return /SHA256:\S+/.exec(stdout)?.[0] ?? assert.fail(stdout);
}

/** What lets the machine pull the cluster's images: certificates of registries, and log-ins. Empty for nothing. */
async function readTrust(): Promise<string> {
  const { stdout } = await machine.exec(['sh', '-c', 'ls /etc/docker/certs.d; grep auth\\" /root/.docker/config.json']);
  return stdout.trim();
}

describe('a further machine', () => {
  it('is not reached, not let in, not known, not the known one: each says so, and nothing is changed', async () => {
    const hostKey = await readHostKey();
    const stranger = 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['HOST_KEY_UNKNOWN', [destination]],
      ['HOST_KEY_CHANGED', [destination, '--host-key', stranger]],
      ['SSH_UNREACHABLE', [destination, '--port', '23']],
      ['SUDO_MISSING', [`guest@${machine.address}`, '--identity', join(keys, 'id'), '--host-key', hostKey]],
      ['SSH_REFUSED', [destination, '--identity', join(keys, 'other')]],
    ];
    for (const [code, args] of cases) {
      const { exitCode, all } = await sparkplug(folder, ['machine', 'add', ...args]);
      assert.equal(exitCode, 1, all);
      assert.match(all, new RegExp(`error ${code}: .*[\\s\\S]*fix: `));
    }
    assert.equal((await listMachines()).length, 1);
  });

  it('gets Docker, joins, and is used; the Swarm moved to an address, and no file was lost', async () => {
    const { exitCode, all } = await add('--host-key', await readHostKey());
    assert.equal(exitCode, 0, all);
    assert.match(all, /stop the cluster[\s\S]*make a Swarm at [\d.]+[\s\S]*join root@/);
    const added = (await listMachines()).find(({ name }) => name === 'sparkplug-test-added');
    assert.equal(added?.state, 'ready', all);
    const services = added?.containers.map(({ service }) => service) ?? [];
    for (const kind of ['spark-worker-', 'datanode-', 'agent-']) {
      assert.ok(
        services.some((service) => service.startsWith(kind)),
        `${kind} of ${services}`,
      );
    }
    const read = await mustRun(folder, [
      'exec',
      services.find((one) => one.startsWith('datanode-')) ?? '',
      '--',
      'hostname',
    ]);
    assert.match(read.stdout, /^datanode-/);
    const kept = join(keys, 'kept.py');
    await mustRun(folder, ['hdfs', 'get', '/kept.py', kept]);
    assert.equal(await readFile(kept, 'utf8'), project['job.py']);
  });

  it('runs its part of a job', async () => {
    const { all } = await mustRun(folder, ['run', 'one'], { timeoutMs: 300_000 });
    const workers = (await listMachines()).find(({ name }) => name === 'sparkplug-test-added')?.containers ?? [];
    const worker = workers.find(({ service }) => service.startsWith('spark-worker-'))?.service ?? assert.fail();
    assert.match(all, new RegExp(`SEVERAL 4000 .*${worker}\\b`));
  });

  it('added again changes nothing, also beside one that cannot be reached, which is named', async () => {
    const { exitCode, all } = await add('root@nowhere.invalid');
    assert.equal(exitCode, 1, all);
    assert.match(all, /sparkplug-test-added is in use: /);
    assert.match(all, /error SSH_UNREACHABLE: root@nowhere\.invalid/);
    assert.doesNotMatch(all, /make a Swarm|installing Docker/);
  });

  it('is drained and removed, and comes back by the line of join-command', async () => {
    assert.notEqual(await readTrust(), '');
    const removed = await mustRun(folder, ['machine', 'remove', 'sparkplug-test-added', '--yes'], {
      timeoutMs: 300_000,
    });
    assert.match(removed.all, /sparkplug-test-added was removed, has left the Swarm and forgotten the registry/);
    assert.deepEqual((await listMachines()).length, 1);
    const state = await machine.exec(['docker', 'info', '--format', '{{.Swarm.LocalNodeState}}']);
    assert.deepEqual([state.stdout.trim(), await readTrust()], ['inactive', '']);
    const fsck = await mustRun(folder, ['hdfs', 'ls', '/rows']);
    assert.match(fsck.stdout, /part-/);
    const { command } = (await mustRunJson(folder, ['machine', 'join-command'])) as { command: string };
    assert.doesNotMatch(command, /\n/);
    const joined = await machine.exec(['sh', '-c', command]);
    assert.equal(joined.exitCode, 0, joined.all);
    const isFilled = async () =>
      (await listMachines())
        .filter(({ name }) => name === 'sparkplug-test-added')
        .some(
          ({ state, containers }) =>
            state === 'ready' && containers.length >= 3 && containers.every((one) => one.state === 'ready'),
        );
    await pWaitFor(isFilled, { interval: 2_000, timeout: 240_000 });
  });

  it('with a wrong token does not join, and says so', async () => {
    const { command } = (await mustRunJson(folder, ['machine', 'join-command'])) as { command: string };
    const script = Buffer.from(/^echo (\S+) /.exec(command)?.[1] ?? '', 'base64').toString('utf8');
    const wrong = script.replace(/SWMTKN-1-[a-z0-9]{4}/, 'SWMTKN-1-0000');
    await machine.exec(['docker', 'swarm', 'leave', '--force']);
    const refused = await machine.exec(['sh', '-c', wrong]);
    assert.equal(refused.exitCode, 5, refused.all);
    assert.match(refused.all, /could not join [\d.:]+; .*sparkplug machine join-command/);
  });

  it('that left by itself is not waited for: the next change names it, and it can be removed', async () => {
    const up = await mustRun(folder, ['up', '--yes']);
    assert.match(up.all, /warning: sparkplug-test-added does not answer, and with it .*agent-sparkplug-test-added/);
    const removed = await mustRun(folder, ['machine', 'remove', 'sparkplug-test-added', '--force', '--yes'], {
      timeoutMs: 120_000,
    });
    // It came back by a line in its own shell, so its own shell is where it ends.
    const command = /sudo sh -c '(docker swarm leave; .*)'/.exec(removed.all)?.[1] ?? assert.fail(removed.all);
    await machine.exec(['sh', '-c', command]);
    assert.equal(await readTrust(), '');
    assert.deepEqual((await listMachines()).length, 1);
  });
});
