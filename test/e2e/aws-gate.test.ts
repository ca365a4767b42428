// `aws up`, `down` and `destroy` with a real conductor: moto sells the machine, and its address leads to a Debian machine
// with an engine of its own that is reached over real SSH. What a follower does is shown by aws-boot.test.ts.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { createDocker } from '../../src/adapters/docker/docker.ts';
import { transferImages } from '../../src/adapters/docker/transfer-images.ts';
import { type Aws, createAws } from '../../src/adapters/ec2/ec2.ts';
import { scanHostKeys } from '../../src/adapters/ssh/host-key.ts';
import { readProjectState, writeProjectState } from '../../src/config/project-state.ts';
import { machineKeyFile } from '../../src/config/user-folder.ts';
import type { AwsParts } from '../../src/operations/aws/aws-parts.ts';
import { destroyOnAws } from '../../src/operations/aws/destroy-on-aws.ts';
import { takeDownOnAws } from '../../src/operations/aws/down-on-aws.ts';
import { listLeftovers } from '../../src/operations/aws/remove-everything.ts';
import { createSshGate } from '../../src/operations/aws/ssh-gate.ts';
import { nameAwsContext } from '../../src/operations/aws/tags.ts';
import { bringUpOnAws } from '../../src/operations/aws/up-on-aws.ts';
import { listImages } from '../../src/operations/list-images.ts';
import { renderProvisionScript } from '../../src/operations/machines/render-provision-script.ts';
import { openProject } from '../../src/operations/open-project.ts';
import { type Moto, startMoto } from '../aws/start-moto.ts';
import { startSshMachine, type TestMachine } from './support/machine.ts';
import { makeProject, mustRun } from './support/sparkplug.ts';

const projectId = 'e2e-gate-abc123';
const project = {
  'sparkplug.yaml':
    'name: e2e-gate\njobs:\n  one: { main: job.py }\n' +
    'spark: { worker: { executors: 1, cores: 1, memory: 1GiB }, workers: 1 }\nreserve: { memory: 16GiB }\n',
  'job.py':
    'from pyspark.sql import SparkSession\n' +
    'spark = SparkSession.builder.getOrCreate()\n' +
    'print("COUNTED", spark.range(4000).repartition(8).count())\n',
};
const from = '203.0.113.7/32';
const work = { report: () => {}, signal: new AbortController().signal };

let moto: Moto;
let aws: Aws;
let machine: TestMachine;
let folder: string;
let home: string;
let path: string;
let parts: AwsParts;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'sparkplug-gate-'));
  moto = await startMoto();
  // This user's own configuration of OpenSSH stays as it is: whoever starts `ssh` starts one with another.
  const sshConfig = join(home, 'ssh', 'config');
  await mkdir(join(home, 'bin'));
  const { stdout: ssh } = await execa('sh', ['-c', 'command -v ssh']);
  await writeFile(join(home, 'bin', 'ssh'), `#!/bin/sh\nexec ${ssh} -F ${sshConfig} "$@"\n`);
  await chmod(join(home, 'bin', 'ssh'), 0o755);
  path = process.env.PATH ?? '';
  Object.assign(process.env, {
    PATH: `${join(home, 'bin')}:${path}`,
    XDG_CONFIG_HOME: home,
    AWS_ENDPOINT_URL: moto.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  aws = createAws({ region: 'eu-central-1', profile: null }, { pollSeconds: 0.05 });
  folder = await makeProject(project);
  await mustRun(folder, ['--context', 'default', 'images', 'build'], { timeoutMs: 600_000 });
  await writeProjectState(folder, { id: projectId });
  const key = machineKeyFile(projectId);
  await mkdir(join(key, '..'), { recursive: true });
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  machine = await startSshMachine('sparkplug-test-gate', (await readFile(`${key}.pub`, 'utf8')).trim());
  const provisioned = await machine.exec(['sh', '-c', renderProvisionScript()]);
  assert.equal(provisioned.exitCode, 0, provisioned.all);
  const lead = { publicAddress: machine.address, privateAddress: machine.address };
  parts = {
    aws,
    // The machine that moto has sold is this one.
    openGate: (opening) => {
      const gate = createSshGate(opening, { user: 'root', sshConfigFile: sshConfig });
      return {
        ...gate,
        reach: async () => {
          await gate.reach(lead);
          await copyImages();
        },
        bringUp: (_, options) => gate.bringUp(lead, options),
        renewJoinOrder: () => gate.renewJoinOrder(lead),
      };
    },
    ensureImage: async () => ({ id: 'ami-00000000000000001', rootDevice: '/dev/xvda', leastDiskGiB: 20 }),
    findOwnAddress: async () => '203.0.113.7',
    parameterEndpoint: null,
  };
});
after(async () => {
  await machine?.remove();
  await moto?.stop();
  await execa('docker', ['context', 'rm', '--force', nameAwsContext(projectId)], { reject: false });
  process.env.PATH = path;
});

