// What goes wrong with machines as they join and as the cluster grows onto them: the registry is away, nothing fits, the
// disk is full. Each says so, leaves nothing half-made behind, and is finished by the scheduler itself once it can be.
import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import {
  askApi,
  awaitCluster,
  findMachine,
  innerDocker,
  type LabCluster,
  onMachine,
  servicesOn,
  upLabCluster,
} from './support/lab.ts';
import { startSshMachine } from './support/machine.ts';
import { makeProject, mustRun, sparkplug } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml':
    'name: e2e-faulty\njobs:\n  count: { main: count.py }\n' +
    'spark: { worker: { executors: 1, cores: 2, memory: 1280MiB } }\n',
  'count.py':
    'from pyspark.sql import SparkSession\n' +
    'print("COUNT", SparkSession.builder.getOrCreate().range(1000).repartition(16).count())\n',
};
const two = ['--machine', '4c6g', '--machine', '2c3g'] as const;
const three = [...two, '--machine', '2c3g'] as const;
const four = [...three, '--machine', '1c768m'] as const;

let folder: string;
let cluster: LabCluster;

const lab = (...args: readonly string[]) => mustRun(cluster.folder, ['lab', ...args], { timeoutMs: 300_000 });
const isWhole = (workers: number, datanodes: number) =>
  awaitCluster(cluster, ({ spark, hdfs }) => spark?.workers === workers && hdfs?.datanodes === datanodes);

/** Connections of further machines to the registry are refused, as by one that does not run; its own machine's are not. */
const setRegistry = (answers: boolean) =>
  onMachine(
    cluster,
    'conductor',
    `iptables -${answers ? 'D' : 'I'} FORWARD -p tcp --dport 5000 -j REJECT --reject-with tcp-reset`,
  );

/** Takes the cluster's images off a machine, but its agent's, which is running. */
const forgetImages = (machine: string) =>
  onMachine(
    cluster,
    machine,
    'for image in $(docker images --quiet --filter label=sparkplug.image | sort -u); do docker rmi -f "$image" >/dev/null 2>&1 || true; done; docker images --format "{{.Repository}}"',
  );

async function newestEvent(text: RegExp): Promise<string | undefined> {
  const events = await askApi(cluster, (api) => api.clusterEvents());
  return events.map(({ message }) => message).findLast((message) => text.test(message));
}

async function countRows(): Promise<void> {
  const { all } = await mustRun(cluster.folder, ['run', 'count'], { timeoutMs: 300_000 });
  assert.match(all, /COUNT 1000\b/);
}

before(async () => {
  folder = await makeProject(project);
  cluster = await upLabCluster(folder, [...two, '--core-scale', '4']);
});
after(async () => {
  await sparkplug(folder, ['lab', 'down', '--yes']);
});

