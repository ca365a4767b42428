// The cluster as a whole: exactly the containers it promises, unchanged by a second `up`, healed after every kind of death.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { awaitServices, containerOf, docker, servicesOfTwoWorkers } from './support/docker.ts';
import { isReady, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

let cluster: SharedCluster;
/** Beside the project: what lies in its folder is a part of its image. */
let scratch: string;
before(async () => {
  cluster = await sharedCluster();
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-scratch-'));
});

describe('a cluster at rest', () => {
  it('is exactly the containers of the table', async () => {
    await awaitServices(cluster.projectId, servicesOfTwoWorkers);
  });

  it('is left alone by a second up', async () => {
    const containers = async () =>
      await docker('ps', '-q', '--no-trunc', '--filter', `label=sparkplug.project=${cluster.projectId}`);
    const before = await containers();
    const again = (await mustRunJson(cluster.folder, ['up'])) as { changed: boolean };
    assert.equal(again.changed, false);
    assert.deepEqual((await containers()).split('\n').sort(), before.split('\n').sort());
  });

  it('tells its state', async () => {
    const status = (await mustRunJson(cluster.folder, ['status'])) as {
      ready: boolean;
      spark: { workers: number; cores: number };
      hdfs: { datanodes: number; replication: number };
    };
    assert.equal(status.ready, true);
    assert.deepEqual([status.spark.workers, status.spark.cores], [2, 2]);
    assert.deepEqual([status.hdfs.datanodes, status.hdfs.replication], [2, 2]);
  });

  it('runs a JVM in the waiting driver only during a run', async () => {
    const top = await docker('top', await containerOf(cluster.projectId, 'spark-driver'), '-eo', 'pid,args');
    assert.doesNotMatch(top, /java/);
  });

  it('shows logs and runs commands in a component', async () => {
    assert.match((await mustRun(cluster.folder, ['logs', 'namenode', '--tail', '50'])).stdout, /NameNode|namenode/);
    const inside = await mustRun(cluster.folder, ['exec', 'datanode-1', '--', 'cat', '/etc/hostname']);
    assert.match(inside.stdout, /datanode-1/);
    assert.equal((await sparkplug(cluster.folder, ['exec', 'datanode-1', '--', 'sh', '-c', 'exit 9'])).exitCode, 9);
  });

  it('says what it would do without doing it', async () => {
    const plan = (await mustRunJson(cluster.folder, ['plan'])) as { totalWorkers: number; machines: unknown[] };
    assert.equal(plan.totalWorkers, 2);
    assert.equal(plan.machines.length, 1);
  });
});

describe('a component that is killed', () => {
  for (const victim of ['namenode', 'spark-master', 'spark-worker-1', 'datanode-1', 'scheduler', 'web']) {
    it(`${victim}: comes back by itself, a file written before is intact, the next run works`, async () => {
      const file = `/faults/${victim}`;
      const [original, copy] = [join(scratch, victim), join(scratch, `${victim}.copy`)];
      await writeFile(original, randomBytes(1024 * 1024));
      await mustRun(cluster.folder, ['hdfs', 'put', original, file, '--overwrite']);
      const container = await containerOf(cluster.projectId, victim);
      await docker('kill', '--signal', 'KILL', container);
      await pWaitFor(
        async () => {
          const replaced = !(await runningIds()).includes(container);
          return replaced && (await isReady(cluster));
        },
        { interval: 500, timeout: 120_000 },
      );
      await mustRun(cluster.folder, ['hdfs', 'get', file, copy]);
      assert.ok((await readFile(copy)).equals(await readFile(original)));
      await mustRun(cluster.folder, ['run', 'count']);
      await awaitServices(cluster.projectId, servicesOfTwoWorkers);
    });
  }
});

async function runningIds(): Promise<string[]> {
  return (await docker('ps', '-q', '--no-trunc')).split('\n');
}
