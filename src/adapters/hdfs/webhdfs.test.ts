import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { startFakeHdfs } from './webhdfs.fixture.ts';
import { createWebHdfs } from './webhdfs.ts';

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
