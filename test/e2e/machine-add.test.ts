// `machine add` over real SSH into a fresh Debian machine, and `machine join-command`: from one machine to two and back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { docker } from './support/docker.ts';
import { startMachine, startSshMachine, type TestMachine } from './support/machine.ts';
import { makeProject, mustRunJson } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml':
    'name: e2e-add\njobs:\n  one: { main: job.py }\n' + 'spark: { worker: { executors: 1, cores: 1, memory: 1GiB } }\n',
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

/** Where the command line runs: this computer's own engine may serve other clusters, and its Swarm has to stay. */
let first: TestMachine;
let machine: TestMachine;
let destination: string;

async function must(...args: readonly string[]): ReturnType<TestMachine['exec']> {
  const outcome = await first.sparkplug(...args);
  assert.equal(outcome.exitCode, 0, `sparkplug ${args.join(' ')} → ${outcome.exitCode}\n${outcome.all}`);
  return outcome;
}
const mustJson = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await must(...args, '-o', 'json')).stdout);
const listMachines = async () => ((await mustJson('machine')) as { machines: MachineRow[] }).machines;
const add = (...flags: readonly string[]) =>
  first.sparkplug('machine', 'add', destination, '--identity', '/keys/id', ...flags);

before(async () => {
  const folder = await makeProject(project);
  const { images } = (await mustRunJson(folder, ['images', 'build'], { timeoutMs: 900_000 })) as {
    images: { ref: string }[];
  };
  first = await startMachine('sparkplug-test-first', { memoryMiB: 4096 });
  await first.exec(['mkdir', '/keys']);
  for (const name of ['id', 'other']) {
    await first.exec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `/keys/${name}`]);
  }
  const { stdout: key } = await first.exec(['cat', '/keys/id.pub']);
  machine = await startSshMachine('sparkplug-test-added', key.trim(), { memoryMiB: 2560 });
  destination = `root@${machine.address}`;
  const refs = new Set(images.map(({ ref }) => ref));
  await execa('sh', ['-c', 'docker save "$@" | docker exec -i "$0" docker load', first.name, ...refs]);
  await docker('cp', folder, `${first.name}:/project`);
  await must('up', '--no-build', '--yes');
  await must('hdfs', 'put', '/project/job.py', '/kept.py');
});
after(async () => {
  await Promise.all([machine?.remove(), first?.remove()]);
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
      ['SUDO_MISSING', [`guest@${machine.address}`, '--identity', '/keys/id', '--host-key', hostKey]],
      ['SSH_REFUSED', [destination, '--identity', '/keys/other']],
    ];
    for (const [code, args] of cases) {
      const { exitCode, all } = await first.sparkplug('machine', 'add', ...args);
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
    const read = await must('exec', services.find((one) => one.startsWith('datanode-')) ?? '', '--', 'hostname');
    assert.match(read.stdout, /^datanode-/);
    await must('hdfs', 'get', '/kept.py', '/kept.py');
    assert.equal(`${(await first.exec(['cat', '/kept.py'])).stdout}\n`, project['job.py']);
  });

  it('runs its part of a job', async () => {
    const { all } = await must('run', 'one');
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
    const removed = await must('machine', 'remove', 'sparkplug-test-added', '--yes');
    assert.match(removed.all, /sparkplug-test-added was removed, has left the Swarm and forgotten the registry/);
    assert.deepEqual((await listMachines()).length, 1);
    const state = await machine.exec(['docker', 'info', '--format', '{{.Swarm.LocalNodeState}}']);
    assert.deepEqual([state.stdout.trim(), await readTrust()], ['inactive', '']);
    const fsck = await must('hdfs', 'ls', '/rows');
    assert.match(fsck.stdout, /part-/);
    const { command } = (await mustJson('machine', 'join-command')) as { command: string };
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
    const { command } = (await mustJson('machine', 'join-command')) as { command: string };
    const script = Buffer.from(/^echo (\S+) /.exec(command)?.[1] ?? '', 'base64').toString('utf8');
    const wrong = script.replace(/SWMTKN-1-[a-z0-9]{4}/, 'SWMTKN-1-0000');
    await machine.exec(['docker', 'swarm', 'leave', '--force']);
    const refused = await machine.exec(['sh', '-c', wrong]);
    assert.equal(refused.exitCode, 5, refused.all);
    assert.match(refused.all, /could not join [\d.:]+; .*sparkplug machine join-command/);
  });

  it('that left by itself is not waited for: the next change names it, and it can be removed', async () => {
    const up = await must('up', '--no-build', '--yes');
    assert.match(up.all, /warning: sparkplug-test-added does not answer, and with it .*agent-sparkplug-test-added/);
    const removed = await must('machine', 'remove', 'sparkplug-test-added', '--force', '--yes');
    // It came back by a line in its own shell, so its own shell is where it ends.
    const command = /sudo sh -c '(docker swarm leave; .*)'/.exec(removed.all)?.[1] ?? assert.fail(removed.all);
    await machine.exec(['sh', '-c', command]);
    assert.equal(await readTrust(), '');
    assert.deepEqual((await listMachines()).length, 1);
  });

  it('is followed by nothing: down leaves the Swarm that was made for it', async () => {
    await must('down', '--volumes', '--now', '--yes');
    const { stdout: state } = await first.exec(['docker', 'info', '--format', '{{.Swarm.LocalNodeState}}']);
    assert.equal(state.trim(), 'inactive');
    assert.equal((await first.exec(['docker', 'ps', '-q'])).stdout, '');
  });
});
