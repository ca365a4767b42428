import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounterStore } from './counter-store.ts';
import { openDatabase } from './database.ts';
import { createScheduleStore } from './schedule-store.ts';

test('counts add up by name and labels, whatever the order of the labels', () => {
  const database = openDatabase(':memory:');
  const counters = createCounterStore(database);
  counters.add('runs', { job: 'a', state: 'failed' });
  counters.add('runs', { state: 'failed', job: 'a' });
  counters.add('runs', { job: 'b', state: 'failed' });
  counters.add('run_seconds_sum', { job: 'a', state: 'failed' }, 1.5);
  assert.deepEqual(counters.list('runs'), [
    { labels: { job: 'a', state: 'failed' }, value: 2 },
    { labels: { job: 'b', state: 'failed' }, value: 1 },
  ]);
  assert.equal(counters.list('run_seconds_sum')[0]?.value, 1.5);
  database.close();
});

test('ticks stay counted after they are no longer kept', () => {
  const database = openDatabase(':memory:');
  const schedules = createScheduleStore(database, 2);
  for (let minute = 1; minute <= 5; minute += 1) {
    schedules.addTick({ job: 'a', at: minute * 60_000, outcome: 'skipped', run: null });
  }
  assert.deepEqual(createCounterStore(database).list('ticks'), [
    { labels: { job: 'a', outcome: 'skipped' }, value: 5 },
  ]);
  database.close();
});
