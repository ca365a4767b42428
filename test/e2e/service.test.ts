// The conductor as a program meets it: schedules, tokens, log-in, formats, events, metrics, TLS, on the real cluster.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { containerOf, docker } from './support/docker.ts';
import { ask, ensurePublished, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

interface ScheduledRun {
  readonly id: string;
  readonly trigger: string;
  readonly tick: string | null;
}

let cluster: SharedCluster;
before(async () => {
  cluster = await sharedCluster();
});

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await ask(cluster, path, init);
  const text = await answer.text();
  assert.ok(answer.ok, `${path} → ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}

const scheduledRuns = async () =>
  (await json<{ runs: ScheduledRun[] }>('/api/v1/runs?job=count&limit=50')).runs.filter(
    ({ trigger }) => trigger === 'schedule',
  );

describe('a schedule', () => {
  after(async () => {
    await sparkplug(cluster.folder, ['schedule', 'reset', 'count']);
  });

  it('fires each minute once, also when the scheduler is killed in between', async () => {
    await mustRun(cluster.folder, ['schedule', 'set', 'count', '--cron', '* * * * *', '--overlap', 'queue']);
    const hasRun = async (ticks: number) => (await scheduledRuns()).length >= ticks;
    await pWaitFor(() => hasRun(1), { interval: 500, timeout: 90_000 });
    await docker('kill', '--signal', 'KILL', await containerOf(cluster.projectId, 'scheduler'));
    const isBack = async () => (await ask(cluster, '/api/v1/schedules')).ok && (await hasRun(2));
    await pWaitFor(isBack, { interval: 500, timeout: 120_000 });
    await mustRun(cluster.folder, ['schedule', 'pause', 'count']);
    const ticks = (await scheduledRuns()).map(({ tick }) => tick);
    assert.equal(new Set(ticks).size, ticks.length, `a tick fired twice: ${ticks.join(' ')}`);
  });

  it('that is not one is refused with the place and the fix', async () => {
    const outcome = await sparkplug(cluster.folder, ['schedule', 'set', 'count', '--cron', '61 * * * *']);
    assert.equal(outcome.exitCode, 2, outcome.all);
    assert.match(outcome.stderr, /cron/);
  });
});

describe('a token', () => {
  it('of scope read looks and changes nothing, and is worth nothing once revoked', async () => {
    const added = (await mustRunJson(cluster.folder, ['token', 'add', 'viewer', '--scope', 'read'])) as {
      file: string;
      token?: string;
    };
    assert.equal(added.token, undefined);
    const token = (await readFile(added.file, 'utf8')).trim();
    const asViewer = (path: string, init: RequestInit = {}) =>
      fetch(`${cluster.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
    assert.equal((await asViewer('/api/v1/runs')).status, 200);
    assert.equal((await asViewer('/api/v1/jobs/count/runs', { method: 'POST' })).status, 403);
    assert.equal((await asViewer('/api/v1/hdfs/before', { method: 'DELETE' })).status, 403);
    assert.equal((await asViewer('/api/v1/tokens')).status, 403);
    await mustRun(cluster.folder, ['token', 'revoke', 'viewer']);
    assert.equal((await asViewer('/api/v1/runs')).status, 401);
  });

  it('of the command line is replaced without a moment of being locked out', async () => {
    const old = cluster.token;
    await mustRun(cluster.folder, ['token', 'rotate']);
    const token = (await mustRun(cluster.folder, ['token', 'show'])).stdout.trim();
    assert.notEqual(token, old);
    assert.equal((await ask(cluster, '/api/v1/runs')).status, 401);
    cluster = { ...cluster, token };
    assert.equal((await ask(cluster, '/api/v1/runs')).status, 200);
    // `up` brings the same token again, and it stays valid.
    await mustRun(cluster.folder, ['up']);
    assert.equal((await ask(cluster, '/api/v1/runs')).status, 200);
  });
});

