import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock, epoch, settle } from '../run-bench.fixture.ts';
import { createScheduleBench, every, nightly, type ScheduleBench } from './schedule-bench.fixture.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
// The bench's clock begins on 1 March at 12:00 UTC.

function outcomes({ store }: ScheduleBench, job: string): readonly (string | undefined)[] {
  return [store.lastTick(job)?.outcome, new Date(store.lastTick(job)?.at ?? 0).toISOString().slice(5, 16)];
}

async function begin(rules: Readonly<Record<string, unknown>>, job = {}): Promise<ScheduleBench> {
  const schedules = createScheduleBench(rules, job);
  schedules.keeper.start();
  await settle();
  return schedules;
}

/** Puts the clock forward to 70 s before, and lets those pass: within 60 s it is noticed. */
async function advanceTo({ bench }: ScheduleBench, time: string): Promise<void> {
  bench.clock.jump(Date.parse(time) - bench.clock.now() - 70_000);
  await bench.clock.advance(70_000);
}

/** Stops it, lets time pass, and starts a new one. */
async function restart(schedules: ScheduleBench, downMs = 0): Promise<ScheduleBench> {
  await schedules.stop();
  schedules.bench.clock.jump(downMs);
  const next = schedules.reopen();
  next.bench.queue.start();
  next.keeper.start();
  await settle();
  return next;
}

test('each tick makes one run of the last up, marked with its moment', async () => {
  const schedules = await begin({ a: nightly }, { args: ['--x'], retries: 1 });
  schedules.bench.clock.jump(15 * hour - 2 * minute);
  await schedules.bench.clock.advance(2 * minute - 1);
  assert.deepEqual(schedules.ticks(), []);
  await schedules.bench.clock.advance(1);
  await schedules.finishAll();
  await advanceTo(schedules, '2026-03-03T03:00:10Z');
  assert.deepEqual(schedules.ticks(), ['a 03-02T03:00', 'a 03-03T03:00']);
  const [first] = schedules.runs();
  assert.deepEqual([first?.trigger, first?.tick, first?.args], ['schedule', '2026-03-02T03:00:00.000Z', ['--x']]);
  assert.deepEqual(first?.queuedAt, '2026-03-02T03:00:00.000Z');
  assert.equal(first?.image, 'app:1');
  await schedules.stop();
});

test('ticks of several jobs at one moment all count, in the order of the file', async () => {
  const schedules = await begin({ b: nightly, a: nightly, c: { ...nightly, cron: '0 4 * * *' }, none: null });
  await advanceTo(schedules, '2026-03-02T03:00:10Z');
  await schedules.finishAll();
  await advanceTo(schedules, '2026-03-02T04:00:10Z');
  assert.deepEqual(schedules.ticks(), ['b 03-02T03:00', 'a 03-02T03:00', 'c 03-02T04:00']);
  await schedules.stop();
});

test('retries and the timeout hold for scheduled runs', async () => {
  const schedules = await begin({ a: nightly }, { retries: 1, timeoutMs: 10 * minute });
  await advanceTo(schedules, '2026-03-02T03:00:10Z');
  const [run] = schedules.runs();
  schedules.bench.drivers.finish(run?.id ?? '', 1);
  await schedules.bench.clock.advance(minute);
  assert.equal(schedules.runs()[0]?.attempts.length, 2);
  await schedules.bench.clock.advance(11 * minute);
  const [ended] = schedules.runs();
  assert.deepEqual([ended?.state, ended?.failure?.code], ['failed', 'RUN_TIMED_OUT']);
  await schedules.stop();
});

test('overlap: skip leaves a tick out while a run of the job is queued or at work, and says so', async () => {
  const schedules = await begin({ a: every(10), other: null });
  await schedules.bench.clock.advance(10 * minute);
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:10']);
  assert.deepEqual(outcomes(schedules, 'a'), ['skipped', '03-01T12:20']);
  assert.match(schedules.notes.at(-1) ?? '', /tick of 2026-03-01T12:20:00.000Z was left out, a run of the job is not/);
  await schedules.finishAll();
  // Queued behind another job is "queued" as well, and a run by hand counts like any other.
  schedules.bench.submit('other');
  schedules.bench.submit('a');
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(outcomes(schedules, 'a'), ['skipped', '03-01T12:30']);
  await schedules.finishAll();
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(outcomes(schedules, 'a'), ['queued', '03-01T12:40']);
  await schedules.stop();
});

