// Fewer DataNodes and workers under a running job and a running writer: nothing is lost, whoever is killed meanwhile.
import assert from 'node:assert/strict';
import { chmod, cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { buildCoreSite } from '../../src/stack/core-site.ts';
import { buildHdfsSite } from '../../src/stack/hdfs-site.ts';
import { containerOf, docker, runningServices } from './support/docker.ts';
import { ask, runsOf, type SharedCluster, userFolder } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, repository, startSparkplug } from './support/sparkplug.ts';

/** SPARKPLUG_DRAIN_MIB=2100 is the full measure (`npm run test:drain`); the smaller one takes seconds instead of minutes. */
const totalMiB = Number(process.env.SPARKPLUG_DRAIN_MIB ?? 240);
const files = 204;
const bytesPerFile = Math.ceil((totalMiB * 1024 ** 2) / files);

let cluster: SharedCluster;
let checksums: string;
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-test-'));
  await cp(join(repository, 'test', 'e2e', 'drain'), folder, { recursive: true });
  const { projectId, url } = (await mustRunJson(folder, ['up'], { timeoutMs: 900_000 })) as {
    projectId: string;
    url: string;
  };
  const token = (await readFile(join(userFolder(projectId), 'token'), 'utf8')).trim();
  cluster = { folder, projectId, url, token };
  checksums = await writeFiles();
});
after(async () => {
  await mustRun(cluster.folder, ['down', '--volumes', '--yes'], { timeoutMs: 300_000 });
});

/** Runs a shell script in a service's container. */
async function shell(service: string, script: string): Promise<string> {
  const id = await containerOf(cluster.projectId, service);
  const { stdout } = await execa('docker', ['exec', id, 'bash', '-c', `set -euo pipefail; ${script}`]);
  return stdout;
}

/** Random files of one block each at two replicas; returns their checksums. */
async function writeFiles(): Promise<string> {
  const make = `for i in $(seq ${files}); do head -c ${bytesPerFile} /dev/urandom >/tmp/data/f$i; done`;
  const send = 'hdfs dfs -D dfs.replication=2 -put /tmp/data /data; cd /tmp/data; sha256sum f* | sort; rm -r /tmp/data';
  return await shell('datanode-1', `mkdir /tmp/data; ${make}; ${send}`);
}

async function readFiles(): Promise<string> {
  return await shell('datanode-1', 'hdfs dfs -get /data /tmp/back; cd /tmp/back; sha256sum f* | sort; rm -r /tmp/back');
}

async function edit(...changes: readonly [string, string][]): Promise<void> {
  const path = join(cluster.folder, 'sparkplug.yaml');
  const text = await readFile(path, 'utf8');
  await writeFile(
    path,
    changes.reduce((result, [from, to]) => result.replace(from, to), text),
  );
}

/** A file that is open all the time, and grows until /tmp/stop is there; keeps a copy of what was written. */
async function startWriter(): Promise<void> {
  const id = await containerOf(cluster.projectId, 'namenode');
  const lines = 'i=0; until [ -e /tmp/stop ]; do i=$((i+1)); printf "%0200d\\n" $(seq $i $((i+300))); sleep 0.1; done';
  const script = `(${lines}) | tee /tmp/written | hdfs dfs -D dfs.replication=2 -D dfs.client.block.write.replace-datanode-on-failure.policy=NEVER -put - /open; echo $? >/tmp/writer`;
  await docker('exec', '-d', id, 'bash', '-c', script);
}

/** Ends the writer and returns the checksums of what was written and of what is read back. */
async function stopWriter(): Promise<readonly string[]> {
  const sums = await shell(
    'namenode',
    'touch /tmp/stop; until [ -s /tmp/writer ]; do sleep 0.2; done; cat /tmp/writer; sha256sum </tmp/written; hdfs dfs -cat /open | sha256sum',
  );
  return sums.split('\n');
}

interface Step {
  readonly text: string;
  readonly cause: string;
  readonly state: string;
}

let operation: string | null = null;

/** The operation that was seen first; null while there is none or the scheduler does not answer. */
async function currentOperation(): Promise<{ readonly state: string; readonly steps: readonly Step[] } | null> {
  try {
    if (operation === null) {
      const status = await ask(cluster, '/api/v1/cluster');
      // A cluster that is busy may answer with a problem, which knows no operation.
      if (status.ok) ({ operation } = (await status.json()) as { operation: string | null });
    }
    if (operation === null) return null;
    const answer = await ask(cluster, `/api/v1/operations/${operation}`);
    return answer.ok ? ((await answer.json()) as { state: string; steps: readonly Step[] }) : null;
  } catch {
    return null;
  }
}