describe('a machine that joins', () => {
  it('while the registry is down is named, nothing half-made stays, and it is filled once the registry answers', async () => {
    await isWhole(3, 2);
    await setRegistry(false);
    await lab('up', ...three, '--yes');
    const isTold = async () => (await newestEvent(/failed: follower-2 cannot pull the image of/)) !== undefined;
    await pWaitFor(isTold, { interval: 1_000, timeout: 180_000 });
    // What stands works on without it.
    await countRows();
    assert.doesNotMatch(await innerDocker(cluster, 'service', 'ls', '--format', '{{.Name}}'), /_ask-/);
    await setRegistry(true);
    await isWhole(4, 3);
    const names = (await servicesOn(cluster, 'follower-2')).map((name) => name.replace(/\d+$/, 'N'));
    assert.deepEqual(names, ['datanode-N', 'spark-worker-N']);
    const hasAgent = async () => {
      const { containers = [] } = (await findMachine(cluster, 'follower-2')) ?? {};
      return containers.some(({ component, state }) => component === 'agent' && state === 'ready');
    };
    await pWaitFor(hasAgent, { interval: 1_000, timeout: 120_000 });
  });

  it('and has no room for one worker gets its agent and nothing else, and the plan says why', async () => {
    await lab('up', ...four, '--yes');
    const isInUse = async () => {
      const machine = await findMachine(cluster, 'follower-3');
      return machine?.state === 'ready' && machine.containers.some(({ state }) => state === 'ready');
    };
    await pWaitFor(isInUse, { interval: 1_000, timeout: 120_000 });
    await isWhole(4, 3);
    const machine = await findMachine(cluster, 'follower-3');
    assert.deepEqual(
      machine?.containers.map(({ service }) => service),
      ['agent-follower-3'],
    );
    const reason = /no room for a worker: 1 core left, one worker needs 2; cores ran out first/;
    assert.match(machine?.explanation ?? '', reason);
    const plan = await mustRun(cluster.folder, ['plan']);
    assert.match(plan.stdout, new RegExp(`follower-3: ${reason.source}`));
    await countRows();
  });

  it('over SSH and has no room on its disk is refused before anything is installed there', async () => {
    const keys = await mkdtemp(join(tmpdir(), 'sparkplug-keys-'));
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, 'id')]);
    const key = (await readFile(join(keys, 'id.pub'), 'utf8')).trim();
    const machine = await startSshMachine('sparkplug-test-full', key, { dockerDiskMiB: 200 });
    try {
      const shown = await machine.exec(['ssh-keygen', '-lf', '/etc/ssh/ssh_host_ed25519_key.pub']);
      const hostKey = /SHA256:\S+/.exec(shown.stdout)?.[0] ?? assert.fail(shown.all);
      const { exitCode, all } = await sparkplug(
        cluster.folder,
        ['machine', 'add', `root@${machine.address}`, '--identity', join(keys, 'id'), '--host-key', hostKey],
        // A host key that was accepted stays out of the user's own list; the cluster's token lies in that folder, too.
        { env: { XDG_CONFIG_HOME: keys } },
      );
      assert.equal(exitCode, 1, all);
      assert.match(
        all,
        /error DISK_FULL: root@\S+ cannot be used: only \d+ MiB are free in \/var\/lib\/docker; 6144 MiB/,
      );
      assert.match(all, /fix: free some space there/);
      assert.notEqual((await machine.exec(['sh', '-c', 'command -v dockerd'])).exitCode, 0);
      assert.equal((await askApi(cluster, (api) => api.machines())).length, 4);
    } finally {
      await machine.remove();
    }
  });
});

describe('a scale-out', () => {
  it('for which the registry is down says which machine cannot pull, and is there once the registry answers', async () => {
    await mustRun(cluster.folder, ['machine', 'drain', 'follower-2'], { timeoutMs: 200_000 });
    await forgetImages('follower-2');
    await setRegistry(false);
    const refused = await sparkplug(cluster.folder, ['machine', 'return', 'follower-2'], { timeoutMs: 200_000 });
    assert.equal(refused.exitCode, 1, refused.all);
    assert.match(refused.all, /error MACHINE_UNUSABLE: follower-2 cannot pull the image of \S+: .*No such image/);
    assert.match(refused.all, /fix: it tries again by itself/);
    await setRegistry(true);
    await isWhole(4, 3);
    assert.equal((await servicesOn(cluster, 'follower-2')).length, 2);
    await countRows();
  });

  it('for which somebody removed the registry brings it back first', async () => {
    await mustRun(cluster.folder, ['machine', 'drain', 'follower-2'], { timeoutMs: 200_000 });
    await forgetImages('follower-2');
    const services = await innerDocker(cluster, 'service', 'ls', '--format', '{{.Name}}');
    await innerDocker(cluster, 'service', 'rm', services.split('\n').find((name) => /registry$/.test(name)) ?? '');
    await mustRun(cluster.folder, ['machine', 'return', 'follower-2'], { timeoutMs: 300_000 });
    await isWhole(4, 3);
    await countRows();
  });
});
