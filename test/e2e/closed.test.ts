// Closed by default: one published port that wants a token, nothing for user code on `control`, secrets nowhere to be read.
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { containerOf, docker, runningServices } from './support/docker.ts';
import {
  ask,
  lastRunOf,
  type RunRecord,
  type SharedCluster,
  secretMarker,
  sharedCluster,
  userFolder,
} from './support/shared-cluster.ts';
import { mustRun } from './support/sparkplug.ts';

interface NetworkOfContainer {
  readonly IPAddress: string;
}
interface InspectedContainer {
  readonly Image: string;
  readonly Config: { readonly User: string };
  readonly HostConfig: { readonly CapDrop: readonly string[] | null; readonly Binds: readonly string[] | null };
  readonly Mounts: readonly { readonly Source: string; readonly Destination: string }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, NetworkOfContainer>> };
}

let cluster: SharedCluster;
before(async () => {
  cluster = await sharedCluster();
});

async function inspect(service: string): Promise<InspectedContainer> {
  const [found] = JSON.parse(
    await docker('inspect', await containerOf(cluster.projectId, service)),
  ) as InspectedContainer[];
  assert.ok(found);
  return found;
}

function addressOn(container: InspectedContainer, network: string): string {
  const entry = Object.entries(container.NetworkSettings.Networks).find(([name]) => name.endsWith(`_${network}`));
  assert.ok(entry, `not on ${network}`);
  return entry[1].IPAddress;
}

