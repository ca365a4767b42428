import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import { createFakeClock, settle } from '../runs/run-bench.fixture.ts';
import {
  chooseReplication,
  type DrainDataNodesRequest,
  drainDataNodes,
  forgetDataNodes,
  raiseReplication,
} from './drain-datanodes.ts';
import { createFakeNameNode, type FakeNameNode } from './name-node.fixture.ts';

const gib = 1024 ** 3;
const leaving = (hostName: string) => ({ hostName, port: 9866, adminState: 'DECOMMISSIONED' }) as const;

const three = ['datanode-1', 'datanode-2', 'datanode-3'];

/** Three DataNodes; `count` files of one block each on datanode-3 and another one, or as `holders` says. */
function open(count = 9, replication = 2, holders: readonly string[] = ['datanode-1', 'datanode-3'], names = three) {
  const node = createFakeNameNode(names);
  for (let index = 0; index < count; index += 1) {
    node.files.push({ path: `/data/${index}`, replication, bytes: gib, holders: new Set(holders) });
  }
  const clock = createFakeClock();
  const shutdown = new AbortController();
  const abort = new AbortController();
  const events: ProgressEvent[] = [];
  const request: DrainDataNodesRequest = {
    datanodes: ['datanode-3'],
    remaining: ['datanode-1', 'datanode-2'],
    replication: 'auto',
    force: false,
    report: (event) => void events.push(event),
    signal: AbortSignal.any([abort.signal, shutdown.signal]),
  };
  const drain = (changes: Partial<DrainDataNodesRequest> = {}) =>
    drainDataNodes({ nameNode: node.admin, clock, shutdown: shutdown.signal }, { ...request, ...changes });
  /** Turns the clock until the work is over. */
  const finish = async (work: Promise<void>, limitMs = 600_000): Promise<void> => {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    ended.catch(() => undefined);
    for (let waited = 0; !done && waited < limitMs; waited += 1_000) {
      await settle();
      await clock.advance(1_000);
    }
    if (!done) throw new Error('still draining');
    await ended;
  };
  const details = () => events.flatMap((event) => (event.kind === 'step-progress' ? [event.detail] : []));
  return { node, clock, shutdown, abort, events, drain, finish, details };
}

/** No block would be missed without datanode-3. */
function isSafe(node: FakeNameNode): boolean {
  return node.files.every(({ holders, replication }) => {
    const others = [...holders].filter((name) => name !== 'datanode-3' && !node.dead.has(name));
    return others.length >= Math.min(replication, 2);
  });
}

test('blocks are copied, and only then it ends; progress counts them down', async () => {
  const { node, drain, finish, details } = open();
  await finish(drain());
  assert.ok(isSafe(node));
  assert.deepEqual(node.entries, [leaving('datanode-3')]);
  assert.deepEqual(details().slice(0, 3), [
    'datanode-3: 7 of 9 blocks left',
    'datanode-3: 5 of 9 blocks left',
    'datanode-3: 3 of 9 blocks left',
  ]);
  await forgetDataNodes(node.admin, ['datanode-3']);
  assert.deepEqual(node.entries, []);
});

test('killed at any point and called again it ends the same, with nothing lost in between', async () => {
  let crashes = 0;
  for (let failAfter = 0; ; failAfter += 1) {
    const { node, drain, finish } = open(9, 3);
    node.failAfter = failAfter;
    // A NameNode that says nothing is waited for; this one dies with whoever asks.
    const first = await finish(drain(), 30_000).then(
      () => 'done',
      () => 'crashed',
    );
    if (first === 'done') break;
    crashes += 1;
    node.failAfter = null;
    await finish(drain());
    assert.ok(isSafe(node), `after a crash at call ${failAfter}`);
    assert.deepEqual(node.entries, [leaving('datanode-3')]);
    assert.ok(node.files.every(({ replication }) => replication === 2));
  }
  assert.ok(crashes > 10, `${crashes} crashes`);
});

test('under auto the replication goes down once the DataNode counts no more, to 2 while two stay, and to 1 for the last', async () => {
  const three = open(3, 3, ['datanode-1', 'datanode-2', 'datanode-3']);
  await three.finish(three.drain());
  assert.deepEqual(three.node.calls.slice(0, 3), ['scan', 'set datanode-3', 'replication 2']);
  await three.finish(three.drain({ datanodes: ['datanode-2', 'datanode-3'], remaining: ['datanode-1'] }));
  assert.ok(three.node.files.every(({ replication }) => replication === 1));
});