/** Kills the scheduler the first time that the operation shows each of the steps; returns which, and how it ended. */
async function killAtEach(steps: readonly RegExp[]): Promise<{ met: readonly string[]; state: string }> {
  const left = [...steps];
  const met: string[] = [];
  let state = 'running';
  let last: readonly Step[] = [];
  const killAtStep = async (): Promise<boolean> => {
    const found = await currentOperation();
    if (found === null) return false;
    last = found.steps;
    const running = found.steps.findLast(({ state }) => state === 'running')?.text ?? '';
    const index = left.findIndex((step) => step.test(running));
    if (index !== -1) {
      left.splice(index, 1);
      met.push(running);
      const scheduler = await containerOf(cluster.projectId, 'scheduler');
      await execa('docker', ['kill', '--signal', 'KILL', scheduler], { reject: false });
    }
    state = found.state;
    return state !== 'running';
  };
  await pWaitFor(killAtStep, { interval: 100, timeout: 400_000 }).catch((error: unknown) => {
    const steps = last.map(({ text, state }) => `${state} ${text}`).join('\n');
    throw new Error(`${operation}, killed at ${met.join(', ')}, did not end:\n${steps}`, { cause: error });
  });
  return { met, state };
}

async function fsck(): Promise<string> {
  return await shell('namenode', 'hdfs fsck /');
}

describe('DataNodes', () => {
  it('are known by their machine', async () => {
    const nodeId = (await docker('info', '--format', '{{.Swarm.NodeID}}')).trim();
    const report = await shell('namenode', 'hdfs dfsadmin -report');
    assert.equal([...report.matchAll(/^Rack: \/(\S+)$/gm)].filter(([, rack]) => rack === nodeId).length, 3, report);
  });

  it('of one machine share no block once another machine is there', async () => {
    const racks = await startRacks(
      await docker('inspect', '-f', '{{.Image}}', await containerOf(cluster.projectId, 'namenode')),
    );
    try {
      await racks.start(1, 'machine-a');
      await racks.start(2, 'machine-a');
      await racks.hdfs(
        'for i in $(seq 20); do head -c 100000 /dev/urandom >/tmp/r$i; done; hdfs dfs -D dfs.replication=2 -put /tmp/r* /',
      );
      await racks.start(3, 'machine-b');
      const isSpread = async () => {
        const text = await racks.hdfs('hdfs fsck / -files -blocks -locations -racks 2>/dev/null');
        const blocks = text.split('\n').filter((line) => /^\d+\. /.test(line));
        return (
          blocks.length === 20 && blocks.every((line) => line.includes('/machine-a/') && line.includes('/machine-b/'))
        );
      };
      await pWaitFor(isSpread, { interval: 1_000, timeout: 90_000 });
    } finally {
      await racks.remove();
    }
  });
});

/** A NameNode and DataNodes outside of any Swarm, each on a machine that is only made up. */
async function startRacks(image: string) {
  const name = 'sparkplug-e2e-racks';
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-racks-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'core-site.xml'), buildCoreSite());
  await writeFile(join(folder, 'hdfs-site.xml'), buildHdfsSite({ replication: 2, writes: true }));
  await docker('network', 'create', name);
  const containers: string[] = [];
  const run = async (service: string, machine: string): Promise<void> => {
    containers.push(`${name}-${service}`);
    await docker(
      ...['run', '-d', '--name', `${name}-${service}`, '--hostname', service, '--network', name],
      ...['--network-alias', service, '-e', `SPARKPLUG_MACHINE=${machine}`, '-v', `${folder}:/etc/hadoop:ro`],
      ...[image, service.replace(/-\d+$/, '')],
    );
  };
  const hdfs = async (script: string): Promise<string> =>
    await docker('exec', `${name}-namenode`, 'bash', '-c', `set -e; ${script}`);
  await run('namenode', '');
  return {
    hdfs,
    start: async (ordinal: number, machine: string) => {
      await run(`datanode-${ordinal}`, machine);
      const isLive = async () => {
        const { stdout } = await execa('docker', ['exec', `${name}-namenode`, 'hdfs', 'dfsadmin', '-report'], {
          reject: false,
        });
        return stdout.includes(`Live datanodes (${ordinal})`);
      };
      await pWaitFor(isLive, { interval: 500, timeout: 120_000 });
    },
    remove: async () => {
      await docker('rm', '-f', '-v', ...containers);
      await docker('network', 'rm', name);
    },
  };
}

