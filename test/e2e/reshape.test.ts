// Changes of a living cluster: only what changed is rebuilt or restarted, workers one after another, nothing lost.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { containerOf } from './support/docker.ts';
import { removeSharedCluster, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
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
  // It has a DataNode more than the shared project file says.
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
});
