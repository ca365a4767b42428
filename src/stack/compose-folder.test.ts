import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { defaultCluster, fullCluster } from '../../test/fixtures/example-clusters.ts';
import { buildStack } from './build-stack.ts';
import { writeComposeFolder } from './compose-folder.ts';

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly mode?: number;
  readonly type?: string;
}
interface Port {
  readonly published: number;
  readonly target: number;
}

const namesOf = (items: readonly { readonly name: string }[]): readonly string[] => items.map(({ name }) => name);

test('what Docker reads in the folder is the stack, with nothing lost and nothing filled in from the shell', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stackpart-'));
  t.after(() => rm(folder, { recursive: true }));
  const { desired, plan } = fullCluster;
  const stack = buildStack(desired, plan, { bootstrap: '{"price":"$5"}' });
  const secretFolder = join(folder, 'secrets');
  const composeFile = await writeComposeFolder(stack, join(folder, 'cluster'), { secrets: 'file', secretFolder });

  const text = await readFile(composeFile, 'utf8');

  // A dollar alone begins a variable of the deploying shell; Docker takes a pair for one.
  assert.doesNotMatch(text.replaceAll('$$', ''), /\$/);
  const read = parse(text.replaceAll('$$', '$'), { version: '1.1' });
  assert.deepEqual(Object.keys(read.services), namesOf(stack.services));
  for (const service of stack.services) {
    const { deploy, ...found } = read.services[service.name];
    assert.deepEqual(
      {
        image: found.image,
        command: found.command,
        user: found.user,
        env: found.environment ?? {},
        networks: found.networks,
        configs: found.configs?.map((mount: Mount) => ({ config: mount.source, target: mount.target })) ?? [],
        secrets: found.secrets?.map((mount: Mount) => [mount.target, mount.mode]) ?? [],
        mounts: found.volumes?.map(({ type, source, target }: Mount) => [type, source, target]) ?? [],
        ports: found.ports?.map(({ published, target }: Port) => ({ published, target })) ?? [],
        probe: found.healthcheck?.test ?? null,
        replicas: deploy.replicas,
        constraints: deploy.placement.constraints,
        memory: [deploy.resources.limits.memory, deploy.resources.reservations.memory],
      },
      {
        image: service.image,
        command: service.command,
        user: service.user,
        env: service.env,
        networks: service.networks,
        configs: service.configs,
        secrets: service.secrets.map((name) => [name, 0o400]),
        mounts: [
          ...service.volumes.map(({ volume, target }) => ['volume', volume, target]),
          ...service.binds.map(({ source, target }) => ['bind', source, target]),
        ],
        ports: service.ports,
        probe: service.healthcheck?.test ?? null,
        replicas: service.replicas,
        constraints: [`node.id == ${service.machineId}`],
        memory: [`${service.limitMiB}M`, `${service.reservationMiB}M`],
      },
    );
  }
  assert.equal(read.services['spark-driver'].deploy.replicas, 2);
  assert.match(read.services.web.healthcheck.test[3], /\[\[ \$line == /);
  assert.deepEqual(Object.keys(read.configs), namesOf(stack.configs));
  for (const { name, content } of stack.configs) {
    // Files are copied into the Swarm as they are: their dollars are single.
    assert.equal(await readFile(join(folder, 'cluster', read.configs[name].file), 'utf8'), content);
  }
  assert.deepEqual(
    stack.secrets.map(({ name }) => read.secrets[name].file),
    stack.secrets.map(({ name }) => join(secretFolder, name)),
  );
});

test('writing again over an older folder, also one that others may not read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stackpart-'));
  t.after(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o700);
  const { desired, plan } = defaultCluster;
  const stack = buildStack(desired, plan, { bootstrap: null });
  await writeComposeFolder(stack, folder, { secrets: 'external' });
  await writeComposeFolder(stack, folder, { secrets: 'external' });
  assert.deepEqual((await readdir(folder)).sort(), [
    'compose.yaml',
    'core-site.xml',
    'hdfs-site-datanode.xml',
    'hdfs-site.xml',
    'spark-daemons.conf',
    'spark-driver.conf',
  ]);
});
