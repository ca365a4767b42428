// Readers that stop in the middle of a log: 200 at once cost a bounded amount of memory and keep nobody else waiting.
// Needs no Docker; it fills the buffers of 400 connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import pWaitFor from 'p-wait-for';
import { startTestWeb, tokens } from '../../src/conductor/web-server.fixture.ts';

const readers = 200;
/** Socket buffers of two connections and the streams between them; a log is endless here. */
const mostBytesEach = 16 * 1024 * 1024;

test('logs are sent at the pace of their readers', async () => {
  const web = await startTestWeb();
  let produced = 0;
  let open = 0;
  web.scheduler.answer = (_request, response) => {
    open += 1;
    response.on('close', () => {
      open -= 1;
    });
    const piece = Buffer.alloc(64 * 1024, 'x');
    Readable.from(
      (function* () {
        for (;;) {
          produced += piece.length;
          yield piece;
        }
      })(),
    ).pipe(response.writeHead(200, { 'content-type': 'text/plain' }));
  };
  try {
    const url = new URL(`${web.url}/api/v1/runs/predict-1/logs`);
    const answers = await Promise.all(
      Array.from({ length: readers }, async () => {
        const asked = httpRequest(url, { agent: false, headers: { authorization: `Bearer ${tokens.read}` } }).end();
        const [answer] = (await once(asked, 'response')) as [IncomingMessage];
        return answer.pause();
      }),
    );
    assert.equal(open, readers);
    // Nothing moves any more once all buffers are full.
    let before = -1;
    const standsStill = () => {
      const still = produced === before;
      before = produced;
      return still;
    };
    await pWaitFor(standsStill, { interval: 200, timeout: 60_000 });
    assert.ok(produced < readers * mostBytesEach, `${produced} bytes were taken`);
    assert.equal((await web.fetch('/api/v1/results')).status, 200);
    for (const answer of answers) answer.destroy();
    await pWaitFor(() => open === 0, { interval: 20, timeout: 30_000 });
  } finally {
    await web.close();
  }
});