test('overlap: queue queues behind', async () => {
  const schedules = await begin({ a: every(10, { overlap: 'queue' }) });
  await schedules.bench.clock.advance(30 * minute);
  assert.deepEqual(
    schedules.runs().map(({ state }) => state),
    ['running', 'queued', 'queued'],
  );
  await schedules.stop();
});

test('a restart of a few seconds loses no tick and repeats none', async () => {
  let schedules = await begin({ a: every(1, { overlap: 'queue' }) });
  await schedules.bench.clock.advance(minute);
  schedules = await restart(schedules);
  schedules = await restart(schedules, 90_000);
  schedules = await restart(schedules, 100);
  await schedules.bench.clock.advance(minute);
  const expected = ['a 03-01T12:01', 'a 03-01T12:02', 'a 03-01T12:03'];
  assert.deepEqual(schedules.ticks(), expected);
  await schedules.stop();
});

test('missed: skip leaves out what passed while the scheduler was down', async () => {
  let schedules = await begin({ a: nightly });
  schedules = await restart(schedules, 3 * day);
  assert.deepEqual(schedules.ticks(), []);
  assert.deepEqual(outcomes(schedules, 'a'), ['missed', '03-04T03:00']);
  assert.match(schedules.notes.at(-1) ?? '', /ticks from 2026-03-02T03:00.* to 2026-03-04T03:00.* left out/);
  schedules = await restart(schedules);
  assert.equal(schedules.notes.filter((note) => /missed/.test(note)).length, 1);
  await advanceTo(schedules, '2026-03-05T03:00:10Z');
  assert.deepEqual(schedules.ticks(), ['a 03-05T03:00']);
  await schedules.stop();
});

test('missed: once makes up for all of them by one run', async () => {
  let schedules = await begin({ a: { ...nightly, missed: 'once' } });
  schedules = await restart(schedules, 400 * day);
  assert.deepEqual(schedules.ticks(), ['a 04-05T03:00']);
  assert.match(schedules.notes.at(-1) ?? '', /were missed; run a-1-\w+ makes up for it/);
  schedules = await restart(schedules);
  assert.equal(schedules.runs().length, 1);
  await schedules.stop();
});

test('missed: once with a run at work: overlap decides', async () => {
  for (const [overlap, runs] of [
    ['skip', 1],
    ['queue', 2],
  ] as const) {
    let schedules = await begin({ a: every(30, { missed: 'once', overlap }) });
    await schedules.bench.clock.advance(30 * minute);
    schedules = await restart(schedules, 3 * hour + 10 * minute);
    assert.equal(schedules.runs().length, runs, overlap);
    await schedules.stop();
  }
});

test('a clock that leaps forward makes ticks missed, within a minute', async () => {
  const schedules = await begin({ a: { ...nightly, missed: 'once' }, b: nightly });
  schedules.bench.clock.jump(2 * day);
  await schedules.bench.clock.advance(minute);
  assert.deepEqual(schedules.ticks(), ['a 03-03T03:00']);
  assert.deepEqual(outcomes(schedules, 'b'), ['missed', '03-03T03:00']);
  await schedules.stop();
});

test('a clock that is set back starts nothing twice, and what is new still comes', async () => {
  const schedules = await begin({ a: every(30, { overlap: 'queue' }) });
  await schedules.bench.clock.advance(hour);
  await schedules.finishAll();
  schedules.bench.clock.jump(-50 * minute);
  await schedules.bench.clock.advance(2 * hour);
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:30', 'a 03-01T13:00', 'a 03-01T13:30', 'a 03-01T14:00']);
  await schedules.stop();
});

test('a clock that was years ahead for a while does not stop the schedule for years', async () => {
  const schedules = await begin({ a: { ...nightly, missed: 'once' } });
  schedules.bench.clock.jump(3650 * day);
  await schedules.bench.clock.advance(2 * minute);
  await schedules.finishAll();
  assert.equal(schedules.runs().length, 1);
  schedules.bench.clock.jump(-3650 * day);
  await advanceTo(schedules, '2026-03-02T03:00:10Z');
  assert.deepEqual(schedules.ticks().slice(1), ['a 03-02T03:00']);
  await schedules.stop();
});

