import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { readNameNode } from './namenode/name-node.ts';
import { readApplicationId, readSparkSettings, readStages } from './spark/spark-driver.ts';
import { readMaster } from './spark/spark-master.ts';
import { createWebInternal } from './web/web-internal.ts';

/** Answers each path with a status and a text; null: stays silent. */
async function serve(answers: Readonly<Record<string, readonly [number, unknown] | null>>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    const answer = answers[request.url ?? ''];
    if (answer === null) return;
    const [status, body] = answer ?? [404, ''];
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const timeoutMs = 5_000;

test("the master's workers and applications", async () => {
  const worker = {
    id: 'w',
    host: '10.0.0.9',
    port: 1,
    cores: 2,
    coresused: 1,
    memory: 4096,
    memoryused: 1024,
    state: 'DEAD',
  };
  const app = { id: 'app-1', name: 'x', cores: 2, memoryperexecutor: 1024, memoryperslave: 1024, state: 'RUNNING' };
  const server = await serve({
    '/json/': [200, { status: 'ALIVE', workers: [worker], activeapps: [app], url: 'spark://x' }],
  });
  const master = await readMaster(server.url, { timeoutMs });
  assert.deepEqual(master.workers[0], {
    id: 'w',
    host: '10.0.0.9',
    alive: false,
    cores: 2,
    coresUsed: 1,
    memoryMiB: 4096,
    memoryUsedMiB: 1024,
  });
  assert.equal(master.applications[0]?.executorMemoryMiB, 1024);
  server.close();
});

test("a driver's application, stages and settings", async () => {
  const stage = {
    stageId: 3,
    attemptId: 1,
    status: 'SKIPPED',
    name: 'scan',
    numTasks: 8,
    numCompleteTasks: 0,
    extra: [],
  };
  const server = await serve({
    '/api/v1/applications': [200, [{ id: 'app-1', name: 'x' }]],
    '/api/v1/applications/app-1/stages': [200, [stage]],
    '/api/v1/applications/app-1/environment': [200, { sparkProperties: [['spark.executor.cores', '2']] }],
  });
  assert.equal(await readApplicationId(server.url, { timeoutMs }), 'app-1');
  assert.deepEqual(await readStages(server.url, 'app-1', { timeoutMs }), [
    { id: 3, attempt: 1, state: 'SKIPPED', name: 'scan', tasks: 8, tasksDone: 0 },
  ]);
  assert.equal((await readSparkSettings(server.url, 'app-1', { timeoutMs })).get('spark.executor.cores'), '2');
  server.close();
});

test("the NameNode's state, with JSON inside its JSON", async () => {
  const live = {
    'datanode-1:9866': {
      xferaddr: '10.2.0.8:9866',
      infoAddr: '10.2.0.8:9864',
      adminState: 'In Service',
      capacity: 10,
      remaining: 4,
    },
  };
  const dead = { 'datanode-2:9866': {}, 'datanode-1:9866': {} };
  const facts = {
    CapacityTotal: 10,
    CapacityUsed: 2,
    CapacityRemaining: 4,
    MissingBlocks: 0,
    UnderReplicatedBlocks: 1,
    CorruptBlocks: 2,
  };
  const server = await serve({
    '/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo': [
      200,
      { beans: [{ Safemode: 'on', LiveNodes: JSON.stringify(live), DeadNodes: JSON.stringify(dead) }] },
    ],
    '/jmx?qry=Hadoop:service=NameNode,name=FSNamesystem': [200, { beans: [facts] }],
    '/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState': [200, { beans: [{ NumStaleStorages: 1 }] }],
  });
  const state = await readNameNode(server.url, { timeoutMs });
  assert.deepEqual([state.safeMode, state.underReplicatedBlocks, state.staleStorages], [true, 1, 1]);
  assert.deepEqual([state.corruptBlocks, state.dead], [2, ['datanode-2']]);
  assert.deepEqual(state.live[0], {
    host: 'datanode-1',
    address: '10.2.0.8',
    adminState: 'In Service',
    capacityBytes: 10,
    remainingBytes: 4,
  });
  server.close();
});

test('silence, nonsense and failures are errors, in time', async () => {
  const server = await serve({ '/json/': null });
  await assert.rejects(readMaster(server.url, { timeoutMs: 50 }), /timeout/i);
  server.close();
  const broken = await serve({ '/json/': [200, '<html>'] });
  await assert.rejects(readMaster(broken.url, { timeoutMs }));
  broken.close();
  await assert.rejects(readMaster(broken.url, { timeoutMs }));
});

test("web's refusals keep their code; silence is WEB_AWAY", async () => {
  const signal = new AbortController().signal;
  const request = { run: 'r', job: 'j', results: [] };
  const problem = { code: 'RESULT_KEY_MISSING', detail: 'no column id', hint: 'correct `key`' };
  const server = await serve({ '/internal/publications': [422, problem], '/internal/versions': [204, ''] });
  const web = createWebInternal(async () => server.url, 's3');
  await assert.rejects(web.publish(request, signal), {
    code: 'RESULT_KEY_MISSING',
    message: 'no column id',
    hint: 'correct `key`',
  });
  await web.removeVersions(['r'], signal);
  assert.deepEqual(server.asked, ['POST /internal/publications Bearer s3', 'DELETE /internal/versions Bearer s3']);
  server.close();
  await assert.rejects(web.publish(request, signal), { code: 'WEB_AWAY' });
});