test('what a job writes meanwhile with the old replication is lowered too', async () => {
  const { node, drain, clock, finish } = open(40, 2);
  const work = drain();
  await settle();
  await clock.advance(3_000);
  node.files.push({
    path: '/late',
    replication: 3,
    bytes: 1,
    holders: new Set(['datanode-3', 'datanode-1', 'datanode-2']),
  });
  await finish(work);
  assert.equal(node.files.at(-1)?.replication, 2);
});

test('a number is a floor that refuses, with the arithmetic and nothing changed', async () => {
  const floor = open();
  await assert.rejects(floor.finish(floor.drain({ replication: 3 })), {
    code: 'REPLICATION_IMPOSSIBLE',
    message: '3 replicas (hdfs.replication) need 3 DataNodes, 2 stay',
  });
  const file = open(2, 3);
  await assert.rejects(file.finish(file.drain({ replication: 2 })), {
    message: '3 replicas of /data/0 need 3 DataNodes, 2 stay',
  });
  file.node.dead.add('datanode-2');
  await assert.rejects(file.finish(file.drain({ replication: 2 })), {
    message: '2 replicas (hdfs.replication) need 2 DataNodes, 1 stays live (1 more is away)',
  });
  assert.deepEqual([floor.node.entries, file.node.entries], [[], []]);
});

test('auto never goes below two while two stay, though one of them is away', async () => {
  const { node, drain, finish } = open(2, 3);
  node.dead.add('datanode-2');
  await assert.rejects(finish(drain()), {
    code: 'REPLICATION_IMPOSSIBLE',
    message: '2 replicas (hdfs.replication: auto) need 2 DataNodes, 1 stays live (1 more is away)',
    hint: /start the machine that is away again/,
  });
  assert.deepEqual([node.entries, node.files[0]?.replication], [[], 3]);
});

test('one that stays and has just been started is waited for, and nothing is refused', async () => {
  const { node, clock, drain, finish, details } = open(4);
  node.dead.add('datanode-2');
  const work = drain();
  await settle();
  await clock.advance(20_000);
  assert.deepEqual([node.entries, details()], [[], ['waiting for datanode-2']]);
  node.dead.delete('datanode-2');
  await finish(work);
  assert.ok(isSafe(node));
});

test('one that is to take blocks and goes in the middle is named, and after a while what would be refused is', async () => {
  const { node, clock, drain, finish, details } = open(40, 2, ['datanode-3', 'datanode-1']);
  const work = drain();
  await settle();
  await clock.advance(3_000);
  node.dead.add('datanode-2');
  await assert.rejects(finish(work), { code: 'REPLICATION_IMPOSSIBLE', message: /1 stays live \(1 more is away\)/ });
  assert.ok(
    details().some((detail) => /blocks left; datanode-2 does not answer$/.test(detail)),
    details().join('\n'),
  );
  // What was begun is not forgotten: the same call goes on once it is back.
  node.dead.delete('datanode-2');
  await finish(drain());
  assert.ok(isSafe(node));
});

test('back in time, it changes nothing', async () => {
  const { node, clock, drain, finish } = open(40, 2, ['datanode-3', 'datanode-1']);
  const work = drain();
  await settle();
  await clock.advance(3_000);
  node.dead.add('datanode-2');
  for (let waited = 0; waited < 100; waited += 1) {
    await settle();
    await clock.advance(1_000);
  }
  node.dead.delete('datanode-2');
  await finish(work);
  assert.ok(isSafe(node));
  assert.ok(node.files.every(({ replication }) => replication === 2));
});

test('of three that stay one goes in the middle: files get two replicas, and the third is owed', async () => {
  const names = ['datanode-1', 'datanode-2', 'datanode-3', 'datanode-4'];
  const { node, clock, drain, finish } = open(40, 3, ['datanode-1', 'datanode-2', 'datanode-3'], names);
  const owed: string[] = [];
  const owe = () => void owed.push('owed');
  const work = drain({ remaining: ['datanode-1', 'datanode-2', 'datanode-4'], owe });
  await settle();
  await clock.advance(2_000);
  assert.deepEqual(owed, []);
  node.dead.add('datanode-4');
  await finish(work);
  assert.deepEqual([owed, new Set(node.files.map(({ replication }) => replication))], [['owed'], new Set([2])]);
});

