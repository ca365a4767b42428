import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bench, createBench, settle } from './run-bench.fixture.ts';
import { type NumberedEvent, streamRunEvents } from './run-events.ts';

async function collect(bench: Bench, run: string, from = 0): Promise<NumberedEvent[]> {
  const events: NumberedEvent[] = [];
  for await (const event of streamRunEvents(bench.context, run, from, new AbortController().signal)) events.push(event);
  return events;
}

function brief({ event }: NumberedEvent): string {
  if (event.kind === 'log') return event.line;
  return event.kind === 'progress' ? 'progress' : `${event.kind}:${event.run.state}`;
}

async function finishedRun(): Promise<{ bench: Bench; run: string }> {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  for (const line of ['one', '', 'drei ü']) bench.drivers.log(run, line);
  bench.drivers.finish(run, 0);
  await bench.queue.settled();
  return { bench, run };
}

test('a finished run replays its log, its last state and an end', async () => {
  const { bench, run } = await finishedRun();
  const events = await collect(bench, run);
  assert.deepEqual(events.map(brief), ['one', '', 'drei ü', 'state:succeeded', 'end:succeeded']);
  await bench.stop();
});

test('numbers rise strictly, and going on behind any of them neither repeats nor misses a line', async () => {
  const { bench, run } = await finishedRun();
  const all = await collect(bench, run);
  all.reduce((last, { seq }) => {
    assert.ok(seq > last);
    return seq;
  }, -1);
  // Behind `end` there is nothing to go on with.
  for (const [index, { seq }] of all.slice(0, -1).entries()) {
    const rest = await collect(bench, run, seq + 1);
    assert.deepEqual(rest.map(brief), all.slice(index + 1).map(brief));
    assert.ok(rest.every((event) => event.seq > seq));
  }
  await bench.stop();
});

test('a living run is followed line by line until it ends', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  const seen: string[] = [];
  const following = (async () => {
    for await (const event of streamRunEvents(bench.context, run, 0, new AbortController().signal))
      seen.push(brief(event));
  })();
  /** File reads take real turns of the event loop: as many as they need. */
  const see = async (text: string): Promise<void> => {
    while (!seen.includes(text)) await settle();
  };
  await see('state:running');
  bench.drivers.log(run, 'one');
  await see('one');
  bench.drivers.log(run, 'two');
  await see('two');
  bench.context.runs.update(run, {
    progress: { stagesDone: 0, stagesTotal: 1, tasksDone: 1, tasksTotal: 2, stage: 'x' },
  });
  await see('progress');
  bench.drivers.finish(run, 0);
  await following;
  assert.deepEqual(seen.filter((text) => ['one', 'two', 'progress'].includes(text)).sort(), ['one', 'progress', 'two']);
  assert.equal(seen[0], 'state:running');
  assert.deepEqual(seen.slice(-2), ['state:succeeded', 'end:succeeded']);
  await bench.stop();
});

test('who leaves is not waited for', async () => {
  const bench = createBench();
  const run = bench.submit('predict');
  await settle();
  const left = new AbortController();
  const reading = (async () => {
    for await (const _ of streamRunEvents(bench.context, run, 0, left.signal));
  })();
  await settle();
  left.abort(new Error('left'));
  await assert.rejects(reading, /left/);
  await bench.stop();
});
