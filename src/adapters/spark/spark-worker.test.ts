import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { readExecutorOutput, readWorkerExecutors } from './spark-worker.ts';

const options = { timeoutMs: 5_000 };
const executor = { application: 'app-20261122223208-0000', executor: '0' };

/** As Spark 4.2 answers. */
async function withWorker(answer: string, work: (url: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('executors that run and those that ended', async () => {
  const one = (id: number) => ({ id, memory: 512, appid: executor.application });
  await withWorker(
    JSON.stringify({ id: 'w', executors: [one(1)], finishedexecutors: [one(0)] }),
    async (url, asked) => {
      const found = await readWorkerExecutors(url, options);
      assert.deepEqual(
        found.map((found) => found.executor),
        ['1', '0'],
      );
      assert.deepEqual(asked, ['/json/']);
    },
  );
  for (const strange of [
    '{}',
    'text',
    JSON.stringify({ executors: [{ id: '../x', appid: 'a' }], finishedexecutors: [] }),
  ]) {
    await withWorker(strange, async (url) => {
      await assert.rejects(readWorkerExecutors(url, options));
    });
  }
});

test('the end of what an executor wrote', async () => {
  const head = '==== Bytes 16076-16276 of 16276 of /tmp/spark-work/app-20261122223208-0000/0/stderr ====\n';
  await withWorker(`${head}==== a line ====\nlast\n`, async (url, asked) => {
    const output = await readExecutorOutput(url, executor, 'stderr', 200, options);
    assert.deepEqual(output, { text: '==== a line ====\nlast\n', totalBytes: 16_276 });
    assert.deepEqual(asked, [`/log/?appId=${executor.application}&executorId=0&logType=stderr&byteLength=200`]);
  });
});

test('an executor whose folder the worker removed has no output, another answer is an error', async () => {
  const folder = '/tmp/spark-work/app-20261122223208-0000/9/';
  const gone = `==== Bytes 0-0 of 0 of ${folder}stderr ====\nError: invalid log directory ${folder}`;
  await withWorker(gone, async (url) => {
    assert.equal(await readExecutorOutput(url, executor, 'stderr', 200, options), null);
  });
  await withWorker('<html>', async (url) => {
    await assert.rejects(readExecutorOutput(url, executor, 'stdout', 200, options), /something else than a log/);
  });
});
