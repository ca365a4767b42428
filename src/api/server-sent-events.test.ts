import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatServerSentEvent } from './server-sent-events.fixture.ts';
import { parseServerSentEvents, type ServerSentEvent } from './server-sent-events.ts';

async function parse(...chunks: (string | Uint8Array)[]): Promise<ServerSentEvent[]> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
  const events: ServerSentEvent[] = [];
  for await (const event of parseServerSentEvents(bytes())) events.push(event);
  return events;
}

describe('server-sent events', () => {
  it('keep id, name and data, and drop comments', async () => {
    assert.deepEqual(await parse(': hello\n\nid: 7\nevent: log\ndata: a\ndata:b\n\ndata\n\n'), [
      { event: 'log', id: '7', data: 'a\nb' },
      { event: 'message', id: '7', data: '' },
    ]);
  });

  it('end their lines with CR, LF or both', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = ['event: x', 'data: 1', '', 'data: 2', '', ''].join(end);
      const events = await parse(text);
      assert.deepEqual(
        events.map(({ data }) => data),
        ['1', '2'],
        JSON.stringify(end),
      );
    }
  });

  it('that are unfinished at the end are not delivered', async () => {
    assert.deepEqual(await parse('data: whole\n\ndata: half\n'), [{ event: 'message', id: '', data: 'whole' }]);
  });

  it('survive any cut into chunks', async () => {
    const text = Buffer.from(
      formatServerSentEvent('log', { line: 'grüße ✓ 😀' }, 1) +
        formatServerSentEvent('end', { ok: true }, 2).replaceAll('\n', '\r\n'),
    );
    const whole = await parse(text);
    assert.equal(whole.length, 2);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 12 }), async (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        const chunks = ends.map((end, index) => text.subarray(ends[index - 1] ?? 0, end));
        assert.deepEqual(await parse(...chunks), whole);
      }),
    );
  });
});
