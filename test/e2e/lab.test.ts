// Simulated machines: three unequal ones in a real Swarm with hard caps, their faults, and a whole cluster on one of them.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { docker } from './support/docker.ts';
import { makeProject, mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

interface LabReport {
  readonly projectId: string;
  readonly context: string;
  readonly machines: readonly {
    readonly name: string;
    readonly address: string;
    readonly state: string;
    readonly swarm: string;
    readonly link: { readonly delay: string | null; readonly rate: string | null } | null;
  }[];
}

const words = `from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = spark.range(1000).selectExpr("id % 10 AS word", "id").groupBy("word").count()
rows.write.mode("overwrite").parquet("/results/words")
assert spark.read.text("/data/note.txt").collect()[0][0] == "hello"
`;
const file =
  'name: labtest\njobs:\n  words:\n    main: src/words.py\n    results: { words: { path: /results/words, key: word } }\n';
const machines = ['--machine', '4c1g', '--machine', '2c768m', '--machine', '1c512m', '--core-scale', '2'];

let folder = '';
before(async () => {
  folder = await makeProject({ 'sparkplug.yaml': file, 'src/words.py': words, 'note.txt': 'hello\n' });
});
after(async () => {
  await sparkplug(folder, ['down', '--volumes', '--now', '--yes']);
  await sparkplug(folder, ['lab', 'down', '--yes']);
  await rm(folder, { recursive: true, force: true });
});

async function readLab(): Promise<LabReport> {
  return ((await mustRunJson(folder, ['lab'])) as { lab: LabReport }).lab;
}

async function upLab(...args: readonly string[]): Promise<LabReport> {
  return ((await mustRunJson(folder, ['lab', 'up', ...args], { timeoutMs: 400_000 })) as { lab: LabReport }).lab;
}

/** The lab's own engine, through the context that a user would take. */
async function inner(context: string, ...args: readonly string[]): Promise<string> {
  return (await execa('docker', ['--context', context, ...args])).stdout;
}

async function onMachine(projectId: string, name: string, ...command: readonly string[]): Promise<string> {
  return (await execa('docker', ['exec', `${projectId}-lab-${name}`, ...command])).stdout;
}

async function listContainers(projectId: string): Promise<readonly string[]> {
  const format = ['--format', '{{.ID}} {{.Names}}'];
  return (await docker('ps', '-a', '--filter', `label=sparkplug.lab=${projectId}`, ...format)).split('\n').sort();
}

/** Waits until the Swarm says so of a machine. */
async function awaitMember(name: string, state: string): Promise<void> {
  const isSo = async () => (await readLab()).machines.find((machine) => machine.name === name)?.swarm === state;
  await pWaitFor(isSo, { interval: 500, timeout: 60_000 });
}

test('more than this computer has is refused with the arithmetic, and nothing is made', async () => {
  const cores = await sparkplug(folder, ['lab', 'up', '--machine', '500c1g']);
  assert.equal(cores.exitCode, 1);
  assert.match(cores.stderr, /error LAB_TOO_LARGE: conductor is to have 500 cores; this computer has \d+ × 1/);
  const memory = await sparkplug(folder, ['lab', 'up', '--machine', '1c900g', '--machine', '1c100g']);
  assert.match(
    memory.stderr,
    /error LAB_TOO_LARGE: The machines need 900 GiB \+ 100 GiB = 1000 GiB; this computer has /,
  );
  assert.equal((await mustRunJson(folder, ['lab'])) instanceof Object, true);
  assert.equal(((await mustRunJson(folder, ['lab'])) as { lab: unknown }).lab, null);
});

test('three unequal machines come up as one Swarm, and their engines report what they have', async () => {
  const { projectId, context, machines: made } = await upLab(...machines);
  assert.deepEqual(
    made.map(({ name, state, swarm }) => [name, state, swarm]),
    ['conductor', 'follower-1', 'follower-2'].map((name) => [name, 'running', 'ready']),
  );
  for (const [name, memoryMiB, cores, label] of [
    ['conductor', 1024, 2, '4'],
    ['follower-1', 768, 1, '2'],
    ['follower-2', 512, 1, '1'],
  ] as const) {
    const [ncpu, total] = (
      await onMachine(projectId, name, 'docker', 'info', '--format', '{{.NCPU}} {{.MemTotal}}')
    ).split(' ');
    assert.equal(Number(total), memoryMiB * 1024 ** 2, name);
    assert.equal(Number(ncpu), Math.min(cores, Number((await docker('info', '--format', '{{.NCPU}}')).trim())), name);
    const node = await inner(context, 'node', 'inspect', name, '--format', '{{index .Spec.Labels "sparkplug.cores"}}');
    assert.equal(node.trim(), label);
  }
  const roles = await inner(context, 'node', 'ls', '--format', '{{.Hostname}} {{.ManagerStatus}}');
  assert.deepEqual(
    roles
      .split('\n')
      .map((line) => line.trim())
      .sort(),
    ['conductor Leader', 'follower-1', 'follower-2'],
  );
  // Only who has the context's key is let in.
  const [conductor] = made;
  const stranger = await execa('docker', ['-H', `tcp://${conductor?.address}:2376`, 'version'], { reject: false });
  assert.notEqual(stranger.exitCode, 0);
});

test('called twice it changes nothing; other machines are another lab; a further one is added', async () => {
  const { projectId } = await readLab();
  const before = await listContainers(projectId);
  await upLab(...machines);
  await upLab();
  assert.deepEqual(await listContainers(projectId), before);
  const other = await sparkplug(folder, ['lab', 'up', '--machine', '1c512m']);
  assert.equal(other.exitCode, 2);
  assert.match(
    other.stderr,
    /error LAB_DIFFERS: [\s\S]*--machine 4c1g --machine 2c768m --machine 1c512m --core-scale 2/,
  );
  const grown = await upLab(...machines, '--machine', '1c256m');
  assert.deepEqual(
    grown.machines.map(({ swarm }) => swarm),
    ['ready', 'ready', 'ready', 'ready'],
  );
  assert.deepEqual(
    (await listContainers(projectId)).filter((line) => !line.endsWith('follower-3')),
    before,
  );
});

test('a machine that is cut off goes down and comes back when it is healed, at its own address', async () => {
  const address = (await readLab()).machines[2]?.address;
  await mustRun(folder, ['lab', 'cut', 'follower-2']);
  await awaitMember('follower-2', 'down');
  assert.equal((await readLab()).machines[2]?.state, 'cut');
  await mustRun(folder, ['lab', 'heal', 'follower-2']);
  await awaitMember('follower-2', 'ready');
  assert.equal((await readLab()).machines[2]?.address, address);
});

test('a machine is stopped and boots again into its Swarm; a name that there is not is refused', async () => {
  await mustRun(folder, ['lab', 'stop', 'follower-1']);
  await awaitMember('follower-1', 'down');
  assert.equal((await readLab()).machines[1]?.state, 'stopped');
  const cut = await sparkplug(folder, ['lab', 'cut', 'follower-1']);
  assert.match(cut.stderr, /error LAB_MACHINE_FAILED: The machine is stopped/);
  await mustRun(folder, ['lab', 'start', 'follower-1']);
  await awaitMember('follower-1', 'ready');
  const unknown = await sparkplug(folder, ['lab', 'stop', 'follower-9']);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /error LAB_MACHINE_UNKNOWN: [\s\S]*conductor, follower-1, follower-2/);
});

