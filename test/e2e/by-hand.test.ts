// `plan --compose DIR` and `docker stack deploy` by hand give a working cluster too, which the product then takes for its own.
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { parse } from 'yaml';
import { awaitServices, containerOf, docker, servicesOfOneWorker } from './support/docker.ts';
import { startClientMachine } from './support/machine.ts';
import { makeProject, mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

const kept = ['namenode', 'datanode-1', 'spark-master', 'spark-worker-1', 'scheduler', 'web'] as const;
let folder: string;
before(async () => {
  folder = await makeProject({
    'sparkplug.yaml':
      'name: e2e-by-hand\njobs:\n  one: { main: job.py }\nspark:\n  workers: 1\n  worker: { executors: 1, cores: 1, memory: 1GiB }\n',
    'job.py':
      'from pyspark.sql import SparkSession\nprint("BY HAND", SparkSession.builder.getOrCreate().range(10).count())\n',
  });
  // A stack needs a Swarm: the one that `up` would make.
  await mustRun(folder, ['doctor', '--fix', '--yes']);
});
after(async () => {
  await mustRun(folder, ['down', '--volumes', '--yes']);
});

describe('a Compose folder', () => {
  it('deployed by hand is a working cluster', async () => {
    // Outside of the project: what lies in it is the app's code.
    const out = await mkdtemp(join(tmpdir(), 'sparkplug-compose-'));
    await mustRun(folder, ['plan', '--compose', out]);
    await docker('stack', 'deploy', '-c', join(out, 'compose.yaml'), 'handmade');
    await pWaitFor(
      async () => {
        const status = await sparkplug(folder, ['status', '-o', 'json']);
        return status.exitCode === 0 && (JSON.parse(status.stdout) as { ready: boolean }).ready;
      },
      { interval: 500, timeout: 120_000 },
    );
    assert.match((await mustRun(folder, ['run', 'one'])).all, /BY HAND 10/);
    // `up` takes it for its own: services are pinned to their machine, and no container is replaced for that.
    const { projectId } = (await mustRunJson(folder, ['status'])) as { projectId: string };
    const before = await Promise.all(kept.map((name) => containerOf(projectId, name)));
    const up = (await mustRunJson(folder, ['up'])) as { projectId: string };
    assert.equal(up.projectId, projectId);
    assert.deepEqual(await Promise.all(kept.map((name) => containerOf(projectId, name))), before);
    await awaitServices(projectId, servicesOfOneWorker);
    assert.match(await docker('stack', 'ls', '--format', '{{.Name}}'), /handmade/);
  });

  it('of a cluster that uses every key is read by Docker’s client, with nothing lost and without a warning', async () => {
    // `docker stack config` came with Docker 23; the client of this computer may be older.
    const client = await startClientMachine('sparkplug-test-reader');
    try {
      const compose = '/sparkplug/test/golden/full/compose.yaml';
      const { exitCode, stdout, all } = await client.exec(['docker', 'stack', 'config', '--compose-file', compose]);
      assert.deepEqual([exitCode, all], [0, stdout]);
      const read = parse(stdout);
      assert.equal(read.services['spark-driver'].deploy.replicas, 2);
      assert.equal(read.services['spark-driver'].secrets[0].mode, 0o400);
      assert.equal(read.services['spark-worker-2'].deploy.placement.constraints[0], 'node.id == node2');
      assert.equal(read.services['datanode-1'].deploy.resources.limits.memory, String(256 * 1024 * 1024));
      assert.match(read.services.web.healthcheck.test[3], /\$\$?line/);
    } finally {
      await client.remove();
    }
  });
});
