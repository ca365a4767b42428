// Whatever happens to scheduler and clock: a tick leads to one run at most, and with `missed: once` none is silently lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCronTimes } from '../../cron.ts';
import { epoch, settle } from '../run-bench.fixture.ts';
import { createScheduleBench, every } from './schedule-bench.fixture.ts';

const minute = 60_000;
const rule = every(7, { overlap: 'queue', missed: 'once', timezone: 'Europe/Zurich' });

const event = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 900 }) }),
  fc.record({ kind: fc.constant('restart' as const), seconds: fc.integer({ min: 0, max: 5400 }) }),
  fc.record({ kind: fc.constant('jump' as const), seconds: fc.integer({ min: -3600, max: 5400 }) }),
);

test('over restarts and jumps of the clock', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
      let schedules = createScheduleBench({ a: rule }, {}, { runsStart: false });
      schedules.keeper.start();
      await settle();
      let latest = epoch;
      for (const { kind, seconds } of events) {
        const { clock } = schedules.bench;
        if (kind === 'pass') await clock.advance(seconds * 1000);
        else if (kind === 'jump') clock.jump(seconds * 1000);
        else {
          await schedules.stop();
          clock.jump(seconds * 1000);
          schedules = schedules.reopen();
          schedules.keeper.start();
          await settle();
        }
        latest = Math.max(latest, clock.now());
      }
      // Long enough to notice the last jump, and to come to the latest moment there was.
      await schedules.bench.clock.advance(Math.max(0, latest - schedules.bench.clock.now()) + 2 * minute);

      const ticks = schedules.runs().map(({ tick }) => Date.parse(tick ?? ''));
      assert.equal(new Set(ticks).size, ticks.length, 'a tick has two runs');
      const madeUp = schedules.notes.flatMap((note) => {
        const [, only, since = only, to = only] =
          /(?:tick of (\S+) was|ticks from (\S+) to (\S+) were) missed; run/.exec(note) ?? [];
        return since === undefined || to === undefined ? [] : [[Date.parse(since), Date.parse(to)] as const];
      });
      const times = createCronTimes(rule.cron, rule.timezone);
      for (let at = times.next(epoch); at !== null && at <= latest; at = times.next(at)) {
        const moment = at;
        const isKnown = ticks.includes(moment) || madeUp.some(([since, to]) => since <= moment && moment <= to);
        assert.ok(isKnown, `${new Date(moment).toISOString()} is lost`);
      }
      await schedules.stop();
    }),
    { numRuns: 25 },
  );
});
