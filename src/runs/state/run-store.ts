// Runs and their attempts as rows: the API's record as JSON, and beside it what the queue needs to take a run up again.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { Attempt, finishedStates, JobDefinition, Run, type RunState } from '../../api/schemas.ts';
import type { ChangeSignal } from '../change-signal.ts';
import { numberOf, textOf, transact } from './database.ts';

/** How far a container's log is in the run's file: the time of its last line, and how many lines carry that time. */
export const LogCursor = z.object({ timestamp: z.string(), repeated: z.number().int() });
export type LogCursor = z.infer<typeof LogCursor>;

/** What is kept of a run besides what the API shows. */
const RunRecord = Run.omit({ attempts: true }).extend({
  definition: JobDefinition,
  sparkConf: z.record(z.string(), z.string()),
  /** Revision whose desired state was current when the run was queued. */
  revision: z.number().int(),
});
export type RunRecord = z.infer<typeof RunRecord>;

export interface StoredRun extends RunRecord {
  readonly attempts: readonly Attempt[];
  /** Rises with every change of the record. */
  readonly version: number;
  readonly cancelRequested: boolean;
  /** Size of the log file up to the last line known to be complete, and lines in it. */
  readonly logBytes: number;
  readonly logLines: number;
}

/** One attempt with the container it was given to. */
export interface StoredAttempt extends Attempt {
  readonly run: string;
  readonly container: string;
  /** The container's address on the data network; null when Docker told none. */
  readonly address: string | null;
  readonly logCursor: LogCursor;
}

export interface RunFilter {
  readonly job?: string | undefined;
  readonly state?: RunState | undefined;
  readonly limit?: number | undefined;
  /** Only runs whose number is smaller. */
  readonly before?: number | undefined;
}

/** Some runs, and where the next page begins: null on the last one. */
export interface RunPage {
  readonly runs: readonly StoredRun[];
  readonly next: number | null;
}

export interface RunStore {
  /** Queues it; `idempotency` is stored in the same transaction and takes the place of an older use of its key. */
  insert(run: RunRecord, idempotency: { readonly key: string; readonly fingerprint: string } | null): StoredRun;
  nextNumber(): number;
  get(id: string): StoredRun | null;
  /** Newest first. */
  list(filter: RunFilter): RunPage;
  /** Queued, starting, running and publishing ones, oldest first. */
  unfinished(): StoredRun[];
  update(id: string, changes: Partial<RunRecord>): StoredRun;
  requestCancel(id: string): void;
  /** Again for an attempt whose container did not take it. */
  putAttempt(attempt: StoredAttempt): void;
  lastAttempt(run: string): StoredAttempt | null;
  updateAttempt(run: string, number: number, changes: Partial<Attempt>): void;
  saveLog(run: string, attempt: number | null, log: { bytes: number; lines: number; cursor: LogCursor | null }): void;
  findKey(key: string): { readonly fingerprint: string; readonly run: string } | null;
  /** Ids of finished runs older than the newest `keep`, oldest first. */
  beyond(keep: number): string[];
  remove(ids: readonly string[]): void;
  /** The run that started this application of Spark, null for none that is kept. */
  ofApplication(application: string): StoredRun | null;
  /** The applications of all runs, and the first run that is still there. */
  kept(): KeptRuns;
  count(): { readonly queued: number; readonly running: number };
}

const defaultPageRuns = 100;

export interface KeptRuns {
  readonly applications: ReadonlySet<string>;
  /** `number` is 1 until a run has been dropped from the history. */
  readonly oldest: { readonly number: number; readonly queuedAt: string; readonly startedAt: string | null } | null;
}

/** Key of the change signal for one run. */
export function runKey(id: string): string {
  return `run ${id}`;
}

