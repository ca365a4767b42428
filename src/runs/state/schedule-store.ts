// Schedules as rows: the rule in effect of each job, whether it is paused, how far its ticks are decided, and the ticks.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { ScheduleRule } from '../../api/schemas.ts';
import { createCounterStore } from './counter-store.ts';
import { numberOf, textOf, transact } from './database.ts';

export interface StoredSchedule {
  readonly job: string;
  readonly paused: boolean;
  /** The rule in effect; null: none any more, only the pause is kept. */
  readonly rule: ScheduleRule | null;
  /** Set instead of the file's; null: the file's holds. */
  readonly override: ScheduleRule | null;
  /** The file's own rule when the override was set. */
  readonly fileRule: ScheduleRule | null;
  /** Ticks up to this moment are decided; milliseconds since 1970. */
  readonly settledTo: number;
}

export interface StoredTick {
  readonly job: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly outcome: 'queued' | 'skipped' | 'missed';
  readonly run: string | null;
}

export interface ScheduleStore {
  list(): StoredSchedule[];
  get(job: string): StoredSchedule | null;
  put(schedule: StoredSchedule): void;
  hasTick(job: string, at: number): boolean;
  /** Keeps the tick and that all up to it are decided. */
  addTick(tick: StoredTick): void;
  /** Decided: all up to `at`. */
  settle(job: string, at: number): void;
  /**
   * The clock was set back to `now`: ticks from there on are looked at again, and those that are kept are known. Where
   * older ones were dropped it goes back to the oldest kept one only.
   */
  turnBack(job: string, now: number): void;
  /** The one that was decided last. */
  lastTick(job: string): StoredTick | null;
  /** All or nothing. */
  atomically<T>(work: () => T): T;
}

/** A week of a rule that comes every minute. */
const defaultKeptTicks = 10_080;

/** @param keptTicks how many ticks of a job are remembered */
export function createScheduleStore(database: DatabaseSync, keptTicks = defaultKeptTicks): ScheduleStore {
  const counters = createCounterStore(database);
  const settle = (job: string, at: number): void => {
    database.prepare('UPDATE schedules SET settled_to = ? WHERE job = ?').run(at, job);
  };
  return {
    list: () => database.prepare('SELECT * FROM schedules ORDER BY job').all().map(readSchedule),
    get: (job) => {
      const row = database.prepare('SELECT * FROM schedules WHERE job = ?').get(job);
      return row === undefined ? null : readSchedule(row);
    },
    put: ({ job, paused, rule, override, fileRule, settledTo }) => {
      const rules = [rule, override, fileRule].map((one) => (one === null ? null : JSON.stringify(one)));
      database
        .prepare(
          `INSERT OR REPLACE INTO schedules (job, paused, settled_to, rule, override, file_rule)
           VALUES (?, ?, ?, ?, ?, ?)`,
        )
        .run(job, paused ? 1 : 0, settledTo, ...rules);
    },
    hasTick: (job, at) => database.prepare('SELECT 1 FROM ticks WHERE job = ? AND at = ?').get(job, at) !== undefined,
    addTick: ({ job, at, outcome, run }) =>
      transact(database, () => {
        database.prepare('INSERT INTO ticks (job, at, outcome, run) VALUES (?, ?, ?, ?)').run(job, at, outcome, run);
        database
          .prepare(
            `DELETE FROM ticks WHERE job = :job AND number <=
             (SELECT number FROM ticks WHERE job = :job ORDER BY number DESC LIMIT 1 OFFSET :kept)`,
          )
          .run({ job, kept: keptTicks });
        counters.add('ticks', { job, outcome });
        settle(job, at);
      }),
    settle,
    turnBack: (job, now) => {
      const row = database.prepare('SELECT count(*) AS kept, min(at) AS oldest FROM ticks WHERE job = ?').get(job);
      const isFull = row !== undefined && numberOf(row, 'kept') >= keptTicks;
      settle(job, isFull ? Math.max(now, numberOf(row, 'oldest')) : now);
    },
    lastTick: (job) => {
      const row = database.prepare('SELECT * FROM ticks WHERE job = ? ORDER BY number DESC LIMIT 1').get(job);
      return row === undefined ? null : readTick(row);
    },
    atomically: (work) => transact(database, work),
  };
}

function readSchedule(row: Record<string, SQLOutputValue>): StoredSchedule {
  const ruleOf = (column: string): ScheduleRule | null =>
    row[column] === null ? null : ScheduleRule.parse(JSON.parse(textOf(row, column)));
  return {
    job: textOf(row, 'job'),
    paused: numberOf(row, 'paused') === 1,
    rule: ruleOf('rule'),
    override: ruleOf('override'),
    fileRule: ruleOf('file_rule'),
    settledTo: numberOf(row, 'settled_to'),
  };
}

const Outcome = z.enum(['queued', 'skipped', 'missed']);

function readTick(row: Record<string, SQLOutputValue>): StoredTick {
  return {
    job: textOf(row, 'job'),
    at: numberOf(row, 'at'),
    outcome: Outcome.parse(row.outcome),
    run: row.run === null ? null : textOf(row, 'run'),
  };
}