describe('a running cluster', () => {
  it('publishes one port only', async () => {
    const services = await docker('service', 'ls', '-q', '--filter', `label=sparkplug.project=${cluster.projectId}`);
    const specs = JSON.parse(await docker('service', 'inspect', ...services.split('\n'))) as {
      Spec: { Name: string; EndpointSpec?: { Ports?: { PublishedPort: number }[] } };
    }[];
    const ports = specs.flatMap((spec) => (spec.Spec.EndpointSpec?.Ports ?? []).map((port) => port.PublishedPort));
    assert.deepEqual(ports, [Number(new URL(cluster.url).port)]);
  });

  it('answers nothing without the token, health, the specification and the pages of the dashboard aside', async () => {
    for (const path of [
      '/api/v1/cluster',
      '/api/v1/runs',
      '/api/v1/hdfs/',
      '/api/v1/results',
      '/api/v1/events',
      '/api/v1/machines',
      '/api/v1/tokens',
      '/metrics',
      '/spark/master/',
      '/internal/results',
    ]) {
      const status = (await fetch(`${cluster.url}${path}`)).status;
      assert.ok([401, 404].includes(status), `${path} answered ${status}`);
      if (path.startsWith('/api')) assert.equal(status, 401);
    }
    assert.equal((await fetch(`${cluster.url}/healthz`)).status, 200);
  });

  it('refuses peers that are not this computer', async () => {
    // A network namespace with a cable to this computer is another computer, as far as IP can tell.
    const run = async (command: string) => await execa('ip', command.split(' '));
    await execa('ip', ['netns', 'del', 'sp-peer'], { reject: false });
    await run('netns add sp-peer');
    try {
      await run('link add sp-peer0 type veth peer name sp-peer1 netns sp-peer');
      await run('addr add 198.51.100.1/30 dev sp-peer0');
      await run('link set sp-peer0 up');
      await run('-n sp-peer addr add 198.51.100.2/30 dev sp-peer1');
      await run('-n sp-peer link set sp-peer1 up');
      const url = `http://198.51.100.1:${new URL(cluster.url).port}/healthz`;
      const probe = `fetch('${url}', {signal: AbortSignal.timeout(5000)}).then(r => console.log(r.status))`;
      const peer = await execa('ip', ['netns', 'exec', 'sp-peer', process.execPath, '-e', probe]);
      assert.equal(peer.stdout.trim(), '403');
    } finally {
      await run('netns del sp-peer');
    }
  });

  it('runs every container as its own user without capabilities, and gives the socket to the scheduler alone', async () => {
    for (const service of await runningServices(cluster.projectId)) {
      const container = await inspect(service);
      assert.match(container.Config.User, /^(10001|sparkplug)/, service);
      assert.ok(
        container.HostConfig.CapDrop?.some((name) => /^(CAP_)?ALL$/i.test(name)),
        service,
      );
      const socket = container.Mounts.some((mount) => mount.Source.endsWith('docker.sock'));
      assert.equal(socket, service === 'scheduler', service);
    }
  });

  it('puts Spark and HDFS on `data` only', async () => {
    for (const service of await runningServices(cluster.projectId)) {
      const networks = Object.keys((await inspect(service)).NetworkSettings.Networks).map((name) =>
        name.replace(/^.*_/, ''),
      );
      const expected = ['web', 'scheduler'].includes(service) ? ['control', 'data'] : ['data'];
      assert.deepEqual(networks.filter((name) => name !== 'gwbridge').sort(), expected, service);
    }
  });

  it('gives user code that tries every port of web and scheduler nothing', async () => {
    const containers = [await inspect('web'), await inspect('scheduler')];
    const control = containers.map((container) => addressOn(container, 'control'));
    const data = containers.map((container) => addressOn(container, 'data'));
    // Packets that leave a container for `control` by the host end here instead of wandering off into the world.
    for (const address of control) await execa('ip', ['route', 'replace', 'unreachable', `${address}/32`]);
    try {
      const outcome = await mustRun(cluster.folder, ['run', 'intruder', '--', [...control, ...data].join(',')], {
        timeoutMs: 400_000,
      });
      const line = outcome.all.split('\n').find((text) => text.includes('INTRUDER {')) ?? '';
      assert.deepEqual(JSON.parse(line.slice(line.indexOf('{'))), { known: [7077], open: [] });
    } finally {
      for (const address of control) await execa('ip', ['route', 'del', 'unreachable', `${address}/32`]);
    }
  });

  it('refuses Spark clients without the secret, and has no REST submission', async () => {
    const driver = await containerOf(cluster.projectId, 'spark-driver');
    const known = await submit(driver, 'knows-the-secret', 'spark.authenticate.secret $(cat /run/secrets/spark_auth)');
    assert.equal(known.exitCode, 0, known.all);
    const [guessing, plain] = await Promise.all([
      submit(driver, 'guesses-the-secret', `spark.authenticate.secret ${'0'.repeat(64)}`),
      submit(driver, 'has-no-secret', 'spark.authenticate false\nspark.network.crypto.enabled false'),
    ]);
    const [, id] = /REGISTERED (app-\S+)/.exec(known.all) ?? [];
    assert.match(guessing.all, /Authentication failed/);
    assert.match(plain.all, /Unknown challenge message/);
    for (const { exitCode, all } of [guessing, plain]) {
      assert.notEqual(exitCode, 0);
      assert.doesNotMatch(all, /REGISTERED app/);
    }
    const { activeapps, completedapps } = JSON.parse(await readInside('http://spark-master:8080/json/')) as Record<
      'activeapps' | 'completedapps',
      { id: string; name: string }[]
    >;
    const applications = [...activeapps, ...completedapps];
    assert.equal(applications.find((application) => application.id === id)?.name, 'knows-the-secret');
    for (const { name } of applications) assert.doesNotMatch(name, /guesses-the-secret|has-no-secret/);
    const rest = `import socket; socket.create_connection(('spark-master', 6066), 3)`;
    await assert.rejects(docker('exec', driver, 'python3', '-c', rest), /ConnectionRefusedError/);
  });

  it('keeps the token and the secrets readable by their owner only', async () => {
    const folder = userFolder(cluster.projectId);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, 'token'))).mode & 0o777, 0o600);
    for (const name of await readdir(join(folder, 'secrets'))) {
      assert.equal((await stat(join(folder, 'secrets', name))).mode & 0o777, 0o600, name);
    }
  });

  describe('while a run lasts', () => {
    let ended: RunRecord;
    let running: RunRecord;
    before(async () => {
      await mustRun(cluster.folder, ['run', 'settings']);
      ended = await lastRunOf(cluster, 'settings');
      await mustRun(cluster.folder, ['run', 'stages', '--detach', '--', '300']);
      running = await awaitExecutor();
    });
    after(async () => {
      await mustRun(cluster.folder, ['runs', 'cancel', running.id]);
      const isOver = async () => (await lastRunOf(cluster, 'stages')).state === 'cancelled';
      await pWaitFor(isOver, { interval: 250, timeout: 30_000 });
    });

    it('has Spark and HDFS listen on `data` alone, not on the bridge that users of the machine reach', async () => {
      const own = (await runningServices(cluster.projectId)).filter((name) => !['web', 'scheduler'].includes(name));
      for (const service of own) {
        const addresses = await readListening(service);
        assert.deepEqual([...addresses], [addressOn(await inspect(service), 'data')], service);
      }
    });

    it('shows its secrets in no inspection, command line, file, log, page or answer', async () => {
      const [application] = running.applications;
      const found = new Map([
        ...(await readEngine()),
        ...(await readService(ended, running)),
        ...(await readEventLogs(ended)),
        ...(await readDaemons()),
      ]);
      // That these places were looked at, and hold what could have been next to a secret.
      for (const [place, sign] of [
        ['docker top spark-driver', /java .*SparkSubmit/],
        ['docker top spark-worker-1', /java .*CoarseGrainedExecutorBackend/],
        [`/api/v1/runs/${ended.id}/logs?source=driver`, /SETTINGS \{/],
        [`/api/v1/runs/${ended.id}/logs?source=executor-0`, /Spark Executor Command/],
        [`/spark/driver/${application}/environment/`, /spark\.authenticate\.secret/],
        [`/spark/history/${ended.applications[0]}/environment/`, /spark\.authenticate\.secret/],
        ['event log 1', /"spark\.app\.name":"settings"/],
        ['http://spark-worker-1:8081/json/', /"executors" : \[ \{/],
      ] as const) {
        assert.match(found.get(place) ?? '', sign, place);
      }
      const secrets = await readSecrets();
      for (const [secret, value] of secrets) {
        for (const [place, text] of found) assert.ok(!text.includes(value), `${secret} stands in ${place}`);
      }
      for (const [service, known] of [
        ['spark-driver', 'modules.zip'],
        ['spark-worker-1', 'Spark Executor Command'],
      ] as const) {
        const folder = `${await containerOf(cluster.projectId, service)}:/tmp`;
        const written = await searchOutput(['cp', folder, '-'], new Map([...secrets, ['what is known', known]]));
        assert.deepEqual([...written], ['what is known'], `files of ${service}`);
      }
    });
  });

  it('keeps its secrets out of every file of its images', async () => {
    const services = ['spark-driver', 'spark-worker-1', 'spark-master', 'namenode', 'scheduler'];
    const images = new Set<string>();
    for (const service of services) images.add((await inspect(service)).Image);
    // One file that each of them has, to know that all were searched and none was compressed.
    const known = {
      driver: 'the marker of a job that throws',
      worker: 'opt/app/site-packages/tabulate',
      spark: 'opt/spark/spark.jsa',
      hdfs: 'opt/hadoop/hadoop.jsa',
      conductor: 'opt/sparkplug/dist/scheduler.js',
    };
    // Layer by layer, so that what a later layer removes is searched too.
    const found = await searchOutput(
      ['save', ...images],
      new Map([...Object.entries(known), ...(await readSecrets())]),
    );
    assert.deepEqual([...found].sort(), Object.keys(known).sort());
  });
});

/** What it is called → what may stand nowhere. */
async function readSecrets(): Promise<Map<string, string>> {
  const folder = join(userFolder(cluster.projectId), 'secrets');
  const secrets = new Map([
    ['the secret of a job', secretMarker],
    ['the secret of Spark', (await readFile(join(folder, 'spark_auth'), 'utf8')).trim()],
    ['the secret of the control network', (await readFile(join(folder, 'control'), 'utf8')).trim()],
    ['the token', cluster.token],
  ]);
  for (const [name, value] of secrets) assert.ok(value.length >= 16, name);
  return secrets;
}

/**
 * Spark's own client, started by hand where jobs run; these settings go before the cluster's. One that is refused tries
 * three times in a minute, whatever is configured: it is ended after its second try.
 */
async function submit(driver: string, name: string, settings: string) {
  const script = `
    set -e; umask 077; folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
    cat /etc/spark/spark-defaults.conf >$folder/settings
    echo "spark.app.name ${name}\n${settings}" >>$folder/settings
    echo 'from pyspark.sql import SparkSession
print("REGISTERED", SparkSession.builder.getOrCreate().sparkContext.applicationId)' >$folder/client.py
    address=$(getent hosts "$(hostname)" | awk '{print $1}' | head -1)
    timeout 30 /opt/spark/bin/spark-submit --properties-file $folder/settings --conf spark.driver.host=$address \
      $folder/client.py`;
  return await execa('docker', ['exec', driver, 'sh', '-c', script], { reject: false, all: true, stdin: 'ignore' });
}

/** Addresses of a container at which something listens, loopback aside. */
async function readListening(service: string): Promise<Set<string>> {
  const table = await docker(
    'exec',
    await containerOf(cluster.projectId, service),
    'cat',
    '/proc/net/tcp',
    '/proc/net/tcp6',
  );
  const listening = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === '0A')
    .map(([, local = '']) => local.slice(0, local.indexOf(':')));
  return new Set(listening.map(formatAddress).filter((address) => !address.startsWith('127.')));
}