describe('the link of `open`', () => {
  it('logs a browser in once, with a cookie that scripts and other sites cannot use', async () => {
    const { link } = (await mustRunJson(cluster.folder, ['open', 'runs', '--print'])) as { link: string };
    assert.ok(!link.includes(cluster.token));
    const code = new URLSearchParams(new URL(link).hash.slice(1)).get('code');
    const logIn = () =>
      fetch(`${cluster.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: cluster.url },
        body: JSON.stringify({ code }),
      });
    const first = await logIn();
    assert.ok(first.ok, await first.clone().text());
    const setCookie = first.headers.get('set-cookie') ?? '';
    assert.match(setCookie, /HttpOnly/);
    assert.match(setCookie, /SameSite=Strict/);
    assert.equal((await logIn()).status, 401);
    const cookie = setCookie.split(';')[0] ?? '';
    assert.equal((await fetch(`${cluster.url}/api/v1/session`, { headers: { cookie } })).status, 200);
    const forged = await fetch(`${cluster.url}/api/v1/jobs/count/runs`, {
      method: 'POST',
      headers: { cookie, origin: 'https://evil.example' },
    });
    assert.equal(forged.status, 403);
  });
});

describe('a program', () => {
  it('reads results as CSV and Arrow, sorted and filtered', async () => {
    await ensurePublished(cluster);
    const csv = await (await ask(cluster, '/api/v1/results/people?format=csv&sort=-id&limit=3')).text();
    const [header = '', ...rows] = csv.trim().split('\r\n');
    assert.ok(header.split(',').includes('id'), header);
    assert.equal(rows.length, 3);
    const arrow = await ask(cluster, '/api/v1/results/people?format=arrow');
    assert.equal(arrow.headers.get('content-type'), 'application/vnd.apache.arrow.stream');
    assert.ok((await arrow.arrayBuffer()).byteLength > 100);
    assert.equal((await ask(cluster, "/api/v1/results/people?where=id:eq:1'%20OR%201=1")).status, 400);
  });

  it('finds every route in the specification', async () => {
    const document = await json<{ openapi: string; paths: Record<string, unknown> }>('/api/openapi.json');
    assert.match(document.openapi, /^3\.1/);
    for (const path of ['/api/v1/runs', '/api/v1/schedules', '/api/v1/machines', '/metrics'])
      assert.ok(path in document.paths, path);
  });

  it('scrapes metrics that tell the truth', async () => {
    let text = '';
    // The driver of the run before is being replaced for a moment, and the metrics say so.
    const isReady = async () => {
      text = await (await ask(cluster, '/metrics')).text();
      return /^sparkplug_cluster_ready 1$/m.test(text);
    };
    await pWaitFor(isReady, { interval: 250, timeout: 30_000 });
    assert.match(text, /^sparkplug_spark_workers 2$/m);
    assert.match(text, /^sparkplug_hdfs_missing_blocks 0$/m);
    assert.match(text, /^sparkplug_container_memory_bytes\{.*service="namenode".*\} [1-9]\d*/m);
  });

  it('sees the machine with what its containers use', async () => {
    interface Machines {
      readonly machines: readonly {
        readonly cores: number;
        readonly containers: readonly { readonly service: string; readonly memoryUsedMiB: number | null }[];
      }[];
    }
    const { machines } = await json<Machines>('/api/v1/machines');
    const [machine] = machines;
    assert.equal(machines.length, 1);
    const used = machine?.containers.find(({ service }) => service === 'namenode')?.memoryUsedMiB ?? 0;
    assert.ok(used > 50, `the NameNode uses ${used} MiB`);
  });
});

describe('`listen: all`', () => {
  after(async () => {
    await mustRun(cluster.folder, ['up']);
  });

  it('turns on TLS with a certificate that the command line pins', async () => {
    const up = (await mustRunJson(cluster.folder, ['up', '--set', 'web.listen=all'])) as { url: string };
    assert.match(up.url, /^https:/);
    await mustRun(cluster.folder, ['runs']);
    const { port } = new URL(up.url);
    const status = await new Promise<number>((resolve, reject) => {
      // Whoever does not know the certificate sees only that it is no authority's.
      request({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 200);
    await assert.rejects(fetch(`https://127.0.0.1:${port}/healthz`));
  });
});
