// Results over REST and the command line: one switch for all of a run, versions kept, closed without a token.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { containerOf, docker } from './support/docker.ts';
import { ask, isReady, lastRunOf, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

interface Page {
  readonly run: string;
  readonly total: number;
  readonly rows: readonly Record<string, unknown>[];
}

let cluster: SharedCluster;
before(async () => {
  cluster = await sharedCluster();
  await mustRun(cluster.folder, ['run', 'publish', '--', 'ada']);
});

describe('results', () => {
  it('are served as pages, filtered by column', async () => {
    const page = (await (await ask(cluster, '/api/v1/results/people?limit=10&offset=20')).json()) as Page;
    assert.equal(page.total, 100);
    assert.deepEqual(page.rows[0], { id: 20, name: 'ada', score: 30 });
    const filtered = (await (await ask(cluster, '/api/v1/results/people?id=7')).json()) as Page;
    assert.deepEqual(filtered.rows, [{ id: 7, name: 'ada', score: 10.5 }]);
  });

  it('are looked up by key: one object, or always an array where keys repeat', async () => {
    const one = await ask(cluster, '/api/v1/results/people/42');
    assert.deepEqual(await one.json(), { id: 42, name: 'ada', score: 63 });
    assert.ok(one.headers.get('etag'));
    const many = await ask(cluster, '/api/v1/results/visits/42');
    assert.equal(((await many.json()) as unknown[]).length, 3);
    assert.equal((await ask(cluster, '/api/v1/results/people/1000')).status, 404);
  });

  it('want a token', async () => {
    for (const path of ['/api/v1/results', '/api/v1/results/people', '/api/v1/results/people/42']) {
      assert.equal((await fetch(`${cluster.url}${path}`)).status, 401);
      assert.equal((await fetch(`${cluster.url}${path}`, { headers: { authorization: 'Bearer wrong' } })).status, 401);
    }
  });

  it('are replaced by the next run as a whole; the earlier version stays readable', async () => {
    const first = (await lastRunOf(cluster, 'publish')).id;
    await mustRun(cluster.folder, ['run', 'publish', '--', 'grace']);
    const now = (await (await ask(cluster, '/api/v1/results/people/1')).json()) as { name: string };
    assert.equal(now.name, 'grace');
    const kept = (await (await ask(cluster, `/api/v1/results/people/1?run=${first}`)).json()) as { name: string };
    assert.equal(kept.name, 'ada');
    const people = (await (await ask(cluster, '/api/v1/results/people')).json()) as Page;
    const visits = (await (await ask(cluster, '/api/v1/results/visits')).json()) as Page;
    assert.equal(people.run, visits.run);
  });

  it('stay up when a later run fails or HDFS is away', async () => {
    await sparkplug(cluster.folder, ['run', 'half_result']);
    const namenode = await containerOf(cluster.projectId, 'namenode');
    await docker('pause', namenode);
    try {
      assert.equal((await ask(cluster, '/api/v1/results/people/1')).status, 200);
    } finally {
      await docker('unpause', namenode);
    }
    await pWaitFor(() => isReady(cluster), { interval: 500, timeout: 90_000 });
  });

  it('are shown by the command line', async () => {
    const list = (await mustRunJson(cluster.folder, ['results'])) as unknown[];
    assert.ok(JSON.stringify(list).includes('people'));
    const rows = await mustRun(cluster.folder, ['results', 'people', '--where', 'id=3']);
    assert.match(rows.stdout, /4\.5/);
  });
});
