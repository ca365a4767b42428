// The conductor when something around it goes wrong or away: receivers, web itself, HDFS, a result's columns, a token.
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { createPrivateAuthority } from '../fixtures/private-authority.ts';
import { containerOf, docker } from './support/docker.ts';
import { ask, lastRunOf, type RunRecord, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson } from './support/sparkplug.ts';

let cluster: SharedCluster;
let scratch: string;
before(async () => {
  cluster = await sharedCluster();
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-service-faults-'));
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
});

async function startRun(job: string, args: readonly string[] = []): Promise<RunRecord> {
  const answer = await ask(cluster, `/api/v1/jobs/${job}/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ args }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()) as RunRecord;
}

async function awaitEnd({ id }: RunRecord): Promise<RunRecord> {
  let run: RunRecord | null = null;
  const hasEnded = async () => {
    run = (await (await ask(cluster, `/api/v1/runs/${id}`)).json()) as RunRecord;
    return ['succeeded', 'failed', 'cancelled'].includes(run.state);
  };
  await pWaitFor(hasEnded, { interval: 250, timeout: 120_000 });
  return run as unknown as RunRecord;
}

describe('a webhook', () => {
  const key = 'k3y-of-the-receiver';
  /** Stands in the address of a proxy, and may stand nowhere that Docker shows. */
  const proxyMarker = 'sp-e2e-marker-proxy-51c7aa';
  const path = '/services/T0-be-kept';
  interface Delivery {
    readonly id: string;
    readonly signature: string;
    readonly body: string;
    readonly answered: number;
  }
  const deliveries: Delivery[] = [];
  let close: () => void = () => undefined;
  let url: string;

  before(async () => {
    // The scheduler reaches this machine by the gateway of the bridge that it leaves by.
    const format = '{{(index .IPAM.Config 0).Gateway}}';
    const gateway = (await docker('network', 'inspect', 'docker_gwbridge', '--format', format)).trim();
    const authority = await createPrivateAuthority();
    const bundle = join(scratch, 'authority.pem');
    await writeFile(bundle, authority.certificate);
    const server = createServer(await authority.vouchFor([gateway]), async (incoming, response) => {
      const { 'x-sparkplug-delivery': id, 'x-sparkplug-signature': signature } = incoming.headers;
      const body = await text(incoming);
      // The first try of all is refused.
      const answered = deliveries.length === 0 ? 503 : 204;
      deliveries.push({ id: String(id), signature: String(signature), body, answered });
      response.writeHead(answered).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    close = () => {
      server.closeAllConnections();
      server.close();
    };
    url = `https://${gateway}:${(server.address() as AddressInfo).port}${path}`;
    await mustRun(cluster.folder, ['secret', 'set', 'hook_key'], { input: key });
    const target = `{ url: "${url}", secret: hook_key }`;
    await mustRun(
      cluster.folder,
      ['up', '--set', `jobs.throws.on_failure=${target}`, '--set', `jobs.publish.on_success=${target}`],
      { env: { CURL_CA_BUNDLE: bundle, http_proxy: `http://someone:${proxyMarker}@proxy.invalid:3128` } },
    );
  });
  after(async () => {
    close();
    await mustRun(cluster.folder, ['up']);
    await mustRun(cluster.folder, ['secret', 'rm', 'hook_key']);
  });

  const told = (run: RunRecord) => deliveries.filter(({ body }) => body.includes(`"${run.id}"`));

  it('tells a failure and a success, signed, by TLS of a private authority, and once more where it was refused', async () => {
    const failing = await startRun('throws');
    const succeeding = await startRun('publish');
    const areTold = () => [failing, succeeding].every((run) => told(run).some(({ answered }) => answered === 204));
    await pWaitFor(areTold, { interval: 250, timeout: 150_000 });
    const [refused, repeated] = told(failing);
    assert.deepEqual([refused?.answered, repeated?.answered], [503, 204]);
    assert.equal(refused?.id, repeated?.id);
    assert.equal(refused?.body, repeated?.body);
    for (const { signature, body } of deliveries) {
      const [, time, digest] = /^t=(\d+),v1=(.+)$/.exec(signature) ?? [];
      assert.equal(digest, createHmac('sha256', key).update(`${time}.${body}`).digest('hex'));
    }
    const read = (run: RunRecord) => JSON.parse(told(run).at(-1)?.body ?? '{}') as Record<string, unknown>;
    assert.deepEqual([read(failing).event, read(failing).job, read(failing).project], ['run.failed', 'throws', 'e2e']);
    assert.equal((read(failing).failure as { code: string }).code, 'RUN_FAILED');
    assert.deepEqual(
      [read(succeeding).event, read(succeeding).results],
      ['run.succeeded', { people: 100, visits: 300 }],
    );
  });

  it('keeps its address from all but admins, and a proxy’s password from all that Docker shows', async () => {
    const { file } = (await mustRunJson(cluster.folder, ['token', 'add', 'looker', '--scope', 'read'])) as {
      file: string;
    };
    const token = await readFile(file, 'utf8');
    const desired = async (headers: Record<string, string> = {}) =>
      await (await ask(cluster, '/api/v1/cluster/desired', { headers })).text();
    const seen = await desired({ authorization: `Bearer ${token.trim()}` });
    assert.ok(seen.includes(`${new URL(url).origin}/…`) && !seen.includes(path));
    assert.ok((await desired()).includes(url));
    await mustRun(cluster.folder, ['token', 'revoke', 'looker']);
    const scheduler = await containerOf(cluster.projectId, 'scheduler');
    const shown = [
      await docker('inspect', scheduler),
      await docker('service', 'inspect', `${cluster.projectId}_scheduler`),
    ];
    for (const text of shown) assert.ok(!text.includes(proxyMarker));
    assert.match(await docker('exec', scheduler, 'cat', '/run/secrets/webhook_settings'), new RegExp(proxyMarker));
  });
});

