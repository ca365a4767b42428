import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderSchedules } from './render-schedules.ts';

test('times are in the zone of the schedule, the next ones below each other', () => {
  const rule = { cron: '0 3 * * *', timezone: 'America/New_York', overlap: 'skip', missed: 'skip' } as const;
  const next = ['2026-10-31T07:00:00.000Z', '2026-11-01T08:00:00.000Z'];
  const last = { at: '2026-10-30T07:00:00.000Z', outcome: 'queued', run: 'a-7-x' } as const;
  const text = renderSchedules([
    { job: 'a', rule, overridden: true, paused: false, next, last },
    { job: 'b', rule, overridden: false, paused: true, next: [], last: { ...last, outcome: 'missed', run: null } },
    { job: 'c', rule, overridden: false, paused: false, next: [], last: null },
  ]);
  const [head, first, second, third] = text.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
  assert.equal(head, 'JOB | CRON | ZONE | NEXT | STATE | LAST');
  assert.equal(
    first,
    'a | 0 3 * * * | America/New_York | Sat 2026-10-31 03:00 | active, not as in the file | Fri 2026-10-30 03:00 a-7-x',
  );
  assert.equal(second, ' | Sun 2026-11-01 03:00');
  assert.match(third ?? '', /^b .* paused \| Fri 2026-10-30 03:00 missed$/);
});
