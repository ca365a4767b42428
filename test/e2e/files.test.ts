// Files through the conductor: streamed, never in memory, never overwritten unasked.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { containerOf, docker } from './support/docker.ts';
import { type SharedCluster, sharedCluster } from './support/shared-cluster.ts';
import { mustRun, mustRunJson, sparkplug } from './support/sparkplug.ts';

let cluster: SharedCluster;
let scratch: string;
before(async () => {
  cluster = await sharedCluster();
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-files-'));
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
});

describe('hdfs', () => {
  it('puts, lists, gets and removes a folder', async () => {
    const folder = join(scratch, 'tree');
    await mkdir(join(folder, 'deep', 'er'), { recursive: true });
    await writeFile(join(folder, 'one.txt'), 'one');
    await writeFile(join(folder, 'deep', 'er', 'two words.txt'), 'two');
    await mustRun(cluster.folder, ['hdfs', 'put', folder, '/tree']);
    const usage = JSON.stringify(await mustRunJson(cluster.folder, ['hdfs', 'du', '/tree']));
    assert.match(usage, /"bytes":6\b/);
    await mustRun(cluster.folder, ['hdfs', 'get', '/tree', join(scratch, 'back')]);
    assert.equal(await readFile(join(scratch, 'back', 'deep', 'er', 'two words.txt'), 'utf8'), 'two');
    const refused = await sparkplug(cluster.folder, ['hdfs', 'rm', '/tree']);
    assert.equal(refused.exitCode, 1);
    await mustRun(cluster.folder, ['hdfs', 'rm', '-r', '/tree']);
    const gone = await sparkplug(cluster.folder, ['hdfs', 'ls', '/tree']);
    assert.match(gone.stderr, /FILE_NOT_FOUND/);
  });

  it('overwrites only when told', async () => {
    const file = join(scratch, 'value');
    await writeFile(file, 'first');
    await mustRun(cluster.folder, ['hdfs', 'put', file, '/value', '--overwrite']);
    await writeFile(file, 'second');
    const refused = await sparkplug(cluster.folder, ['hdfs', 'put', file, '/value']);
    assert.match(refused.stderr, /FILE_EXISTS/);
    await mustRun(cluster.folder, ['hdfs', 'get', '/value', join(scratch, 'got')]);
    assert.equal(await readFile(join(scratch, 'got'), 'utf8'), 'first');
    assert.match(
      (await sparkplug(cluster.folder, ['hdfs', 'get', '/value', join(scratch, 'got')])).stderr,
      /FILE_EXISTS/,
    );
  });

  it('moves 2 GiB there and back without holding it in memory', async () => {
    const file = join(scratch, 'large');
    const digest = await writeLargeFile(file, 2048);
    await mustRun(cluster.folder, ['hdfs', 'put', file, '/large', '--overwrite'], { timeoutMs: 300_000 });
    await rm(file);
    await mustRun(cluster.folder, ['hdfs', 'get', '/large', file], { timeoutMs: 300_000 });
    assert.equal(await digestOf(file), digest);
    await mustRun(cluster.folder, ['hdfs', 'rm', '/large']);
    // The container's limit is far below 2 GiB: had it held the file, the kernel would have ended it.
    const web = await containerOf(cluster.projectId, 'web');
    const [limit, restarts] = (await docker('inspect', '-f', '{{.HostConfig.Memory}} {{.RestartCount}}', web)).split(
      ' ',
    );
    assert.ok(Number(limit) < 2 ** 31 && Number(restarts) === 0);
  });
});

/** Writes `mebibytes` of bytes that do not compress; returns their SHA-256. */
async function writeLargeFile(path: string, mebibytes: number): Promise<string> {
  const handle = await open(path, 'w');
  const block = Buffer.alloc(2 ** 20);
  for (let i = 0; i < block.length; i += 4) block.writeUInt32LE((i * 2654435761) >>> 0, i);
  const hash = createHash('sha256');
  for (let written = 0; written < mebibytes; written += 1) {
    block.writeUInt32LE(written, 0);
    hash.update(block);
    await handle.write(block);
  }
  await handle.close();
  return hash.digest('hex');
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}
