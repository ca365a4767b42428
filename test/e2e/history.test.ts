// What stays of a run, and Spark's own pages behind the log-in: a small cluster of its own, since it keeps one run only.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { ask, type SharedCluster, userFolder } from './support/shared-cluster.ts';
import { makeProject, mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

const projectFile = `
name: e2e-history
jobs:
  stages: { main: src/stages.py, env: { CONFIDENTIAL: marker-of-the-environment } }
spark: { workers: 1, worker: { executors: 1, cores: 1, memory: 1280MiB }, history: true }
runs: { keep: 1 }
`;

const job = `
import sys, time, urllib.error, urllib.request
from pyspark.sql import SparkSession

def say(rows):
    print("EXECUTOR SPEAKS", flush=True)
    return rows

spark = SparkSession.builder.getOrCreate()
print("COUNTED", spark.range(100).rdd.mapPartitions(say).count())
spark.range(1000).selectExpr("id % 7 AS k").groupBy("k").count().collect()

def is_there(path):
    try:
        return urllib.request.urlopen(f"http://namenode:9870/webhdfs/v1{path}?op=GETFILESTATUS").status == 200
    except urllib.error.HTTPError:
        return False

# Running until somebody has seen enough of it.
while sys.argv[1] == "hold" and not is_there("/seen-enough"):
    time.sleep(0.25)
`;

interface Run {
  readonly id: string;
  readonly state: string;
  readonly applications: readonly string[];
}

let cluster: SharedCluster;
before(async () => {
  const folder = await makeProject({ 'sparkplug.yaml': projectFile, 'src/stages.py': job });
  const up = (await mustRunJson(folder, ['up'], { timeoutMs: 900_000 })) as { projectId: string; url: string };
  const token = (await readFile(join(userFolder(up.projectId), 'token'), 'utf8')).trim();
  cluster = { folder, projectId: up.projectId, url: up.url, token };
});
after(async () => {
  if (cluster === undefined) return;
  await mustRun(cluster.folder, ['down', '--volumes', '--yes'], { timeoutMs: 300_000 });
  await rm(cluster.folder, { recursive: true, force: true });
});

describe('the history of a run', () => {
  let first: Run;
  let second: Run;
  let justEnded: Response;
  let justBegun: Response;
  before(async () => {
    await mustRun(cluster.folder, ['run', 'stages', '--', 'end']);
    first = await newestRun();
    const [application] = first.applications;
    justEnded = await ask(cluster, `/spark/driver/${application}/`);
    await mustRun(cluster.folder, ['run', 'stages', '--detach', '--', 'hold']);
    await pWaitFor(async () => (await newestRun()).applications.length > 0, { interval: 20, timeout: 90_000 });
    second = await newestRun();
    justBegun = await ask(cluster, `/spark/driver/${second.applications[0]}/`);
  });

  it('shows the pages of an application from the moment that it is known, and when it has just ended', async () => {
    for (const answer of [justBegun, justEnded]) {
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      assert.match(text, /Spark Jobs/);
    }
    assert.match(justBegun.url, /\/spark\/driver\//);
    assert.match(justEnded.url, /\/spark\/history\//);
  });

  it('shows every page of master, driver and history server, and every link on them works', async () => {
    const [ended = ''] = first.applications;
    const [running = ''] = second.applications;
    const starts = [
      '/spark/master/',
      `/spark/driver/${running}/`,
      '/spark/history/',
      `/spark/history/history/${ended}/`,
    ];
    const { visited, broken } = await crawl(starts);
    assert.deepEqual(broken, []);
    for (const page of [
      `/spark/driver/${running}/executors/`,
      `/spark/history/${ended}/stages/`,
      '/spark/static/webui.js',
      '/spark/master/environment/',
    ]) {
      assert.ok(visited.has(page), `${page} is linked`);
    }
    assert.ok(
      [...visited].some((page) => page.includes('/logPage/?appId=')),
      'logs of executors are linked',
    );
  });

  it('answers what scripts of these pages ask for', async () => {
    const [ended = ''] = first.applications;
    const [running = ''] = second.applications;
    for (const path of [
      '/spark/api/v1/applications',
      `/spark/api/v1/applications/${ended}/allexecutors`,
      '/spark/static/executorspage-template.html',
      `/spark/driver/${running}/api/v1/applications/${running}/allexecutors`,
      `/spark/driver/${running}/static/executorspage-template.html`,
    ]) {
      assert.equal((await ask(cluster, path)).status, 200, path);
    }
  });

  it('shows them to nobody without a log-in, and not what is confidential to anybody', async () => {
    const [running = ''] = second.applications;
    for (const path of ['/spark/master/', `/spark/driver/${running}/jobs/`, '/spark/history/']) {
      assert.equal((await fetch(cluster.url + path)).status, 401, path);
    }
    const environment = await ask(cluster, `/spark/driver/${running}/api/v1/applications/${running}/environment`);
    const text = await environment.text();
    assert.match(text, /spark\.executorEnv\.CONFIDENTIAL/);
    assert.doesNotMatch(text, /marker-of-the-environment/);
    assert.equal((await ask(cluster, `/spark/driver/${running}/jobs/job/kill/?id=0`)).status, 404);
  });

  it('keeps the logs of executors', async () => {
    const sources = (await (await ask(cluster, `/api/v1/runs/${first.id}/log-sources`)).json()) as {
      sources: { name: string; bytes: number }[];
    };
    assert.deepEqual(
      sources.sources.map(({ name }) => name),
      ['driver', 'executor-0'],
    );
    const log = await mustRun(cluster.folder, ['runs', 'logs', first.id, '--source', 'executor-0']);
    assert.match(log.stdout, /^EXECUTOR SPEAKS$/m);
    const none = await sparkplug(cluster.folder, ['runs', 'logs', first.id, '--source', 'executor-9']);
    assert.match(none.stderr, /LOG_MISSING/);
  });

  it('removes logs and event logs with the run, and leaves those of the run that is kept', async () => {
    const [ended = ''] = first.applications;
    const [kept = ''] = second.applications;
    await mustRun(cluster.folder, ['hdfs', 'put', 'sparkplug.yaml', '/seen-enough']);
    await pWaitFor(async () => (await newestRun()).state === 'succeeded', { interval: 500, timeout: 180_000 });
    const left = async () => (await mustRun(cluster.folder, ['hdfs', 'ls', '/spark-logs'])).stdout;
    await pWaitFor(async () => !(await left()).includes(ended), { interval: 500, timeout: 30_000 });
    assert.ok((await left()).includes(kept));
    assert.equal((await ask(cluster, `/api/v1/runs/${first.id}/logs`)).status, 404);
    const driver = await ask(cluster, `/spark/driver/${kept}/`);
    assert.match(driver.url, /\/spark\/history\/app-/);
    await driver.body?.cancel();
  });
});

async function newestRun(): Promise<Run> {
  const answer = await ask(cluster, '/api/v1/runs?limit=1');
  const { runs } = (await answer.json()) as { runs: Run[] };
  assert.ok(runs[0] !== undefined);
  return runs[0];
}

/** Follows every link and asset; the same table in another order is the same page. */
async function crawl(starts: readonly string[]): Promise<{ visited: Set<string>; broken: string[] }> {
  const visited = new Set<string>();
  const broken: string[] = [];
  const queue = starts.map((path) => ({ path, from: 'the start' }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { path, from } = next;
    if (visited.has(path)) continue;
    visited.add(path);
    assert.ok(visited.size < 2000, 'the pages have an end');
    const answer = await ask(cluster, path);
    const text = await answer.text();
    if (answer.status !== 200) broken.push(`${answer.status} ${path}, linked on ${from}`);
    if (!(answer.headers.get('content-type') ?? '').startsWith('text/html')) continue;
    for (const [, , link = ''] of text.matchAll(/(?<![-\w])(?:href|src|action)=(["'])(.*?)\1/g)) {
      if (link === '' || link.startsWith('#')) continue;
      const target = new URL(link.replaceAll('&amp;', '&'), answer.url);
      if (target.origin !== cluster.url) broken.push(`${target.href} leads elsewhere, linked on ${path}`);
      else if (!/\.(sort|pageSize)=/.test(target.search))
        queue.push({ path: target.pathname + target.search, from: path });
    }
  }
  return { visited, broken };
}