/** As the kernel writes it: IPv4, mapped into IPv6 or not, is a number of the machine's own byte order. */
function formatAddress(hex: string): string {
  const mapped = /^(?:0{16}FFFF0000)?([0-9A-F]{8})$/.exec(hex)?.[1];
  return mapped === undefined ? hex : [...Buffer.from(mapped, 'hex')].toReversed().join('.');
}

/** Waits until the first worker runs an executor of the held run. */
async function awaitExecutor(): Promise<RunRecord> {
  const worker = await containerOf(cluster.projectId, 'spark-worker-1');
  const isThere = async () =>
    (await docker('top', worker, '-eo', 'pid,args')).includes('CoarseGrainedExecutorBackend') &&
    (await lastRunOf(cluster, 'stages')).applications.length > 0;
  await pWaitFor(isThere, { interval: 500, timeout: 90_000 });
  return await lastRunOf(cluster, 'stages');
}

/** Place → text of everything that the engine tells. */
async function readEngine(): Promise<[string, string][]> {
  const found: [string, string][] = [];
  const images = new Set<string>();
  const ids = (await docker('ps', '-aq', '--filter', `label=sparkplug.project=${cluster.projectId}`))
    .split('\n')
    .filter(Boolean);
  for (const id of ids) {
    const inspected = await docker('inspect', id);
    const [{ Image: image } = { Image: '' }] = JSON.parse(inspected) as { Image: string }[];
    found.push([`docker inspect ${id}`, inspected]);
    images.add(image);
    const logs = await execa('docker', ['logs', id], { all: true });
    found.push([`docker logs ${id}`, logs.all]);
  }
  for (const image of images) {
    found.push([`docker history ${image}`, await docker('history', '--no-trunc', image)]);
    found.push([`docker inspect ${image}`, await docker('inspect', image)]);
  }
  for (const service of await runningServices(cluster.projectId)) {
    found.push([
      `docker top ${service}`,
      await docker('top', await containerOf(cluster.projectId, service), '-eo', 'pid,args'),
    ]);
  }
  const services = await docker('service', 'ls', '-q', '--filter', `label=sparkplug.project=${cluster.projectId}`);
  found.push(['docker service inspect', await docker('service', 'inspect', ...services.split('\n'))]);
  const configs = await docker('config', 'ls', '-q', '--filter', `label=sparkplug.project=${cluster.projectId}`);
  for (const id of configs.split('\n').filter(Boolean)) {
    const data = await docker('config', 'inspect', '-f', '{{json .Spec.Data}}', id);
    found.push([`docker config ${id}`, Buffer.from(data.replaceAll('"', ''), 'base64').toString()]);
  }
  return found;
}