/** `ended` is called once a run, in the transaction that makes it succeeded, failed or cancelled. */
export function createRunStore(
  database: DatabaseSync,
  changes: ChangeSignal,
  ended: (run: StoredRun) => void = () => undefined,
): RunStore {
  const selectRun = database.prepare('SELECT * FROM runs WHERE id = ?');
  const selectAttempts = database.prepare('SELECT * FROM attempts WHERE run = ? ORDER BY number');
  const finished = finishedStates.map((state) => `'${state}'`).join(', ');

  const attemptsOf = (run: string): StoredAttempt[] => selectAttempts.all(run).map(readAttempt);
  const readRun = (row: Record<string, SQLOutputValue>): StoredRun => ({
    ...RunRecord.parse(JSON.parse(textOf(row, 'record'))),
    attempts: attemptsOf(textOf(row, 'id')).map((attempt) => Attempt.parse(attempt)),
    version: numberOf(row, 'version'),
    cancelRequested: numberOf(row, 'cancel_requested') === 1,
    logBytes: numberOf(row, 'log_bytes'),
    logLines: numberOf(row, 'log_lines'),
  });
  const get = (id: string): StoredRun | null => {
    const row = selectRun.get(id);
    return row === undefined ? null : readRun(row);
  };
  const mustGet = (id: string): StoredRun => {
    const run = get(id);
    if (run === null) throw new Error(`there is no run ${id}`);
    return run;
  };
  /** One step further, so that followers see the run again. */
  const touch = (id: string): void => {
    database.prepare('UPDATE runs SET version = version + 1 WHERE id = ?').run(id);
    changes.changed(runKey(id));
  };

  return {
    insert: (run, idempotency) =>
      transact(database, () => {
        const record = RunRecord.parse(run);
        database
          .prepare('INSERT INTO runs (id, job, state, record) VALUES (?, ?, ?, ?)')
          .run(run.id, run.job, run.state, JSON.stringify(record));
        if (idempotency !== null) {
          database
            .prepare('INSERT OR REPLACE INTO idempotency_keys (key, fingerprint, run) VALUES (?, ?, ?)')
            .run(idempotency.key, idempotency.fingerprint, run.id);
        }
        return mustGet(run.id);
      }),
    nextNumber: () => {
      const row = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").get();
      return row === undefined ? 1 : numberOf(row, 'seq') + 1;
    },
    get,
    list: ({ job, state, before, limit = defaultPageRuns }) => {
      const rows = database
        .prepare(
          `SELECT * FROM runs WHERE (:job IS NULL OR job = :job) AND (:state IS NULL OR state = :state)
             AND (:before IS NULL OR number < :before)
           ORDER BY number DESC LIMIT :limit`,
        )
        // One more tells whether there is a next page.
        .all({ job: job ?? null, state: state ?? null, before: before ?? null, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      return {
        runs: shown.map(readRun),
        next: rows.length > limit && last !== undefined ? numberOf(last, 'number') : null,
      };
    },
    unfinished: () =>
      database.prepare(`SELECT * FROM runs WHERE state NOT IN (${finished}) ORDER BY number`).all().map(readRun),
    update: (id, patch) => {
      transact(database, () => {
        const before = mustGet(id);
        const record = RunRecord.parse({ ...before, ...patch });
        database
          .prepare('UPDATE runs SET record = ?, state = ? WHERE id = ?')
          .run(JSON.stringify(record), record.state, id);
        touch(id);
        if (finishedStates.includes(record.state) && !finishedStates.includes(before.state)) ended(mustGet(id));
      });
      return mustGet(id);
    },
    requestCancel: (id) => {
      database.prepare('UPDATE runs SET cancel_requested = 1 WHERE id = ?').run(id);
      touch(id);
    },
    putAttempt: (attempt) =>
      transact(database, () => {
        database
          .prepare(
            'INSERT OR REPLACE INTO attempts (run, number, record, container, address, log_cursor) VALUES (?, ?, ?, ?, ?, ?)',
          )
          .run(
            attempt.run,
            attempt.number,
            JSON.stringify(Attempt.parse(attempt)),
            attempt.container,
            attempt.address,
            JSON.stringify(attempt.logCursor),
          );
        touch(attempt.run);
      }),
    lastAttempt: (run) => attemptsOf(run).at(-1) ?? null,
    updateAttempt: (run, number, patch) =>
      transact(database, () => {
        const stored = attemptsOf(run).find((attempt) => attempt.number === number);
        if (stored === undefined) throw new Error(`run ${run} has no attempt ${number}`);
        database
          .prepare('UPDATE attempts SET record = ? WHERE run = ? AND number = ?')
          .run(JSON.stringify(Attempt.parse({ ...stored, ...patch })), run, number);
        touch(run);
      }),
    saveLog: (run, attempt, { bytes, lines, cursor }) =>
      transact(database, () => {
        database.prepare('UPDATE runs SET log_bytes = ?, log_lines = ? WHERE id = ?').run(bytes, lines, run);
        if (attempt === null || cursor === null) return;
        database
          .prepare('UPDATE attempts SET log_cursor = ? WHERE run = ? AND number = ?')
          .run(JSON.stringify(cursor), run, attempt);
      }),
    findKey: (key) => {
      const row = database.prepare('SELECT * FROM idempotency_keys WHERE key = ?').get(key);
      return row === undefined ? null : { fingerprint: textOf(row, 'fingerprint'), run: textOf(row, 'run') };
    },
    beyond: (keep) =>
      database
        .prepare(`SELECT id FROM runs WHERE state IN (${finished}) ORDER BY number DESC LIMIT -1 OFFSET ?`)
        .all(keep)
        .map((row) => textOf(row, 'id'))
        .reverse(),
    ofApplication: (application) => {
      const row = database
        .prepare(
          `SELECT runs.* FROM runs, json_each(runs.record, '$.applications') AS applications
           WHERE applications.value = ? ORDER BY number DESC LIMIT 1`,
        )
        .get(application);
      return row === undefined ? null : readRun(row);
    },
    kept: () => {
      const rows = database
        .prepare(`SELECT applications.value FROM runs, json_each(runs.record, '$.applications') AS applications`)
        .all();
      const first = database.prepare('SELECT * FROM runs ORDER BY number LIMIT 1').get();
      const applications = new Set(rows.map((row) => textOf(row, 'value')));
      if (first === undefined) return { applications, oldest: null };
      const { queuedAt, startedAt } = readRun(first);
      return { applications, oldest: { number: numberOf(first, 'number'), queuedAt, startedAt } };
    },
    remove: (ids) =>
      transact(database, () => {
        for (const id of ids) database.prepare('DELETE FROM runs WHERE id = ?').run(id);
      }),
    count: () => {
      const row = database
        .prepare(
          `SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
                  count(*) FILTER (WHERE state NOT IN ('queued', ${finished})) AS running FROM runs`,
        )
        .get();
      return { queued: numberOf(row ?? {}, 'queued'), running: numberOf(row ?? {}, 'running') };
    },
  };
}

function readAttempt(row: Record<string, SQLOutputValue>): StoredAttempt {
  const address = row.address;
  return {
    ...Attempt.parse(JSON.parse(textOf(row, 'record'))),
    run: textOf(row, 'run'),
    container: textOf(row, 'container'),
    address: typeof address === 'string' ? address : null,
    logCursor: LogCursor.parse(JSON.parse(textOf(row, 'log_cursor'))),
  };
}

/** The run as the API shows it. */
export function publicRun(run: StoredRun): Run {
  return Run.parse(run);
}