/** As a machine image has them: what this computer has built need not be built there. */
async function copyImages(): Promise<void> {
  const context = nameAwsContext(projectId);
  const [here, there] = [createDocker({ context: 'default' }), createDocker({ context })];
  const { config, dir } = await openProject({ fromDir: folder, overrides: [] });
  const own = await listImages(here, { config, projectDir: dir });
  const refs = own.filter(({ id, name }) => id !== null && name !== 'machine').map(({ ref }) => ref);
  const missing: string[] = [];
  for (const ref of new Set(refs)) if ((await there.imageId(ref)) === null) missing.push(ref);
  await transferImages({ from: 'default', to: context, refs: missing });
}

const choice = () => ({ fromDir: folder, overrides: [] });
const flags = { conductor: null, followers: null, group: '0-2xm6i.large', spot: false, diskGiB: null };
const up = () => {
  const reach = { key: null, identityFile: null, from, vpc: null, subnet: null, takeOver: null };
  return bringUpOnAws(choice(), { ...work, ...reach, flags, confirm: async () => true }, parts);
};

describe('a conductor on AWS', () => {
  it('is reached over SSH alone, and runs the cluster and its jobs', { timeout: 900_000 }, async () => {
    const { up: made } = await up();
    assert.equal(made.context, nameAwsContext(projectId));
    assert.match(made.url, new RegExp(`^https://${machine.address}:`));
    const { all } = await mustRun(folder, ['run', 'one'], { timeoutMs: 300_000 });
    assert.match(all, /COUNTED 4000/);
    const known = await readFile(join(home, 'sparkplug', 'known_hosts'), 'utf8');
    assert.match(
      known,
      /^sparkplug-e2e-gate-abc123\.i-\w+ /m,
      'the host key is known by the instance, whatever its address is',
    );
  });

  it('gives followers a token that is changed after each launch', async () => {
    const token = async () => (await machine.exec(['docker', 'swarm', 'join-token', '-q', 'worker'])).stdout.trim();
    const before = await token();
    await up();
    assert.notEqual(await token(), before);
    const order = await aws.ssm.readSecrets(`/sparkplug/${projectId}/join`);
    const text = order.filter(({ name }) => !name.endsWith('/count')).map(({ value }) => value);
    assert.ok(
      Buffer.from(text.join(''), 'base64')
        .toString('utf8')
        .includes(await token()),
    );
  });

  it('is another one where it shows another host key', async () => {
    const [own] = await scanHostKeys(machine.address, null);
    /** Other keys, or those from before, and a server that shows them. */
    const change = async (script: string, known: boolean): Promise<void> => {
      const { exitCode, all } = await machine.exec(['sh', '-c', `${script}; kill -HUP "$(cat /run/sshd.pid)"`]);
      assert.equal(exitCode, 0, all);
      const isShown = async () => {
        const shown = await scanHostKeys(machine.address, null);
        return shown.length > 0 && shown.some(({ fingerprint }) => fingerprint === own?.fingerprint) === known;
      };
      await pWaitFor(isShown, { interval: 200, timeout: 30_000 });
    };
    await change('mkdir /root/kept && mv /etc/ssh/ssh_host_* /root/kept && ssh-keygen -A', false);
    await assert.rejects(up(), { code: 'HOST_KEY_CHANGED' });
    await change('cp /root/kept/* /etc/ssh/', true);
  });

  it('is stopped with its cluster, and destroyed with all that leads to it', { timeout: 600_000 }, async () => {
    await takeDownOnAws(choice(), { ...work, identityFile: null, from, confirm: async () => true }, parts);
    const { stdout } = await machine.exec(['docker', 'ps', '-q']);
    assert.equal(stdout.trim(), '');
    await destroyOnAws(choice(), { ...work, askId: null }, parts);
    assert.deepEqual(await listLeftovers(aws, projectId), []);
    const context = await execa('docker', ['context', 'inspect', nameAwsContext(projectId)], { reject: false });
    assert.notEqual(context.exitCode, 0);
    assert.equal((await readProjectState(folder))?.context, null);
    assert.equal(await readFile(join(home, 'sparkplug', 'ssh_config'), 'utf8'), '');
  });
});
