// A scheduler killed for good in the middle of a tick, once before each of its steps on the database.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createChangeSignal } from '../change-signal.ts';
import { openDatabase } from '../state/database.ts';
import { createRunStore } from '../state/run-store.ts';
import { createScheduleStore } from '../state/schedule-store.ts';
import { lookOnce } from './killed-scheduler.fixture.ts';

const program = fileURLToPath(new URL('./killed-scheduler.fixture.ts', import.meta.url));
const never = (): void => undefined;

/** True when it was killed. */
function lookAndDie(file: string, time: string, steps: string): boolean {
  const options = ['--disable-warning=ExperimentalWarning', program, file, time, steps];
  const { signal, status, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' });
  assert.ok(signal === 'SIGKILL' || status === 0, stderr);
  return signal === 'SIGKILL';
}

function read(file: string) {
  const database = openDatabase(file);
  const runs = createRunStore(database, createChangeSignal())
    .list({})
    .runs.map(({ tick }) => tick);
  const last = createScheduleStore(database).lastTick('a');
  database.close();
  return { runs, last };
}

test('killed before any step of a tick, the next scheduler makes its run, and exactly one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-killed-'));
  const begun = join(folder, 'begun.db');
  lookOnce(begun, '2026-03-01T12:00:00Z', never);
  let killed = 0;
  for (let steps = 0; ; steps += 1) {
    const file = join(folder, `${steps}.db`);
    copyFileSync(begun, file);
    const wasKilled = lookAndDie(file, '2026-03-02T03:00:00Z', String(steps));
    const before = read(file);
    // All of the tick is there, or nothing of it.
    assert.deepEqual(before.runs.length, before.last === null ? 0 : 1, `step ${steps}`);
    lookOnce(file, '2026-03-02T03:00:05Z', never);
    lookOnce(file, '2026-03-02T03:00:06Z', never);
    const { runs, last } = read(file);
    assert.deepEqual(runs, ['2026-03-02T03:00:00.000Z'], `step ${steps}`);
    assert.equal(last?.outcome, 'queued');
    if (!wasKilled) break;
    killed += 1;
  }
  assert.ok(killed >= 8, `${killed}`);
});
