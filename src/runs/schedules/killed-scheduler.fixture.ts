// For a test: a scheduler that looks once at a given time and kills itself before its n-th step on the database.
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { createChangeSignal } from '../change-signal.ts';
import { defineRunRecord } from '../define-run.fixture.ts';
import { openDatabase } from '../state/database.ts';
import { createRunStore } from '../state/run-store.ts';
import { createScheduleStore } from '../state/schedule-store.ts';
import { nightly } from './schedule-bench.fixture.ts';
import { createScheduleKeeper } from './schedule-keeper.ts';

/** Looks once at the time; `beforeStep` is called before each step on the database. */
export function lookOnce(file: string, time: string, beforeStep: () => void): void {
  const database = openDatabase(file);
  const { prepare, exec } = DatabaseSync.prototype;
  database.exec = (text) => {
    beforeStep();
    exec.call(database, text);
  };
  database.prepare = (text) => {
    beforeStep();
    return prepare.call(database, text);
  };

  const changes = createChangeSignal();
  const runs = createRunStore(database, changes);
  const keeper = createScheduleKeeper({
    store: createScheduleStore(database),
    runs,
    queue: {
      enqueue: ({ job, tick = null }) => {
        const id = `${job}-${runs.nextNumber()}`;
        const definition = {
          name: job,
          main: 'a.py',
          className: null,
          args: [],
          env: {},
          secrets: [],
          timeoutMs: null,
          retries: 0,
          results: [],
        };
        const run = defineRunRecord(definition, { id, queuedAt: time, trigger: 'schedule', tick });
        return { ...runs.insert(run, null), attempts: [] };
      },
      dispatch: () => undefined,
    },
    jobs: () => [{ name: 'a', schedule: { ...nightly, overlap: 'queue' } }],
    clock: { now: () => Date.parse(time), wait: async () => undefined },
    changes,
    record: () => undefined,
    shutdown: new AbortController().signal,
  });
  keeper.look();
  database.close();
}

const [, main, file, time, steps] = process.argv;
if (main === fileURLToPath(import.meta.url) && file !== undefined && time !== undefined) {
  let left = Number(steps);
  lookOnce(file, time, () => {
    // SIGKILL: no handler runs, nothing is written any more.
    if (left === 0) process.kill(process.pid, 'SIGKILL');
    left -= 1;
  });
}
