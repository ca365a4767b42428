import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCronTimes, refuseCron, refuseTimeZone } from './cron.ts';

/** The first `count` moments after `from`, as `MM-DDTHH:MM` in UTC. */
function moments(cron: string, timezone: string, from: string, count: number): readonly string[] {
  const times = createCronTimes(cron, timezone);
  const found: string[] = [];
  for (let time = times.next(Date.parse(from)); time !== null && found.length < count; time = times.next(time)) {
    found.push(new Date(time).toISOString().slice(5, 16));
  }
  return found;
}

test('a time that the clock leaps over comes once, at the first moment after the gap', () => {
  // 02:00 → 03:00 local on 29 March, which is 01:00 UTC.
  const night = '2026-03-28T12:00:00Z';
  assert.deepEqual(moments('30 2 * * *', 'Europe/Zurich', night, 2), ['03-29T01:00', '03-30T00:30']);
  assert.deepEqual(moments('15,45 2 * * *', 'Europe/Zurich', night, 2), ['03-29T01:00', '03-30T00:15']);
  assert.deepEqual(moments('0 3 * * *', 'Europe/Zurich', night, 2), ['03-29T01:00', '03-30T01:00']);
  assert.deepEqual(moments('0 2,3 * * *', 'Europe/Zurich', night, 2), ['03-29T01:00', '03-30T00:00']);
  // 02:00 → 03:00 local on 8 March, which is 07:00 UTC.
  assert.deepEqual(moments('30 2 * * *', 'America/New_York', '2026-03-07T12:00:00Z', 2), [
    '03-08T07:00',
    '03-09T06:30',
  ]);
  // Half an hour: 02:00 → 02:30 local on 4 October, which is 15:30 UTC the day before.
  const lordHowe = '2026-10-03T00:00:00Z';
  assert.deepEqual(moments('15 2 * * *', 'Australia/Lord_Howe', lordHowe, 2), ['10-03T15:30', '10-04T15:15']);
  assert.deepEqual(moments('45 2 * * *', 'Australia/Lord_Howe', lordHowe, 2), ['10-03T15:45', '10-04T15:45']);
});

test('a time that the clock shows twice comes the first time only', () => {
  // 03:00 → 02:00 local on 25 October, which is 01:00 UTC.
  assert.deepEqual(moments('30 2 * * *', 'Europe/Zurich', '2026-10-24T12:00:00Z', 2), ['10-25T00:30', '10-26T01:30']);
  // 02:00 → 01:00 local on 1 November, which is 06:00 UTC.
  assert.deepEqual(moments('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2), [
    '11-01T05:30',
    '11-02T06:30',
  ]);
  // 02:00 → 01:30 local on 5 April, which is 15:00 UTC the day before.
  assert.deepEqual(moments('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', 2), [
    '04-04T14:45',
    '04-05T15:15',
  ]);
});

test('rules with `*` follow the time that passes', () => {
  const steps = (cron: string, timezone: string, from: string): readonly number[] => {
    const times = moments(cron, timezone, from, 48).map((text) => Date.parse(`2026-${text}Z`));
    return [...new Set(times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 60_000))];
  };
  for (const [timezone, from] of [
    ['Europe/Zurich', '2026-03-28T20:00:00Z'],
    ['Europe/Zurich', '2026-10-24T20:00:00Z'],
    ['America/New_York', '2026-03-08T02:00:00Z'],
    ['America/New_York', '2026-11-01T02:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T11:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T11:00:00Z'],
  ] as const) {
    assert.deepEqual(steps('*/15 * * * *', timezone, from), [15], timezone);
  }
  assert.deepEqual(steps('30 * * * *', 'Europe/Zurich', '2026-10-24T20:00:00Z'), [60]);
});

test('zones without changes, one of them half an hour off', () => {
  assert.deepEqual(moments('0 3 * * *', 'Asia/Kolkata', '2026-03-28T22:00:00Z', 2), ['03-29T21:30', '03-30T21:30']);
  assert.deepEqual(moments('0 3 * * MON-FRI', 'UTC', '2026-03-27T12:00:00Z', 2), ['03-30T03:00', '03-31T03:00']);
  assert.deepEqual(moments('0 0 13 * 5', 'UTC', '2026-03-01T00:00:00Z', 3), [
    '03-06T00:00',
    '03-13T00:00',
    '03-20T00:00',
  ]);
});