describe('the log of a component', () => {
  it('is text, and goes on where the container is replaced', async () => {
    const path = '/api/v1/components/checkpointer/logs';
    assert.match(await (await ask(cluster, `${path}?tail=50`)).text(), /SecondaryNameNode/);
    assert.equal((await ask(cluster, '/api/v1/components/nowhere/logs')).status, 404);
    const leave = new AbortController();
    const followed = await ask(cluster, `${path}?follow=true&tail=1`, { signal: leave.signal });
    const reader = (followed.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    const readUntil = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(seen)) {
        const { value, done } = await reader.read();
        assert.ok(!done, seen);
        seen += value;
      }
    };
    await readUntil(/^event: log$/m);
    seen = '';
    await docker('kill', '--signal', 'KILL', await containerOf(cluster.projectId, 'checkpointer'));
    await readUntil(/SecondaryNameNode: Web server init done/);
    leave.abort();
  });
});

describe('a token that is revoked', () => {
  it('ends what is being followed with it', async () => {
    const { file } = (await mustRunJson(cluster.folder, ['token', 'add', 'follower', '--scope', 'read'])) as {
      file: string;
    };
    const token = await readFile(file, 'utf8');
    const answer = await fetch(`${cluster.url}/api/v1/events?follow=true`, {
      headers: { authorization: `Bearer ${token.trim()}` },
    });
    assert.equal(answer.status, 200);
    const cut = assert.rejects(answer.text());
    await mustRun(cluster.folder, ['token', 'revoke', 'follower']);
    await cut;
  });
});