describe('a cluster that shrinks under a running job', () => {
  it('is refused, with the arithmetic and before anything changed, what the replication of a file does not allow', async () => {
    await shell('namenode', 'hdfs dfs -setrep 3 /data/f1');
    await edit(['datanodes: 3', 'datanodes: 2']);
    const outcome = await startSparkplug(cluster.folder, ['up']);
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.all, /REPLICATION_IMPOSSIBLE: 3 replicas of \/data\/f1 need 3 DataNodes, 2 stay/);
    assert.ok((await runningServices(cluster.projectId)).includes('datanode-3'));
    await shell('namenode', 'hdfs dfs -setrep 2 /data/f1');
    // Else the next run would bring it along: it begins with what the file says.
    await edit(['datanodes: 2', 'datanodes: 3']);
  });

  it('gives its blocks away first, though the scheduler is killed at each step', async () => {
    await startWriter();
    const job = startSparkplug(cluster.folder, ['run', 'hold']);
    await pWaitFor(async () => (await runsRounds()) >= 2, { interval: 500, timeout: 240_000 });
    await edit(['datanodes: 3', 'datanodes: 2']);
    const up = startSparkplug(cluster.folder, ['up']);
    const { met, state } = await killAtEach([
      /^drain datanode-3$/,
      /^drain datanode-3: .* blocks left/,
      /^remove datanode-3/,
      /^discard datanode-3/,
    ]);
    // It may have given up on a scheduler that was killed again and again: the operation went on by itself.
    const outcome = await up;
    await mustRun(cluster.folder, ['up'], { timeoutMs: 400_000 });
    assert.equal(state, 'succeeded', outcome.all);
    assert.ok(met.length >= 3, `killed at ${met.join(', ')}\n${outcome.all}`);
    assert.ok(!(await runningServices(cluster.projectId)).includes('datanode-3'));
    const volumes = await docker('volume', 'ls', '-q', '--filter', `label=sparkplug.project=${cluster.projectId}`);
    assert.ok(!volumes.includes('datanode-3'), volumes);
    assert.equal((await shell('namenode', 'cat /data/state/dn-hosts.json')).trim(), '[]');
    const [exitCode, written, readBack] = await stopWriter();
    assert.deepEqual([exitCode, readBack], ['0', written]);
    assert.equal(await readFiles(), checksums);
    const report = await fsck();
    assert.match(report, /Status: HEALTHY/);
    assert.match(report, /Missing blocks:\s+0/);
    await shell('namenode', 'hdfs dfs -touchz /stop');
    const { exitCode: ofJob, all } = await job;
    assert.equal(ofJob, 0, all);
  });

  it('moves what a worker has cached and shuffled, so that nothing is computed again', async () => {
    await shell('namenode', 'hdfs dfs -rm -f -skipTrash /stop');
    const job = startSparkplug(cluster.folder, ['run', 'hold']);
    await pWaitFor(async () => (await runsRounds()) >= 2, { interval: 500, timeout: 240_000 });
    await edit(['workers: 2', 'workers: 1']);
    const up = startSparkplug(cluster.folder, ['up']);
    await pWaitFor(async () => !(await runningServices(cluster.projectId)).includes('spark-worker-2'), {
      interval: 500,
      timeout: 240_000,
    });
    await shell('namenode', 'hdfs dfs -touchz /stop');
    const { exitCode, all } = await job;
    assert.equal(exitCode, 0, all);
    assert.match(all, /source computed 8 times for 8 partitions/);
    assert.equal((await up).exitCode, 0, (await up).all);
  });
});

/** Rounds that the newest run of the job has printed. */
async function runsRounds(): Promise<number> {
  const [run] = await runsOf(cluster, 'hold');
  if (run === undefined || run.state !== 'running') return 0;
  const log = await ask(cluster, `/api/v1/runs/${run.id}/logs`);
  return [...(await log.text()).matchAll(/\bround \d+$/gm)].length;
}
