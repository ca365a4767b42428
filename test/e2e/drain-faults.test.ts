// A machine that leaves in the middle of a drain: the one that is drained, and one of those that take its blocks. And
// numbers that HDFS's replication does not allow.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import {
  askApi,
  awaitCluster,
  awaitStep,
  findMachine,
  type LabCluster,
  servicesOn,
  upLabCluster,
} from './support/lab.ts';
import { makeProject, mustRun, sparkplug, startSparkplug } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml':
    'name: e2e-leaving\njobs:\n  count: { main: count.py }\nhdfs: { replication: 2 }\n' +
    'spark: { worker: { executors: 1, cores: 2, memory: 1280MiB } }\n',
  'count.py':
    'from pyspark.sql import SparkSession\n' +
    'print("COUNT", SparkSession.builder.getOrCreate().read.text("/data").count())\n',
};
const machines = ['--machine', '4c6g', '--machine', '2c3g', '--machine', '2c3g', '--core-scale', '4'];
/** Of one block each. Over links of 40 Mbit/s they take half a minute to be copied. */
const files = 120;

let folder: string;
let cluster: LabCluster;
let checksums: string;

const lab = (...args: readonly string[]) => mustRun(cluster.folder, ['lab', ...args], { timeoutMs: 300_000 });
/** A shell script in the NameNode's container. */
async function shell(script: string): Promise<string> {
  const { stdout } = await mustRun(cluster.folder, [
    ...['exec', 'namenode', '--', 'bash', '-c', `set -euo pipefail; ${script}`],
  ]);
  return stdout;
}
const writeFiles = () =>
  shell(
    `mkdir /tmp/data; for i in $(seq ${files}); do head -c 1M /dev/urandom | base64 -w 99 >/tmp/data/f$i; done; ` +
      'hdfs dfs -D dfs.replication=2 -put /tmp/data /data; cd /tmp/data; sha256sum f* | sort; rm -r /tmp/data',
  );
async function assertIntact(): Promise<void> {
  const script = 'hdfs dfs -get /data /tmp/back; cd /tmp/back; sha256sum f* | sort; rm -r /tmp/back; hdfs fsck / >&2';
  const { stdout, stderr } = await mustRun(cluster.folder, [
    ...['exec', 'namenode', '--', 'bash', '-c', `set -euo pipefail; ${script}`],
  ]);
  assert.equal(stdout, checksums);
  assert.match(stderr, /Status: HEALTHY/);
}
const isWhole = (datanodes: number) =>
  awaitCluster(cluster, ({ hdfs }) => hdfs?.datanodes === datanodes && hdfs.missingBlocks === 0, 240_000);

before(async () => {
  folder = await makeProject(project);
  cluster = await upLabCluster(folder, machines);
  checksums = await writeFiles();
  await lab('up', '--link', '40mbit');
});
after(async () => {
  await sparkplug(folder, ['lab', 'down', '--yes']);
});

describe('fewer DataNodes than replicas', () => {
  it('are refused with the arithmetic before anything is changed', async () => {
    const before = await askApi(cluster, (api) => api.desiredState());
    await shell('hdfs dfs -setrep 3 /data/f1');
    const file = await sparkplug(cluster.folder, ['scale', 'datanodes=2']);
    assert.equal(file.exitCode, 1, file.all);
    assert.match(file.all, /error REPLICATION_IMPOSSIBLE: 3 replicas of \/data\/f1 need 3 DataNodes, 2 stay/);
    const number = await sparkplug(cluster.folder, ['scale', 'datanodes=1']);
    assert.notEqual(number.exitCode, 0, number.all);
    assert.match(number.all, /2 replicas of a file need 2 DataNodes; there are 1/);
    await shell('hdfs dfs -setrep 2 /data/f1');
    assert.deepEqual(await askApi(cluster, (api) => api.desiredState()), before);
    await isWhole(3);
  });
});

describe('a machine that leaves in the middle of a drain', () => {
  it('of its own: its blocks are copied from where else they are, and the drain ends', async () => {
    const drain = startSparkplug(cluster.folder, ['machine', 'drain', 'follower-1']);
    await awaitStep(cluster, /^drain datanode-\d+: datanode-\d+: [1-9]\d* of \d+ blocks left/);
    await lab('stop', 'follower-1');
    const { exitCode, all } = await drain;
    assert.equal(exitCode, 0, all);
    await isWhole(2);
    const machine = await findMachine(cluster, 'follower-1');
    assert.deepEqual(await servicesOn(cluster, 'follower-1'), []);
    assert.equal(machine?.state, 'away');
    await assertIntact();
    await lab('start', 'follower-1');
    await mustRun(cluster.folder, ['machine', 'return', 'follower-1'], { timeoutMs: 240_000 });
    await isWhole(3);
    await assertIntact();
  });

  it('of another, which takes its blocks: it says so and gives none away too early, and goes on once it is back', async () => {
    const drain = startSparkplug(cluster.folder, ['machine', 'drain', 'follower-2']);
    const step = /^drain datanode-\d+: datanode-\d+: [1-9]\d* of \d+ blocks left/;
    const { id } = await awaitStep(cluster, step);
    await lab('cut', 'follower-1');
    await awaitStep(cluster, /^drain (datanode-\d+): .*blocks left; datanode-\d+ does not answer/);
    const { exitCode, all } = await drain;
    assert.equal(exitCode, 1, all);
    assert.match(
      all,
      /error REPLICATION_IMPOSSIBLE: 2 replicas \(hdfs\.replication\) need 2 DataNodes, 1 stays live \(1 more is away\)/,
    );
    assert.match(all, /fix: start the machine that is away again/);
    assert.equal((await askApi(cluster, (api) => api.operation(id))).state, 'failed');
    assert.ok((await servicesOn(cluster, 'follower-2')).some((name) => name.startsWith('datanode-')));
    await lab('heal', 'follower-1');
    // The scheduler's own doing: the machine is to be empty still.
    await awaitCluster(cluster, async ({ hdfs }) => {
      const isComplete = hdfs?.datanodes === 2 && hdfs.missingBlocks === 0;
      return isComplete && (await servicesOn(cluster, 'follower-2')).length === 0;
    });
    await assertIntact();
    await mustRun(cluster.folder, ['machine', 'return', 'follower-2'], { timeoutMs: 240_000 });
    await isWhole(3);
    const { all: counted } = await mustRun(cluster.folder, ['run', 'count'], { timeoutMs: 300_000 });
    assert.match(counted, /COUNT \d{6,}\b/);
  });
});

describe('a machine that is away', () => {
  it('keeps neither a down nor an up waiting, and is used again when it is back', async () => {
    await lab('cut', 'follower-2');
    const isAway = async () => (await findMachine(cluster, 'follower-2'))?.state === 'away';
    await pWaitFor(isAway, { interval: 1_000, timeout: 60_000 });
    await mustRun(cluster.folder, ['down', '--yes'], { timeoutMs: 150_000 });
    const { all } = await mustRun(cluster.folder, ['up', '--yes'], { timeoutMs: 200_000 });
    assert.match(all, /warning: follower-2 does not answer, and with it .*datanode-\d+/);
    await assertIntact();
    await lab('heal', 'follower-2');
    await isWhole(3);
    await assertIntact();
  });
});