/** Path → text of what the service answers about the cluster and these two runs. */
async function readService(ended: RunRecord, running: RunRecord): Promise<[string, string][]> {
  const [before = ''] = ended.applications;
  const [now = ''] = running.applications;
  const { sources } = JSON.parse(await read(`/api/v1/runs/${ended.id}/log-sources`)) as { sources: { name: string }[] };
  const atDriver = `/spark/driver/${now}/api/v1/applications/${now}`;
  const executors = JSON.parse(await read(`${atDriver}/executors`)) as { executorLogs: Record<string, string> }[];
  // Led on to the history server, once that shows the application.
  await read(`/spark/driver/${before}/environment/`);
  const paths = [
    '/api/v1/cluster',
    '/api/v1/cluster/desired',
    '/api/v1/runs?limit=100',
    '/api/v1/events',
    '/metrics',
    `/api/v1/runs/${running.id}/logs`,
    ...sources.map(({ name }) => `/api/v1/runs/${ended.id}/logs?source=${name}`),
    '/spark/master/',
    '/spark/master/environment/',
    `/spark/master/app/?appId=${now}`,
    `/spark/driver/${now}/environment/`,
    `/spark/driver/${now}/executors/`,
    `${atDriver}/environment`,
    ...executors.flatMap(({ executorLogs }) => Object.values(executorLogs)),
    `/spark/history/${before}/environment/`,
    `/spark/api/v1/applications/${before}/environment`,
  ];
  const found: [string, string][] = [];
  for (const path of paths) found.push([path, await read(path)]);
  return found;
}

