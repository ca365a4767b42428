import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createVolumeLabels } from './volume-labels.ts';

/** Reads through a socket behind which `answer` is the engine. */
async function readFrom(answer: RequestListener): Promise<readonly Readonly<Record<string, string>>[]> {
  const socket = join(mkdtempSync(join(tmpdir(), 'sparkplug-volumes-')), 'docker.sock');
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const volumes = createVolumeLabels(socket);
  try {
    return await volumes.read('sparkplug.notice', { timeoutMs: 200 });
  } finally {
    await volumes.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('the labels of those that have the label, also where the engine has none at all', async () => {
  let asked = '';
  const labels = { 'sparkplug.notice': 'stop' };
  const read = await readFrom((request, response) => {
    asked = decodeURIComponent(request.url ?? '');
    response.end(
      JSON.stringify({
        Volumes: [
          { Name: 'a', Labels: labels },
          { Name: 'b', Labels: null },
        ],
        Warnings: null,
      }),
    );
  });
  assert.deepEqual(read, [labels, {}]);
  assert.equal(asked, '/volumes?filters={"label":["sparkplug.notice"]}');
  assert.deepEqual(await readFrom((_request, response) => response.end('{"Volumes":null}')), []);
});

test('an engine that is silent or fails throws in time', async () => {
  await assert.rejects(
    readFrom(() => undefined),
    { name: 'TimeoutError' },
  );
  const fails: RequestListener = (_request, response) => {
    response.statusCode = 500;
    response.end('{}');
  };
  await assert.rejects(readFrom(fails), /the engine answered 500/);
});