test('a follower whose container somebody removed is made again and joins under its name', async () => {
  const { projectId, context } = await readLab();
  await docker('rm', '-f', '-v', `${projectId}-lab-follower-3`);
  await docker('volume', 'rm', `${projectId}-lab-follower-3`);
  await upLab(...machines, '--machine', '1c256m');
  const nodes = await inner(context, 'node', 'ls', '--format', '{{.Hostname}} {{.Status}}');
  assert.deepEqual(
    nodes.split('\n').filter((line) => line.startsWith('follower-3')),
    ['follower-3 Ready'],
  );
});

test('bandwidth is limited and stays so across a boot', async () => {
  await upLab('--link', '50mbit');
  await mustRun(folder, ['lab', 'stop', 'follower-2']);
  const { machines: shaped, projectId } = await upLab();
  assert.deepEqual(
    shaped.map(({ link }) => link?.rate),
    ['50mbit', '50mbit', '50mbit', '50mbit'],
  );
  assert.match(await onMachine(projectId, 'follower-2', 'sh', '-c', 'tc qdisc show'), /tbf .*rate 50Mbit/);
  await upLab('--link', 'none');
  assert.doesNotMatch(await onMachine(projectId, 'follower-2', 'sh', '-c', 'tc qdisc show'), /tbf/);
});

