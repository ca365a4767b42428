// Three unequal machines, simulated: filled to the last core, scaled while a job runs, drained without loss, and a fourth
// that is used without a command. Machines that are cut off: drain-faults.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { docker } from './support/docker.ts';
import { makeProject, mustRun, mustRunJson, sparkplug, startSparkplug } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml':
    'name: e2e-machines\njobs:\n  spread: { main: spread.py }\n' +
    'spark: { worker: { executors: 1, cores: 2, memory: 1280MiB } }\n',
  // Slow enough that machines come and go while it is at work: each task holds its core for a moment.
  'spread.py':
    'import sys, time\n' +
    'from pyspark.sql import SparkSession\n' +
    'rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1\n' +
    'def work(parts):\n' +
    '    for part in parts:\n' +
    '        time.sleep(0.5)\n' +
    '        yield (part, part * part)\n' +
    'context = SparkSession.builder.getOrCreate().sparkContext\n' +
    'total = 0\n' +
    'for _ in range(rounds):\n' +
    '    total += context.parallelize(range(56), 56).mapPartitions(work).values().sum()\n' +
    'print("TOTAL", total)\n',
};
const totalOf = (rounds: number): number =>
  rounds * Array.from({ length: 56 }, (_, part) => part * part).reduce((a, b) => a + b);

interface MachineRow {
  readonly name: string;
  readonly state: string;
  readonly containers: readonly { readonly service: string; readonly component: string; readonly state: string }[];
}
interface Status {
  readonly projectId: string;
  readonly ready: boolean;
  readonly operation: string | null;
  readonly spark: { readonly cores: number; readonly coresUsed: number; readonly workers: number } | null;
  readonly hdfs: { readonly datanodes: number; readonly missingBlocks: number } | null;
}

let folder: string;
/** Beside the project: what lies in its folder is a part of its image. */
let scratch: string;
let checksum: string;

const lab = (...args: readonly string[]) => mustRun(folder, ['lab', ...args], { timeoutMs: 300_000 });
const three = ['--machine', '8c8g', '--machine', '4c4g', '--machine', '2c3g'] as const;
const listMachines = async () => ((await mustRunJson(folder, ['machine'])) as { machines: MachineRow[] }).machines;
const readStatus = async () => (await mustRunJson(folder, ['status'])) as Status;
async function servicesOn(name: string): Promise<readonly string[]> {
  const machine = (await listMachines()).find((one) => one.name === name);
  return machine?.containers.filter(({ component }) => component !== 'agent').map(({ service }) => service) ?? [];
}
/** Until the cluster stands still and is as it should be. */
async function awaitStatus(isReached: (status: Status) => boolean): Promise<void> {
  const isSettled = async () => {
    const status = await readStatus();
    return status.ready && status.operation === null && isReached(status);
  };
  await pWaitFor(isSettled, { interval: 1_000, timeout: 120_000 });
}
async function assertFileIntact(): Promise<void> {
  const copy = join(scratch, 'copy.bin');
  await mustRun(folder, ['hdfs', 'get', '--overwrite', '/kept.bin', copy]);
  assert.equal(
    createHash('sha256')
      .update(await readFile(copy))
      .digest('hex'),
    checksum,
  );
}

before(async () => {
  folder = await makeProject(project);
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-scratch-'));
  await lab('up', ...three, '--core-scale', '4', '--yes');
  await mustRun(folder, ['up', '--yes'], { timeoutMs: 600_000 });
  const content = randomBytes(24 * 1024 * 1024);
  checksum = createHash('sha256').update(content).digest('hex');
  await writeFile(join(scratch, 'kept.bin'), content);
  await mustRun(folder, ['hdfs', 'put', join(scratch, 'kept.bin'), '/kept.bin']);
});
after(async () => {
  await sparkplug(folder, ['lab', 'down', '--yes']);
});

