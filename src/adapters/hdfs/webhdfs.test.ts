import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pWaitFor from 'p-wait-for';
import { startFakeHdfs } from './webhdfs.fixture.ts';
import { createWebHdfs, type OpenOptions } from './webhdfs.ts';

async function start(t: TestContext) {
  const fake = await startFakeHdfs();
  const hdfs = createWebHdfs({ nameNode: fake.url, dataSubnet: '127.0.0.0/8', replication: 1 });
  t.after(async () => {
    await hdfs.close();
    await fake.close();
  });
  return { fake, hdfs };
}

test('DataNodes that were killed and still count as live are passed over, for reading and for writing', async (t) => {
  const { fake, hdfs } = await start(t);
  fake.faults.killed = ['127.0.0.2', '127.0.0.3'];
  await hdfs.create('/kept', Readable.from(['content']));
  assert.equal(String(await buffer(await hdfs.open('/kept'))), 'content');
  assert.equal(String(await buffer(await hdfs.open('/kept', { offset: 3, length: 2 }))), 'te');
});

test('HDFS is away when only DataNodes that were killed hold the file, or the NameNode names no other', async (t) => {
  const { fake, hdfs } = await start(t);
  fake.put('/kept', 'content');
  fake.faults.killed = ['127.0.0.2', '127.0.0.3'];
  fake.faults.onlyOnKilled = true;
  const away = { code: 'HDFS_AWAY', message: 'HDFS does not answer' };
  await assert.rejects(hdfs.open('/kept'), away);
  await assert.rejects(hdfs.create('/new', Readable.from(['content'])), away);
  assert.equal(fake.files.has('/new'), false);
  fake.faults.wrongLocation = '127.0.0.4:1';
  await assert.rejects(hdfs.open('/kept'), away);
});

test('a reader that begins after the DataNode has sent everything and closed the connection gets all of it', async (t) => {
  const { fake, hdfs } = await start(t);
  // More than is kept for a reader who is late, and little enough to be there as a whole with the end behind it.
  const content = Buffer.alloc(100_000, 'x');
  fake.put('/kept', content);
  const opened = await hdfs.open('/kept');
  const isThere = async () => opened.readableLength === content.length && (await fake.connections()) === 0;
  await pWaitFor(isThere, { interval: 10 });
  // The end itself comes with one of the next turns of the event loop.
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  assert.deepEqual(await buffer(opened), content);
});

test('a transfer that breaks off goes on as long as the file is the same', async (t) => {
  const { fake, hdfs } = await start(t);
  const content = randomBytes(100_000);
  const read = async (path: string, options: OpenOptions) => await buffer(await hdfs.open(path, options));
  fake.put('/kept', content, 1);
  const found = await hdfs.status('/kept');
  fake.faults.cutAfterBytes = 30_000;
  assert.deepEqual(await read('/kept', { found }), content);
  assert.deepEqual(await read('/kept', { found, offset: 10, length: 80_000 }), content.subarray(10, 80_010));
  await assert.rejects(read('/kept', {}), 'who does not say what was found gets what came');
  fake.put('/kept', content, 2);
  await assert.rejects(read('/kept', { found }), { code: 'HDFS_AWAY', message: /written anew/ });
  fake.faults.cutAfterBytes = 0;
  await assert.rejects(read('/kept', { found: await hdfs.status('/kept') }), { code: 'HDFS_AWAY' });
  assert.equal(fake.transfers, 0);
});

test('a caller that gives up while a DataNode is asked gets its own reason', async (t) => {
  const { fake, hdfs } = await start(t);
  fake.faults.killed = ['127.0.0.2'];
  const given = new AbortController();
  given.abort(new Error('enough'));
  await assert.rejects(hdfs.create('/new', Readable.from(['content']), { signal: given.signal }), {
    message: 'enough',
  });
  await assert.rejects(hdfs.open('/new', { signal: given.signal }), { message: 'enough' });
});

test('a file is kept on as many DataNodes as there are, three at most, or as the project file says', async (t) => {
  const fake = await startFakeHdfs();
  t.after(() => fake.close());
  const write = async (replication: 'auto' | number, liveDataNodes: number): Promise<number> => {
    fake.faults.liveDataNodes = liveDataNodes;
    const hdfs = createWebHdfs({ nameNode: fake.url, dataSubnet: '127.0.0.0/8', replication });
    const path = `/${replication}-${liveDataNodes}`;
    await hdfs.create(path, Readable.from(['content']));
    const { replication: written } = await hdfs.status(path);
    await hdfs.close();
    return written;
  };
  assert.equal(await write('auto', 1), 1);
  assert.equal(await write('auto', 2), 2);
  assert.equal(await write('auto', 7), 3);
  assert.equal(await write(2, 5), 2);
  // No DataNode lives: HDFS itself says so, or waits for one, with its own default.
  assert.equal(await write('auto', 0), 3);
});
