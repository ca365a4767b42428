import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../run-bench.fixture.ts';
import { createScheduleStore } from '../state/schedule-store.ts';
import { createScheduleBench, every, nightly, type ScheduleBench } from './schedule-bench.fixture.ts';

const minute = 60_000;

async function begin(rules: Readonly<Record<string, unknown>>): Promise<ScheduleBench> {
  const schedules = createScheduleBench(rules);
  schedules.keeper.start();
  await settle();
  return schedules;
}

test('schedules are listed in the order of the file with their next five times', async () => {
  const schedules = await begin({ b: nightly, none: null, a: { ...nightly, timezone: 'Europe/Zurich' } });
  const [b, a, ...others] = schedules.desk.list();
  assert.deepEqual([b?.job, a?.job, others.length], ['b', 'a', 0]);
  assert.deepEqual(b?.next.length, 5);
  assert.deepEqual([b?.next[0], a?.next[0]], ['2026-03-02T03:00:00.000Z', '2026-03-02T02:00:00.000Z']);
  assert.deepEqual([b?.last, b?.paused, b?.overridden], [null, false, false]);
  assert.equal(schedules.desk.get('none'), null);
  await schedules.stop();
});

test('a paused schedule starts nothing, and what passed meanwhile is not made up for', async () => {
  const schedules = await begin({ a: every(10, { missed: 'once' }) });
  const paused = schedules.desk.pause('a');
  assert.deepEqual([paused.paused, paused.next], [true, []]);
  assert.equal(schedules.desk.pause('a').paused, true);
  await schedules.bench.clock.advance(25 * minute);
  const resumed = schedules.desk.resume('a');
  assert.deepEqual([resumed.paused, resumed.next[0]], [false, '2026-03-01T12:30:00.000Z']);
  await schedules.bench.clock.advance(4 * minute);
  assert.deepEqual(schedules.ticks(), []);
  await schedules.bench.clock.advance(minute);
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:30']);
  assert.deepEqual(schedules.notes.filter((note) => /paused|resumed/.test(note)).length, 2);
  await schedules.stop();
});

test('a tick that has come is decided before the pause', async () => {
  const schedules = await begin({ a: every(10) });
  // The keeper still sleeps: the clock was put forward under it.
  schedules.bench.clock.jump(10 * minute);
  assert.equal(schedules.desk.pause('a').last?.at, '2026-03-01T12:10:00.000Z');
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:10']);
  await schedules.stop();
});

test('an override holds until the value of the file changes', async () => {
  const schedules = await begin({ a: nightly });
  const changed = schedules.desk.change('a', { cron: '*/10 * * * *' });
  assert.deepEqual([changed.rule.cron, changed.rule.timezone, changed.overridden], ['*/10 * * * *', 'UTC', true]);
  schedules.keeper.wake();
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:10']);
  assert.equal(schedules.desk.get('a')?.overridden, true);
  schedules.file.set('a', { ...nightly, missed: 'once' });
  schedules.keeper.wake();
  await settle();
  assert.deepEqual(schedules.desk.get('a')?.rule, { ...nightly, missed: 'once' });
  assert.equal(schedules.desk.get('a')?.overridden, false);
  assert.match(schedules.notes.at(-1) ?? '', /its override is dropped, the file has changed/);
  await schedules.stop();
});

test('an override is dropped by a reset, and by saying what the file says', async () => {
  const schedules = await begin({ a: nightly });
  schedules.desk.change('a', { cron: '0 4 * * *' });
  assert.deepEqual(schedules.desk.reset('a')?.rule, nightly);
  assert.equal(schedules.desk.reset('a')?.overridden, false);
  schedules.desk.change('a', { cron: '0 4 * * *' });
  assert.equal(schedules.desk.change('a', { cron: '0 3 * * *' }).overridden, false);
  await schedules.stop();
});

test('a job without a schedule can be given one, and loses it by a reset', async () => {
  const schedules = await begin({ a: null });
  const given = schedules.desk.change('a', { cron: '*/10 * * * *', overlap: 'queue' });
  assert.deepEqual(given.rule, { cron: '*/10 * * * *', timezone: 'UTC', overlap: 'queue', missed: 'skip' });
  await schedules.bench.clock.advance(10 * minute);
  assert.deepEqual(schedules.ticks(), ['a 03-01T12:10']);
  assert.equal(schedules.desk.reset('a'), null);
  await schedules.bench.clock.advance(20 * minute);
  assert.equal(schedules.runs().length, 1);
  assert.throws(() => schedules.desk.pause('a'), { code: 'SCHEDULE_UNKNOWN' });
  await schedules.stop();
});

test('what cannot be is refused, and nothing is stored', async () => {
  const schedules = await begin({ a: nightly, none: null });
  const { desk } = schedules;
  const both = { cron: '0 0 31 2 *', timezone: 'Zurich' };
  assert.throws(
    () => desk.change('a', both),
    (error: { code?: string; problems?: { place: string }[] }) => {
      assert.deepEqual(
        error.problems?.map(({ place }) => place),
        ['body.cron', 'body.timezone'],
      );
      return error.code === 'REQUEST_INVALID';
    },
  );
  assert.throws(() => desk.change('none', { timezone: 'UTC' }), { code: 'REQUEST_INVALID', place: 'body.cron' });
  for (const act of [desk.pause, desk.resume, desk.reset]) {
    assert.throws(() => act('none'), { code: 'SCHEDULE_UNKNOWN' });
    assert.throws(() => act('other'), { code: 'JOB_UNKNOWN' });
  }
  assert.throws(() => desk.change('other', { cron: '0 3 * * *' }), {
    code: 'JOB_UNKNOWN',
    hint: /known jobs: a, none/,
  });
  assert.deepEqual(desk.get('a')?.rule, nightly);
  await schedules.stop();
});

test('old ticks are forgotten, but a clock set back does not reach before the oldest that is known', async () => {
  const schedules = await begin({ a: nightly });
  const store = createScheduleStore(schedules.bench.database, 3);
  for (const at of [1000, 2000, 3000, 4000]) store.addTick({ job: 'a', at, outcome: 'skipped', run: null });
  assert.deepEqual(
    [1000, 2000].map((at) => store.hasTick('a', at)),
    [false, true],
  );
  store.turnBack('a', 500);
  assert.equal(store.get('a')?.settledTo, 2000);
  store.turnBack('a', 2500);
  assert.equal(store.get('a')?.settledTo, 2500);
  assert.throws(() => store.addTick({ job: 'a', at: 4000, outcome: 'skipped', run: null }), /UNIQUE/);
  await schedules.stop();
});