test('a context that somebody removed is made again', async () => {
  const { context } = await readLab();
  await execa('docker', ['context', 'rm', '--force', context]);
  await upLab();
  assert.match(await inner(context, 'node', 'ls'), /follower-1/);
});

test('lab down leaves nothing, and the project is back on this engine', async () => {
  const { projectId, context } = await readLab();
  await mustRun(folder, ['lab', 'down', '--yes']);
  const filter = ['--filter', `label=sparkplug.lab=${projectId}`];
  assert.equal((await docker('ps', '-aq', ...filter)).trim(), '');
  assert.equal((await docker('volume', 'ls', '-q', ...filter)).trim(), '');
  assert.equal((await docker('network', 'ls', '-q', ...filter)).trim(), '');
  assert.ok(!(await docker('context', 'ls', '--format', '{{.Name}}')).split('\n').includes(context));
  const again = await mustRun(folder, ['lab', 'down', '--yes']);
  assert.match(again.stdout, /there was no lab/);
});

test('an interrupted lab up is finished by the next', async () => {
  const bin = new URL('../../bin/sparkplug.js', import.meta.url).pathname;
  const first = execa(process.execPath, [bin, 'lab', 'up', '--machine', '2c6g'], {
    cwd: folder,
    reject: false,
    all: true,
  });
  for await (const line of first.iterable({ from: 'stderr' })) {
    if (/boot 1 machine/.test(line)) first.kill('SIGKILL');
  }
  await first;
  const { machines: made } = await upLab('--machine', '2c6g');
  assert.deepEqual(
    made.map(({ name, swarm }) => [name, swarm]),
    [['conductor', 'ready']],
  );
});

test('a whole cluster runs on a machine of the lab, reached through the context by HTTPS', async () => {
  const { context, machines: made } = await readLab();
  const up = (await mustRunJson(folder, ['up'], { timeoutMs: 480_000 })) as Record<string, string>;
  assert.equal(up.context, context);
  assert.match(up.url ?? '', new RegExp(`^https://${made[0]?.address}:\\d+$`));
  assert.match(up.fingerprint ?? '', /^[0-9A-F:]{95}$/);
  const again = (await mustRunJson(folder, ['up'])) as { changed: boolean };
  assert.equal(again.changed, false);
  await mustRun(folder, ['hdfs', 'put', 'note.txt', '/data/note.txt']);
  await mustRun(folder, ['run'], { timeoutMs: 240_000 });
  const results = (await mustRunJson(folder, ['results', 'words'])) as { rows: readonly unknown[] };
  assert.equal(results.rows.length, 10);
  const status = await mustRun(folder, ['status']);
  assert.match(status.stdout, new RegExp(`ready .*context ${context}`));
  assert.match((await mustRun(folder, ['logs', 'spark-master', '--tail', '5'])).stdout, /./);
  assert.match((await mustRun(folder, ['open', '--print'])).stdout, new RegExp(`https://${made[0]?.address}:`));
  const { healthy } = (await mustRunJson(folder, ['doctor'])) as { healthy: boolean };
  assert.ok(healthy);
  const here = await sparkplug(folder, ['--context', 'default', 'status']);
  assert.equal(here.exitCode, 3);
  await writeFile(join(folder, 'src', 'words.py'), `${words}print("changed")\n`);
  assert.match((await mustRun(folder, ['run'], { timeoutMs: 240_000 })).all, /changed/);
  await mustRun(folder, ['down', '--yes']);
  assert.equal(await inner(context, 'service', 'ls', '-q'), '');
});