/** The text that the service answers; another answer than 200 would be searched in vain. */
async function read(path: string): Promise<string> {
  const answer = await ask(cluster, path);
  assert.equal(answer.status, 200, path);
  return await answer.text();
}

async function readEventLogs({ applications: [application] }: RunRecord): Promise<[string, string][]> {
  const folder = `/api/v1/hdfs/spark-logs/eventlog_v2_${application}`;
  const { entries } = JSON.parse(await read(`${folder}?op=list`)) as { entries: { path: string }[] };
  const found: [string, string][] = [];
  for (const { path } of entries.filter((entry) => entry.path.endsWith('.zstd'))) {
    const answer = await ask(cluster, `/api/v1/hdfs${path}`);
    assert.equal(answer.status, 200, path);
    const events = decompressFrames(new Uint8Array(await answer.arrayBuffer()));
    found.push([`event log ${found.length + 1}`, events]);
  }
  return found;
}

/** Spark ends a frame whenever it flushes; Node stops at the end of the first. */
function decompressFrames(bytes: Uint8Array): string {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    // What `info` changes is not in Node's types.
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), { info: true }) as unknown as {
      readonly buffer: Uint8Array;
      readonly engine: { readonly bytesWritten: number };
    };
    frames.push(buffer);
    at += engine.bytesWritten;
  }
  return Buffer.concat(frames).toString();
}

/** Address → text of the daemons' own pages, which user code can ask without web. */
async function readDaemons(): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const url of [
    'http://spark-master:8080/',
    'http://spark-master:8080/json/',
    'http://spark-master:8080/environment/',
    'http://spark-worker-1:8081/',
    'http://spark-worker-1:8081/json/',
    'http://namenode:9870/conf',
    'http://namenode:9870/jmx',
  ]) {
    found.push([url, await readInside(url)]);
  }
  return found;
}

/** A page of the network `data`. */
async function readInside(url: string): Promise<string> {
  const get = `import urllib.request; print(urllib.request.urlopen('${url}').read().decode())`;
  return await docker('exec', await containerOf(cluster.projectId, 'spark-master'), 'python3', '-c', get);
}

/** Names of those texts that stand in the output of a `docker` command, however long that is. */
async function searchOutput(args: readonly string[], texts: ReadonlyMap<string, string>): Promise<Set<string>> {
  const missing = new Map([...texts].map(([name, text]) => [name, Buffer.from(text)]));
  const overlap = Math.max(...[...missing.values()].map(({ length }) => length)) - 1;
  let tail = Buffer.alloc(0);
  for await (const chunk of execa('docker', args, { buffer: false, encoding: 'buffer' }).iterable({ binary: true })) {
    const bytes = Buffer.concat([tail, chunk]);
    for (const [name, text] of missing) if (bytes.includes(text)) missing.delete(name);
    tail = bytes.subarray(Math.max(0, bytes.length - overlap));
  }
  return new Set([...texts.keys()].filter((name) => !missing.has(name)));
}
