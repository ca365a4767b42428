// A machine that leaves in the middle of a drain: the one that is drained, and one of those that take its blocks. And
// numbers that HDFS's replication does not allow.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import pWaitFor from 'p-wait-for';
import type { ClusterStatus } from '../../src/api/schemas.ts';
import {
  askApi,
  awaitCluster,
  awaitStep,
  findMachine,
  type LabCluster,
  servicesOn,
  upLabCluster,
} from './support/lab.ts';
import { sha256 } from './support/shared-cluster.ts';
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
/** Beside the project: what lies in its folder is a part of its image. */
let scratch: string;
const checksums = new Map<string, string>();

const lab = (...args: readonly string[]) => mustRun(cluster.folder, ['lab', ...args], { timeoutMs: 300_000 });
/** Through WebHDFS: the containers of so small machines have no memory for a client of Hadoop's own beside them. */
async function setReplication(path: string, replicas: number): Promise<void> {
  const url = `http://namenode:9870/webhdfs/v1${path}?op=SETREPLICATION&replication=${replicas}&user.name=sparkplug`;
  const call = `fetch("${url}", { method: "PUT" }).then((answer) => answer.ok || process.exit(1))`;
  await mustRun(folder, ['exec', 'scheduler', '--', 'node', '-e', call]);
}
async function writeFiles(): Promise<void> {
  await mkdir(join(scratch, 'data'));
  for (let index = 1; index <= files; index += 1) {
    const text = randomBytes(1024 ** 2)
      .toString('base64')
      .replaceAll(/.{99}/g, '$&\n');
    checksums.set(`f${index}`, sha256(text));
    await writeFile(join(scratch, 'data', `f${index}`), text);
  }
  await mustRun(folder, ['hdfs', 'put', join(scratch, 'data'), '/data']);
}
async function assertIntact(): Promise<void> {
  await mustRun(folder, ['hdfs', 'get', '--overwrite', '/data', join(scratch, 'back')]);
  const read = new Map<string, string>();
  for (const name of await readdir(join(scratch, 'back'))) {
    read.set(name, sha256(await readFile(join(scratch, 'back', name), 'utf8')));
  }
  assert.deepEqual(
    [...read].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [...checksums].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  await rm(join(scratch, 'back'), { recursive: true });
  assert.equal((await askApi(cluster, (api) => api.clusterStatus())).hdfs?.missingBlocks, 0);
}
const isWhole = (datanodes: number) =>
  awaitCluster(cluster, ({ hdfs }) => hdfs?.datanodes === datanodes && hdfs.missingBlocks === 0, 240_000);

before(async () => {
  folder = await makeProject(project);
  cluster = await upLabCluster(folder, machines);
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-scratch-'));
  await writeFiles();
  await lab('up', '--link', '40mbit');
});
after(async () => {
  await sparkplug(folder, ['lab', 'down', '--yes']);
});

describe('fewer DataNodes than replicas', () => {
  it('are refused with the arithmetic before anything is changed', async () => {
    const before = await askApi(cluster, (api) => api.desiredState());
    await setReplication('/data/f1', 3);
    const file = await sparkplug(cluster.folder, ['scale', 'datanodes=2']);
    assert.equal(file.exitCode, 1, file.all);
    assert.match(file.all, /error REPLICATION_IMPOSSIBLE: 3 replicas of \/data\/f1 need 3 DataNodes, 2 stay/);
    const number = await sparkplug(cluster.folder, ['scale', 'datanodes=1']);
    assert.notEqual(number.exitCode, 0, number.all);
    assert.match(number.all, /2 replicas of a file need 2 DataNodes; there are 1/);
    await setReplication('/data/f1', 2);
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
    const isEmptied = async ({ hdfs }: ClusterStatus) => {
      const isComplete = hdfs?.datanodes === 2 && hdfs.missingBlocks === 0;
      return isComplete && (await servicesOn(cluster, 'follower-2')).length === 0;
    };
    await awaitCluster(cluster, isEmptied, 240_000);
    await assertIntact();
    await mustRun(cluster.folder, ['machine', 'return', 'follower-2'], { timeoutMs: 240_000 });
    await isWhole(3);
    const { all: counted } = await mustRun(cluster.folder, ['run', 'count'], { timeoutMs: 300_000 });
    assert.match(counted, /COUNT \d{6,}\b/);
  });
});

describe('a machine that is away', () => {
  it('is planned around, keeps neither a down nor an up waiting, and is used again when it is back', async () => {
    const kinds = async () => (await servicesOn(cluster, 'follower-2')).map((name) => name.replace(/-\d+$/, ''));
    const before = await kinds();
    await lab('cut', 'follower-2');
    const isLeftByWorkers = async () => {
      const machine = await findMachine(cluster, 'follower-2');
      return machine?.state === 'away' && !machine.containers.some(({ component }) => component === 'spark-worker');
    };
    await pWaitFor(isLeftByWorkers, { interval: 1_000, timeout: 90_000 });
    assert.deepEqual(await kinds(), ['datanode'], 'its DataNode waits for it');
    await assertIntact();
    await mustRun(cluster.folder, ['down', '--yes'], { timeoutMs: 150_000 });
    const { all } = await mustRun(cluster.folder, ['up', '--yes'], { timeoutMs: 200_000 });
    assert.match(all, /warning: follower-2 does not answer, and with it .*datanode-\d+/);
    await assertIntact();
    await lab('heal', 'follower-2');
    await isWhole(3);
    await awaitCluster(cluster, async () => isDeepStrictEqual(await kinds(), before));
    await assertIntact();
  });
});