describe('web that is killed in the middle of an upload', () => {
  const content = randomBytes(24 * 1024 * 1024);
  const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const put = (name: string, body: Uint8Array<ArrayBuffer> | string) =>
    ask(cluster, `/api/v1/hdfs/uploads/${name}`, { method: 'PUT', body });
  const names = async () => {
    const { entries } = (await (await ask(cluster, '/api/v1/hdfs/uploads?op=list')).json()) as {
      entries: { path: string }[];
    };
    return entries.map((entry) => entry.path);
  };
  after(async () => {
    await ask(cluster, '/api/v1/hdfs/uploads?recursive=true', { method: 'DELETE' });
  });

  it('leaves no half file, harms no other, and takes the same upload again', async () => {
    assert.equal((await put('whole', 'it stays')).status, 201);
    const web = await containerOf(cluster.projectId, 'web');
    const half = request(`${cluster.url}/api/v1/hdfs/uploads/big`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${cluster.token}`, 'content-length': 2 * content.length },
    });
    const isCut = new Promise<void>((resolve) => half.once('close', resolve));
    half.on('error', () => undefined);
    // More than sockets hold: web has passed on most of it.
    await new Promise<void>((resolve) => half.write(content, () => resolve()));
    await docker('kill', '--signal', 'KILL', web);
    await isCut;
    const isBack = async () =>
      await ask(cluster, '/api/v1/hdfs/uploads?op=list').then(
        ({ ok }) => ok,
        () => false,
      );
    await pWaitFor(isBack, { interval: 250, timeout: 60_000 });
    assert.deepEqual(await names(), ['/uploads/whole']);
    assert.equal((await ask(cluster, '/api/v1/hdfs/uploads/big')).status, 404);
    assert.equal(await (await ask(cluster, '/api/v1/hdfs/uploads/whole')).text(), 'it stays');
    const again = await put('big', content);
    assert.equal(again.status, 201, await again.text());
    const stored = new Uint8Array(await (await ask(cluster, '/api/v1/hdfs/uploads/big')).arrayBuffer());
    assert.equal(sum(stored), sum(content));
    assert.deepEqual((await names()).toSorted(), ['/uploads/big', '/uploads/whole']);
  });
});

describe('HDFS in safe mode', () => {
  const safeMode = (change: 'enter' | 'leave') =>
    mustRun(cluster.folder, ['exec', 'namenode', '--', 'hdfs', 'dfsadmin', '-safemode', change]);
  after(async () => {
    await safeMode('leave');
  });

  it('refuses writing with its reason, and goes on serving files and results', async () => {
    assert.equal((await ask(cluster, '/api/v1/hdfs/safe', { method: 'PUT', body: 'x' })).status, 201);
    await safeMode('enter');
    for (const [method, path] of [
      ['PUT', '/api/v1/hdfs/unsafe'],
      ['PUT', '/api/v1/hdfs/unsafe-folder?op=mkdir'],
      ['DELETE', '/api/v1/hdfs/safe'],
    ] as const) {
      const refused = await ask(cluster, path, { method, ...(path.endsWith('unsafe') ? { body: 'x' } : {}) });
      const problem = (await refused.json()) as { code: string; hint: string };
      assert.equal(refused.headers.get('content-type'), 'application/problem+json; charset=utf-8');
      assert.deepEqual([refused.status, problem.code], [503, 'HDFS_SAFE_MODE'], `${method} ${path}`);
    }
    assert.equal(await (await ask(cluster, '/api/v1/hdfs/safe')).text(), 'x');
    assert.equal((await ask(cluster, '/api/v1/results/people/7')).status, 200);
    await safeMode('leave');
    assert.equal((await ask(cluster, '/api/v1/hdfs/safe', { method: 'DELETE' })).status, 204);
  });
});

describe('a result whose columns change between two runs', () => {
  it('is served as the later run made it; the earlier version keeps its own', async () => {
    // That of the webhook above.
    const before = await lastRunOf(cluster, 'publish');
    const changed = await startRun('publish', ['ada', 'points']);
    assert.equal((await awaitEnd(changed)).state, 'succeeded');
    const now = await (await ask(cluster, '/api/v1/results/people/42')).json();
    assert.deepEqual(now, { id: 42, name: 'ada', points: 63 });
    for (const query of ['where=score:ge:100', 'sort=score', 'score=63']) {
      const refused = await ask(cluster, `/api/v1/results/people?${query}`);
      const problem = (await refused.json()) as { code: string; detail: string };
      assert.deepEqual([refused.status, problem.code], [400, 'RESULT_QUERY_INVALID'], query);
      assert.match(JSON.stringify(problem), /no column \\"score\\"/);
    }
    const filtered = await ask(cluster, `/api/v1/results/people?run=${before.id}&where=score:ge:147`);
    assert.deepEqual(((await filtered.json()) as { rows: unknown[] }).rows, [
      { id: 98, name: 'ada', score: 147 },
      { id: 99, name: 'ada', score: 148.5 },
    ]);
    assert.equal((await ask(cluster, `/api/v1/results/people?run=${before.id}&where=points:ge:1`)).status, 400);
  });
});