test('no room on the others, and the last DataNode, are refused', async () => {
  const full = open(250);
  await assert.rejects(full.finish(full.drain()), {
    code: 'HDFS_NO_ROOM',
    message: 'datanode-3 holds 250 GiB that must be copied, 200 GiB are free on the others',
  });
  const last = { datanodes: ['datanode-1', 'datanode-2', 'datanode-3'], remaining: [] };
  await assert.rejects(full.finish(full.drain(last)), { code: 'DATANODE_HOLDS_DATA' });
  assert.deepEqual(full.node.entries, []);
});

test('cancelled it is back in service with as many replicas as before; a restart takes nothing back', async () => {
  const cancelled = open(40, 3);
  const work = cancelled.drain();
  await settle();
  await cancelled.clock.advance(2_000);
  cancelled.abort.abort(new Error('cancelled'));
  await assert.rejects(cancelled.finish(work), /cancelled/);
  assert.deepEqual(cancelled.node.entries, []);
  assert.ok(cancelled.node.files.every(({ replication }) => replication === 3));

  const stopped = open(40);
  const interrupted = stopped.drain();
  await settle();
  await stopped.clock.advance(2_000);
  stopped.shutdown.abort(new Error('the scheduler stops'));
  await assert.rejects(stopped.finish(interrupted), /stops/);
  assert.deepEqual(stopped.node.entries, [leaving('datanode-3')]);
});

test('a DataNode that dies in its drain is waited for; what is missed then is said', async () => {
  const { node, drain, clock, finish, details } = open(40, 1, ['datanode-3']);
  const work = drain();
  await settle();
  await clock.advance(2_000);
  node.dead.add('datanode-3');
  await assert.rejects(finish(work), {
    code: 'DATANODE_LOST',
    message: /^datanode-3 died .*: 3\d blocks have no other copy$/,
  });
  assert.ok(details().includes('datanode-3 does not answer'));
  node.dead.delete('datanode-3');
  await finish(drain());
  assert.ok(node.files.every(({ holders }) => holders.size > 1));
});

test('one that dies with every block elsewhere can go', async () => {
  const { node, drain, clock, finish } = open(40);
  const work = drain();
  await settle();
  await clock.advance(2_000);
  node.dead.add('datanode-3');
  await finish(work);
  assert.ok(isSafe(node));
});

test('force says exactly what is lost, and waits for nothing', async () => {
  const { node, drain, events } = open(2, 1, ['datanode-3']);
  await drain({ force: true });
  assert.deepEqual(events, [
    { kind: 'warning', text: 'lost with datanode-3: 2 blocks of 2 files (2 GiB): /data/0, /data/1' },
  ]);
  assert.deepEqual(node.entries, [leaving('datanode-3')]);
});

test('safe mode is waited for', async () => {
  const { node, drain, clock, finish, details } = open(1);
  node.safeMode = true;
  const work = drain();
  await settle();
  await clock.advance(2_000);
  assert.deepEqual(details(), ['waiting for the NameNode']);
  node.safeMode = false;
  await finish(work);
});

test('a NameNode that is away for a moment is waited for', async () => {
  const { node, drain, clock, finish } = open(9);
  const work = drain();
  await settle();
  await clock.advance(2_000);
  const { findBlocksOnlyOn } = node.admin;
  let failures = 3;
  node.admin.findBlocksOnlyOn = async (...args) => {
    failures -= 1;
    if (failures >= 0) throw new SparkPlugError('HDFS_AWAY', 'restarts');
    return await findBlocksOnlyOn(...args);
  };
  await finish(work);
  assert.deepEqual([failures, isSafe(node)], [-1, true]);
});

test('one that joins brings up to three replicas', async () => {
  const { node, events } = open(2, 2);
  const report = (event: ProgressEvent) => void events.push(event);
  await raiseReplication({ nameNode: node.admin }, { datanodes: 5, report, signal: new AbortController().signal });
  assert.ok(node.files.every(({ replication }) => replication === 3));
  assert.deepEqual(events, [{ kind: 'note', text: '2 files get 3 replicas' }]);
  assert.deepEqual([0, 1, 2, 3, 9].map(chooseReplication), [1, 1, 2, 3, 3]);
});