test('a schedule further away than a timer can count comes at its time', async () => {
  const schedules = createScheduleBench({ a: { ...nightly, cron: '0 0 1 12 *' } });
  const { clock } = schedules.bench;
  const waits: number[] = [];
  const { wait } = clock;
  clock.wait = (milliseconds, signal) => {
    waits.push(milliseconds);
    return wait(milliseconds, signal);
  };
  schedules.keeper.start();
  await clock.advance(hour);
  assert.deepEqual([...new Set(waits)], [minute]);
  await advanceTo(schedules, '2026-12-01T00:00:00Z');
  assert.deepEqual(schedules.ticks(), ['a 12-01T00:00']);
  await schedules.stop();
});

test('an edit of the file takes effect when it is known, without losing the pause or what was', async () => {
  let schedules = await begin({ a: every(10), b: every(10) });
  await schedules.bench.clock.advance(10 * minute);
  await schedules.finishAll();
  schedules.desk.pause('b');
  schedules.file.set('a', every(15));
  schedules.file.set('b', every(15));
  schedules.keeper.wake();
  await schedules.bench.clock.advance(15 * minute);
  assert.deepEqual(schedules.ticks().sort(), ['a 03-01T12:10', 'a 03-01T12:15', 'b 03-01T12:10']);
  await schedules.finishAll();
  schedules = await restart(schedules);
  assert.deepEqual(schedules.desk.get('b')?.paused, true);
  assert.equal(schedules.desk.get('b')?.last?.at, '2026-03-01T12:10:00.000Z');
  // Taken out and put in again: nothing is made up for, the pause is still there.
  schedules.file.set('a', null);
  schedules.file.set('b', null);
  schedules.keeper.wake();
  await schedules.bench.clock.advance(hour);
  assert.deepEqual(schedules.desk.list(), []);
  schedules.file.set('a', every(15, { missed: 'once' }));
  schedules.file.set('b', every(15, { missed: 'once' }));
  schedules.keeper.wake();
  await settle();
  assert.deepEqual(
    schedules.desk.list().map(({ job, paused }) => [job, paused]),
    [
      ['a', false],
      ['b', true],
    ],
  );
  assert.equal(schedules.runs().length, 3);
  await schedules.stop();
});

test('ticks that came before an edit are decided by the old rule', async () => {
  let schedules = await begin({ a: { ...nightly, missed: 'once' } });
  await schedules.stop();
  schedules.bench.clock.jump(day);
  schedules = schedules.reopen();
  schedules.file.set('a', { ...nightly, cron: '0 5 * * *' });
  schedules.keeper.start();
  await settle();
  assert.deepEqual(schedules.ticks(), ['a 03-02T03:00']);
  await schedules.stop();
});

test('a job that left the file starts nothing more', async () => {
  let schedules = await begin({ a: { ...nightly, missed: 'once' }, b: null });
  await schedules.stop();
  schedules.bench.clock.jump(day);
  schedules = schedules.reopen();
  schedules.file.delete('a');
  schedules.keeper.start();
  await advanceTo(schedules, '2026-03-03T03:00:10Z');
  assert.deepEqual(schedules.ticks(), []);
  await schedules.stop();
});

test('a rule that this scheduler cannot follow is told once and stops no other', async () => {
  const schedules = await begin({ bad: { ...nightly, timezone: 'Mars/Base' }, odd: 'daily', good: every(10) });
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(schedules.ticks(), ['good 03-01T12:10']);
  const told = schedules.notes.filter((note) => /no such time zone|not a schedule/.test(note));
  assert.equal(told.length, 2, told.join('\n'));
  await schedules.stop();
});

test('a store that fails for a while, a full disk say, ends nothing: the tick is decided later', async () => {
  const schedules = await begin({ a: every(10) });
  schedules.bench.database.exec('ALTER TABLE ticks RENAME TO away');
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(schedules.ticks(), []);
  schedules.bench.database.exec('ALTER TABLE away RENAME TO ticks');
  await schedules.bench.clock.advance(minute);
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:10']);
  await schedules.stop();
});

test('the bench begins where these tests believe it does', () => {
  assert.equal(createFakeClock().now(), epoch);
  assert.equal(new Date(epoch).toISOString(), '2026-03-01T12:00:00.000Z');
});
