import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCronTimes } from '../../cron.ts';
import { chooseOutcome, findTicks } from './find-ticks.ts';

const at = (time: string): number => Date.parse(`2026-03-01T${time}Z`);

function find(cron: string, settledTo: string, now: string): readonly string[] {
  const clock = (time: number): string => new Date(time).toISOString().slice(11, 19);
  return findTicks(createCronTimes(cron, 'UTC'), at(settledTo), at(now)).map((tick) =>
    tick.kind === 'due' ? clock(tick.at) : `${clock(tick.since)}–${clock(tick.at)} missed`,
  );
}

test('a tick is due from its moment on, and for two minutes', () => {
  assert.deepEqual(find('0 3 * * *', '00:00:00', '02:59:59'), []);
  assert.deepEqual(find('0 3 * * *', '00:00:00', '03:00:00'), ['03:00:00']);
  assert.deepEqual(find('0 3 * * *', '00:00:00', '03:02:00'), ['03:00:00']);
  assert.deepEqual(find('0 3 * * *', '00:00:00', '03:02:01'), ['03:00:00–03:00:00 missed']);
  assert.deepEqual(find('0 3 * * *', '03:00:00', '03:00:01'), []);
});

test('what was missed is one, what is due is each', () => {
  assert.deepEqual(find('* * * * *', '01:00:00', '03:00:30'), ['01:01:00–02:58:00 missed', '02:59:00', '03:00:00']);
  assert.deepEqual(find('*/30 * * * *', '01:00:00', '03:10:00'), ['01:30:00–03:00:00 missed']);
});

test('a clock before the last decision finds nothing', () => {
  assert.deepEqual(find('* * * * *', '03:00:00', '02:00:00'), []);
});

test('years are no work: a rule of every minute takes no longer than another', () => {
  const times = createCronTimes('* * * * *', 'Europe/Zurich');
  let asked = 0;
  const counting: typeof times = {
    next: (time) => {
      asked += 1;
      return times.next(time);
    },
    previous: times.previous,
  };
  const [missed] = findTicks(counting, Date.parse('1970-01-01T00:00:00Z'), at('12:00:00'));
  assert.equal(missed?.at, at('11:57:00'));
  assert.ok(asked < 10, `${asked}`);
});

test('the outcome follows the policies', () => {
  const rule = { cron: '', timezone: '', overlap: 'skip', missed: 'skip' } as const;
  const patient = { ...rule, overlap: 'queue', missed: 'once' } as const;
  assert.equal(chooseOutcome('due', rule, false), 'queued');
  assert.equal(chooseOutcome('due', rule, true), 'skipped');
  assert.equal(chooseOutcome('due', patient, true), 'queued');
  assert.equal(chooseOutcome('missed', rule, false), 'missed');
  assert.equal(chooseOutcome('missed', patient, true), 'queued');
  assert.equal(chooseOutcome('missed', { ...patient, overlap: 'skip' }, true), 'skipped');
});
