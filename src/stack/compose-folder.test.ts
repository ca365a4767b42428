import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { defaultCluster, fullCluster } from '../../test/fixtures/example-clusters.ts';
import { buildStack } from './build-stack.ts';
import { writeComposeFolder } from './compose-folder.ts';

const run = promisify(execFile);

test("docker's own client reads the folder, with nothing lost and nothing filled in from the shell", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stackpart-'));
  t.after(() => rm(folder, { recursive: true }));
  const { desired, plan } = fullCluster;
  const stack = buildStack(desired, plan, { bootstrap: '{"price":"$5"}' });
  const secretFolder = join(folder, 'secrets');
  await mkdir(secretFolder, { mode: 0o700 });
  for (const { name } of stack.secrets) await writeFile(join(secretFolder, name), name, { mode: 0o600 });
  const composeFile = await writeComposeFolder(stack, join(folder, 'cluster'), { secrets: 'file', secretFolder });

  const { stdout, stderr } = await run('docker', ['stack', 'config', '--compose-file', composeFile]);

  assert.equal(stderr, '');
  const read = parse(stdout);
  assert.deepEqual(Object.keys(read.services).sort(), stack.services.map((service) => service.name).sort());
  assert.equal(read.services['spark-driver'].deploy.replicas, 2);
  assert.equal(read.services['spark-driver'].secrets[0].mode, 0o400);
  assert.equal(read.services['spark-worker-2'].deploy.placement.constraints[0], 'node.id == node2');
  assert.equal(read.services['datanode-1'].deploy.resources.limits.memory, String(256 * 1024 * 1024));
  assert.match(read.services.web.healthcheck.test[3], /\$\$?line/);
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
