// Closed by default: one published port that wants a token, nothing for user code on `control`, secrets nowhere to be read.
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { execa } from 'execa';
import { containerOf, docker, runningServices } from './support/docker.ts';
import { ask, type SharedCluster, secretMarker, sharedCluster, userFolder } from './support/shared-cluster.ts';
import { mustRun } from './support/sparkplug.ts';

interface NetworkOfContainer {
  readonly IPAddress: string;
}
interface InspectedContainer {
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
    const probe = (port: number) =>
      `import socket; s=socket.create_connection(('spark-master',${port}),3); print('open')`;
    assert.equal((await docker('exec', driver, 'python3', '-c', probe(7077))).trim(), 'open');
    const rest = await execa('docker', ['exec', driver, 'python3', '-c', probe(6066)], { reject: false });
    assert.notEqual(rest.exitCode, 0);
  });

  it('keeps the token and the secrets readable by their owner only', async () => {
    const folder = userFolder(cluster.projectId);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, 'token'))).mode & 0o777, 0o600);
    for (const name of await readdir(join(folder, 'secrets'))) {
      assert.equal((await stat(join(folder, 'secrets', name))).mode & 0o777, 0o600, name);
    }
  });

  it('shows its secrets in no image, inspection, command line, log or answer', async () => {
    await mustRun(cluster.folder, ['run', 'settings']);
    const folder = userFolder(cluster.projectId);
    const sparkSecret = (await readFile(join(folder, 'secrets', 'spark_auth'), 'utf8')).trim();
    const control = (await readFile(join(folder, 'secrets', 'control'), 'utf8')).trim();
    const markers = [secretMarker, sparkSecret, control, cluster.token];
    for (const marker of markers) assert.ok(marker.length >= 16);
    for (const [place, text] of await everythingReadable()) {
      for (const marker of markers) assert.ok(!text.includes(marker), `a secret stands in ${place}`);
    }
  });
});

/** Place → text of everything that somebody without the secrets' files could read. */
async function everythingReadable(): Promise<[string, string][]> {
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
  for (const path of ['/api/v1/cluster', '/api/v1/cluster/desired', '/api/v1/runs?limit=100', '/api/v1/events']) {
    found.push([path, await (await ask(cluster, path)).text()]);
  }
  const master = await containerOf(cluster.projectId, 'spark-master');
  for (const path of ['/', '/json/', '/environment/']) {
    const get = `import urllib.request; print(urllib.request.urlopen('http://spark-master:8080${path}').read().decode())`;
    const page = await execa('docker', ['exec', master, 'python3', '-c', get], { reject: false });
    found.push([`Spark master ${path}`, page.stdout]);
  }
  return found;
}