describe('three unequal machines', () => {
  it('are filled to the last core, with a DataNode and an agent each', async () => {
    const { spark, hdfs } = await readStatus();
    assert.deepEqual([spark?.workers, spark?.cores, hdfs?.datanodes], [7, 14, 3]);
    const counts = (await listMachines()).map(({ name, containers }) => {
      const count = (component: string) => containers.filter((one) => one.component === component).length;
      return [name, count('spark-worker'), count('datanode'), count('agent')];
    });
    assert.deepEqual(counts, [
      ['conductor', 4, 1, 0],
      ['follower-1', 2, 1, 1],
      ['follower-2', 1, 1, 1],
    ]);
  });

  it('run a job with every core in use, to the same result as anywhere', async () => {
    const { all } = await mustRun(folder, ['run', 'spread'], { timeoutMs: 300_000 });
    assert.match(all, new RegExp(`TOTAL ${totalOf(1)}\\b`));
    assert.equal(all.match(/Granted executor ID/g)?.length, 7, all);
  });

  it('are scaled down and up again while a job runs; two scales at once and what has no room are refused', async () => {
    const run = startSparkplug(folder, ['run', 'spread', '--', '8']);
    await pWaitFor(async () => (await readStatus()).spark !== null, { interval: 500, timeout: 60_000 });
    const [first, second] = await Promise.all([
      sparkplug(folder, ['scale', 'workers=4', 'datanodes=2']),
      sparkplug(folder, ['scale', 'workers=5']),
    ]);
    const codes = [first.exitCode, second.exitCode].toSorted();
    assert.deepEqual(codes, [0, 1], first.all + second.all);
    assert.match(first.all + second.all, /error CLUSTER_BUSY/);
    const many = await sparkplug(folder, ['scale', 'workers=99']);
    assert.match(many.all, /error NO_ROOM: /);
    await mustRun(folder, ['scale', 'workers=file', 'datanodes=file'], { timeoutMs: 200_000 });
    await awaitStatus(({ spark, hdfs }) => spark?.cores === 14 && hdfs?.datanodes === 3);
    const { exitCode, stdout } = await run;
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`TOTAL ${totalOf(8)}\\b`));
    await assertFileIntact();
  });

  it('a fourth joins and is used without a command', async () => {
    await lab('up', ...three, '--machine', '2c3g', '--yes');
    await awaitStatus(({ spark, hdfs }) => spark?.cores === 16 && hdfs?.datanodes === 4);
    const names = (await servicesOn('follower-3')).map((name) => name.replace(/\d+$/, 'N')).toSorted();
    assert.deepEqual(names, ['datanode-N', 'spark-worker-N']);
  });

  it('one is drained under a running job, and nothing is lost; it is taken back', async () => {
    // Its new image is set while the drain goes on, and the deploy after that must not take it back.
    await writeFile(join(folder, 'spread.py'), `${project['spread.py']}# changed\n`);
    const run = startSparkplug(folder, ['run', 'spread', '--', '6']);
    await mustRun(folder, ['machine', 'drain', 'follower-1'], { timeoutMs: 200_000 });
    assert.deepEqual(await servicesOn('follower-1'), []);
    const { exitCode, stdout } = await run;
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`TOTAL ${totalOf(6)}\\b`));
    await assertFileIntact();
    const conductor = await sparkplug(folder, ['machine', 'drain', 'conductor']);
    assert.match(conductor.all, /error MACHINE_IS_CONDUCTOR/);
    await mustRun(folder, ['machine', 'return', 'follower-1'], { timeoutMs: 200_000 });
    await awaitStatus(({ spark }) => spark?.cores === 16);
  });

  it('start again after a down with each DataNode where its data is', async () => {
    const before = (await listMachines()).map(({ name, containers }) => [
      name,
      containers.filter((one) => one.component === 'datanode').map(({ service }) => service),
    ]);
    await mustRun(folder, ['down', '--yes']);
    await mustRun(folder, ['up', '--yes'], { timeoutMs: 300_000 });
    const again = (await listMachines()).map(({ name, containers }) => [
      name,
      containers.filter((one) => one.component === 'datanode').map(({ service }) => service),
    ]);
    assert.deepEqual(again, before);
    await assertFileIntact();
  });

  it('one that is given notice is emptied at once under a running job, and forgotten when it is down', async () => {
    const inside = ['exec', `${(await readStatus()).projectId}-lab-follower-3`, 'docker'];
    const run = startSparkplug(folder, ['run', 'spread', '--', '8']);
    await pWaitFor(async () => (await readStatus()).spark?.coresUsed === 16, { interval: 500, timeout: 120_000 });
    await docker(...inside, 'volume', 'create', '--label', 'sparkplug.notice=terminate', 'sparkplug-notice');
    const isEmptied = async () => (await servicesOn('follower-3')).length === 0;
    // A provider's notice comes two minutes ahead; copying blocks takes its part of them.
    await pWaitFor(isEmptied, { interval: 500, timeout: 110_000 });
    // The NameNode counts a DataNode that is gone for another minute.
    await awaitStatus(({ spark }) => spark?.cores === 14);
    await lab('stop', 'follower-3');
    const isForgotten = async () => (await listMachines()).every(({ name }) => name !== 'follower-3');
    await pWaitFor(isForgotten, { interval: 1_000, timeout: 90_000 });
    const { exitCode, stdout } = await run;
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`TOTAL ${totalOf(8)}\\b`));
    await assertFileIntact();
  });
});
