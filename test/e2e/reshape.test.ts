// Changes of a living cluster: only what changed is rebuilt or restarted, workers one after another, nothing lost.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { containerOf, docker, runningServices } from './support/docker.ts';
import { ask, removeSharedCluster, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson } from './support/sparkplug.ts';

const services = [
  'namenode',
  'datanode-1',
  'spark-master',
  'spark-worker-1',
  'spark-worker-2',
  'spark-driver',
] as const;
let cluster: SharedCluster;
before(async () => {
  cluster = await sharedCluster();
});
after(async () => {
  // It has a DataNode more than the shared project file says, and those only leave with their data.
  await removeSharedCluster();
});

async function containers(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    services.map(async (name) => [name, await containerOf(cluster.projectId, name)] as const),
  );
  return Object.fromEntries(entries);
}

function replaced(before: Record<string, string>, after: Record<string, string>): string[] {
  return services.filter((name) => before[name] !== after[name]);
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const path = join(cluster.folder, file);
  await writeFile(path, change(await readFile(path, 'utf8')));
}

describe('a changed project', () => {
  it('of another worker shape has its workers replaced, and nothing else', async () => {
    const before = await containers();
    await edit('sparkplug.yaml', (text) => text.replace('memory: 1536MiB', 'memory: 1792MiB'));
    await mustRun(cluster.folder, ['up']);
    const changed = replaced(before, await containers());
    assert.deepEqual(
      changed.filter((name) => name.startsWith('spark-worker')),
      ['spark-worker-1', 'spark-worker-2'],
    );
    for (const kept of ['namenode', 'datanode-1', 'spark-master']) assert.ok(!changed.includes(kept), kept);
    await mustRun(cluster.folder, ['run', 'count']);
  });

  it('of other requirements has worker and driver images rebuilt before its next run', async () => {
    const before = await containers();
    await edit('requirements.txt', () => 'tabulate==0.8.10\n');
    const outcome = await mustRun(cluster.folder, ['run', 'settings'], { timeoutMs: 400_000 });
    assert.match(outcome.all, / 0\.8\.10"/);
    const changed = replaced(before, await containers());
    for (const kept of ['namenode', 'datanode-1', 'spark-master']) assert.ok(!changed.includes(kept), kept);
  });

  it('of another number of DataNodes gains one, and keeps what was written before', async () => {
    await mustRun(cluster.folder, ['hdfs', 'put', 'sparkplug.yaml', '/before', '--overwrite']);
    const before = await containers();
    await edit('sparkplug.yaml', (text) => text.replace('datanodes: 2', 'datanodes: 3'));
    await mustRun(cluster.folder, ['up']);
    const status = (await mustRunJson(cluster.folder, ['status'])) as { hdfs: { datanodes: number } };
    assert.equal(status.hdfs.datanodes, 3);
    const changed = replaced(before, await containers());
    for (const kept of ['namenode', 'datanode-1', 'datanode-2', 'spark-master', 'spark-worker-1'])
      assert.ok(!changed.includes(kept), kept);
    await mustRun(cluster.folder, ['hdfs', 'get', '/before', join(cluster.folder, 'back'), '--overwrite']);
  });

  it('of two parallel runs has a driver for each, and each run its half of the cores', async () => {
    await edit('sparkplug.yaml', (text) => `${text}runs: { parallel: 2 }\n`);
    await mustRun(cluster.folder, ['up']);
    assert.equal(await countDrivers(), 2);
    const start = async () =>
      ((await mustRunJson(cluster.folder, ['run', 'stages', '--detach', '--', '20'])) as { id: string }).id;
    const runs = [await start(), await start()];
    // Side by side: one of the two cores for each.
    let shares: readonly number[] = [];
    const isShared = async () => {
      shares = await coresOfApplications();
      return shares.length === 2 && shares.every((cores) => cores > 0);
    };
    await pWaitFor(isShared, { interval: 500, timeout: { milliseconds: 60_000, fallback: () => {} } });
    assert.deepEqual(shares, [1, 1]);
    assert.deepEqual(await Promise.all(runs.map(stateOf)), ['running', 'running']);
    assert.equal(await countDrivers(), 2);
    const haveEnded = async () => (await Promise.all(runs.map(stateOf))).every((state) => state !== 'running');
    await pWaitFor(haveEnded, { interval: 500, timeout: 90_000 });
    assert.deepEqual(await Promise.all(runs.map(stateOf)), ['succeeded', 'succeeded']);
  });
});

/** As `docker ps` shows them. */
async function countDrivers(): Promise<number> {
  return (await runningServices(cluster.projectId)).filter((name) => name === 'spark-driver').length;
}

/** Cores that the master has granted to each application that is running. */
async function coresOfApplications(): Promise<readonly number[]> {
  const master = await containerOf(cluster.projectId, 'spark-master');
  const get = "import urllib.request; print(urllib.request.urlopen('http://spark-master:8080/json/').read().decode())";
  const { activeapps } = JSON.parse(await docker('exec', master, 'python3', '-c', get)) as {
    activeapps: { cores: number }[];
  };
  return activeapps.map(({ cores }) => cores);
}

async function stateOf(run: string): Promise<string> {
  return ((await (await ask(cluster, `/api/v1/runs/${run}`)).json()) as { state: string }).state;
}
