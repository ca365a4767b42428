import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createNameNodeAdmin } from './name-node-admin.ts';

const live = (address: string, adminState: string) => ({
  xferaddr: `${address}:9866`,
  location: '/machine-a',
  adminState,
  capacity: 100,
  used: 40,
  remaining: 60,
  numBlocks: 7,
});
const info = {
  LiveNodes: JSON.stringify({
    'datanode-2:9866': live('10.0.1.2', 'Decommission In Progress'),
    'datanode-1:9866': live('10.0.1.1', 'In Service'),
  }),
  DecomNodes: JSON.stringify({ 'datanode-2:9866': { underReplicatedBlocks: 4, underReplicateInOpenFiles: 1 } }),
  DeadNodes: JSON.stringify({
    // Its disk was empty when it came back: another DataNode of the same name.
    'datanode-1:9866': { xferaddr: '10.0.1.9:9866', location: '/machine-a', adminState: 'In Service' },
    'datanode-3:9866': { xferaddr: '10.0.1.3:9866', location: '/machine-b', adminState: 'Decommissioned' },
  }),
};
const block = (number: number, ...addresses: readonly string[]) =>
  `${number}. BP:blk_${number}_1 len=10 Live_repl=2  [${addresses.map((one) => `DatanodeInfoWithStorage[${one}:9866,DS,DISK](LIVE)`).join(', ')}]`;
const fsck = `/a 20 bytes, replicated: replication=2, 2 block(s):  OK
${block(0, '10.0.1.1', '10.0.1.2')}
${block(1, '10.0.1.2')}
/b c 10 bytes, replicated: replication=3, 1 block(s):  OK
${block(0, '10.0.1.1')}
/gone 10 bytes, replicated: replication=3, 1 block(s):  OK
FSCK ended at now in 1 milliseconds
`;

const changed: string[] = [];
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://namenode');
  if (pathname === '/fsck') response.end(fsck);
  else if (pathname === '/jmx') response.end(JSON.stringify({ beans: [info] }));
  else if (pathname.endsWith('/gone')) response.writeHead(404).end('{}');
  else {
    changed.push(`${request.method} ${pathname} ${searchParams.get('op')} ${searchParams.get('replication')}`);
    response.end('{"boolean":true}');
  }
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => server.close());

/** A container that keeps the one file that is written there. */
function createAdmin() {
  const container = { file: '[]', refreshed: 0, exitCode: 0 };
  const admin = createNameNodeAdmin({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    container: async () => 'c1',
    docker: {
      exec: async (_id, command, options) => {
        if (options?.input !== undefined) {
          container.file = options.input;
          assert.match(command.join(' '), /-refreshNodes/);
          container.refreshed += 1;
        }
        return { stdout: container.file, stderr: 'refused', exitCode: container.exitCode };
      },
    },
  });
  return { admin, container };
}

test('DataNodes by the name of their service, whatever address they have', async () => {
  const { admin } = createAdmin();
  const found = await admin.listDataNodes();
  assert.deepEqual(
    found.map(({ name, address, state, released, underReplicatedBlocks }) => [
      name,
      address,
      state,
      released,
      underReplicatedBlocks,
    ]),
    [
      ['datanode-1', '10.0.1.1:9866', 'live', false, 0],
      ['datanode-2', '10.0.1.2:9866', 'decommissioning', false, 5],
      ['datanode-3', '10.0.1.3:9866', 'dead', true, 0],
    ],
  );
});

test('only those that leave are written, since a NORMAL entry would shut out all others', async () => {
  const { admin, container } = createAdmin();
  await admin.setMembership([
    { hostName: 'datanode-1', port: 9866, adminState: 'NORMAL' },
    { hostName: 'datanode-2', port: 9866, adminState: 'DECOMMISSIONED' },
  ]);
  assert.deepEqual(await admin.membership(), [{ hostName: 'datanode-2', port: 9866, adminState: 'DECOMMISSIONED' }]);
  assert.equal(container.refreshed, 1);
  container.exitCode = 1;
  await assert.rejects(admin.setMembership([]), { code: 'HDFS_AWAY', met: 'refused' });
});

test('what only some DataNodes hold, and the highest replication', async () => {
  const { admin } = createAdmin();
  const { files, blocks, bytes, examples } = await admin.findBlocksOnlyOn(['datanode-2']);
  assert.deepEqual([files, blocks, bytes, examples], [1, 1, 10, ['/a']]);
  assert.equal((await admin.findBlocksOnlyOn(['datanode-1', 'datanode-2'])).blocks, 3);
  assert.deepEqual(await admin.highestReplication(), { replicas: 3, path: '/b c' });
});

test('replication is set where it differs; a file that went meanwhile is none', async () => {
  const { admin } = createAdmin();
  assert.equal(await admin.setReplication(2), 1);
  assert.deepEqual(changed, ['PUT /webhdfs/v1/b%20c SETREPLICATION 2']);
  assert.equal(await admin.setReplication(3, undefined, 'above'), 0);
  assert.equal(await admin.setReplication(3), 1);
});