test('next and previous agree from any moment, in any zone, across every change of a year', () => {
  const zones = ['Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'];
  const rules = [
    '30 2 * * *',
    '0,30 1-3 * * *',
    '*/15 * * * *',
    '30 * * * *',
    '*/20 2 * * *',
    '0 0 * * SUN',
    '45 1 1 * *',
  ];
  const changes = [
    '2026-03-08T07:00Z',
    '2026-03-29T01:00Z',
    '2026-04-04T15:00Z',
    '2026-10-03T15:30Z',
    '2026-11-01T06:00Z',
  ];
  const around = fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -172_800, max: 172_800 }));
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.constantFrom(...rules), around, (zone, rule, [change, seconds]) => {
      const times = createCronTimes(rule, zone);
      const from = Date.parse(change) + seconds * 1000;
      const next = times.next(from) ?? 0;
      assert.ok(next > from && next % 60_000 === 0);
      // Nothing lies between, and the way back leads to the same moment.
      assert.equal(times.next(next - 1), next);
      assert.equal(times.previous(next + 1), next);
      const before = times.previous(next) ?? 0;
      assert.ok(before <= from);
      assert.equal(times.next(before), next);
    }),
  );
});

test('what is no cron rule is refused with the reason', () => {
  for (const rule of [
    '0 3 * * *',
    ' 0  3 * * * ',
    '*/5 8-18 * * MON-FRI',
    '0 0 L * *',
    '0 0 29 2 *',
    '0 0 31 2 1',
    '0 0 * * 7',
  ])
    assert.equal(refuseCron(rule), null, rule);
  const cases: readonly (readonly [string, RegExp, RegExp])[] = [
    ['', /five fields/, /for example `"0 3/],
    ['0 3 * *', /five fields, this has 4/, /minute, hour/],
    ['0 0 3 * * *', /five fields, this has 6/, /minute, hour/],
    ['2026-01-01T00:00:00', /five fields/, /minute, hour/],
    ['@daily', /five fields/, /Write `"0 0 \* \* \*"`/],
    ['@reboot', /five fields/, /minute, hour/],
    ['60 3 * * *', /Invalid value for minute: 60\.$/, /minute, hour/],
    ['x 3 * * *', /illegal characters\.$/, /minute, hour/],
    ['*/0 3 * * *', /illegal stepping/, /minute, hour/],
    ['0 22-2 * * *', /larger than/, /minute, hour/],
    ['0 0 31 2 *', /never comes/, /last one/],
    ['0 0 31 2,4,6 *', /never comes/, /last one/],
  ];
  for (const [rule, message, hint] of cases) {
    const refusal = refuseCron(rule);
    assert.match(refusal?.message ?? '', message, rule);
    assert.match(refusal?.hint ?? '', hint, rule);
  }
});

test('an unknown time zone is refused with the one that was meant', () => {
  for (const zone of ['Europe/Zurich', 'UTC', 'Asia/Kolkata', 'Etc/GMT-2', 'CET'])
    assert.equal(refuseTimeZone(zone), null);
  const cases: readonly (readonly [string, RegExp])[] = [
    ['Europe/Zürich', /Did you mean `Europe\/Zurich`/],
    ['Zurich', /Did you mean `Europe\/Zurich`/],
    ['Europe/New_York', /Did you mean `America\/New_York`/],
    ['America/NewYork', /Did you mean `America\/New_York`/],
    ['UCT+2', /./],
    ['+02:00', /IANA name/],
    ['', /IANA name/],
    ['Local', /./],
  ];
  for (const [zone, hint] of cases) {
    assert.equal(refuseTimeZone(zone)?.message, 'There is no such time zone.', zone);
    assert.match(refuseTimeZone(zone)?.hint ?? '', hint, zone);
  }
});
