// Counts that only ever rise and outlive both the scheduler and the runs that were counted: for the metrics.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { numberOf, textOf } from './database.ts';

/**
 * `runs` by job and state; `run_seconds` by job, state and the smallest bucket that holds the run, `run_seconds_sum` by
 * job and state; `notifications` by outcome; `ticks` of schedules by job and outcome.
 */
export type CounterName = 'runs' | 'run_seconds' | 'run_seconds_sum' | 'notifications' | 'ticks';
export type CounterLabels = Readonly<Record<string, string>>;

export interface Count {
  readonly labels: CounterLabels;
  readonly value: number;
}

export interface CounterStore {
  /** Part of the transaction that is under way, if there is one. */
  add(name: CounterName, labels: CounterLabels, by?: number): void;
  list(name: CounterName): readonly Count[];
}

const Labels = z.record(z.string(), z.string());

export function createCounterStore(database: DatabaseSync): CounterStore {
  return {
    add: (name, labels, by = 1) => {
      const key = JSON.stringify(Object.entries(labels).toSorted());
      database
        .prepare(
          `INSERT INTO counters (name, labels, value) VALUES (?, ?, ?)
           ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value`,
        )
        .run(name, key, by);
    },
    list: (name) =>
      database
        .prepare('SELECT labels, value FROM counters WHERE name = ? ORDER BY labels')
        .all(name)
        .map((row) => ({
          labels: Labels.parse(Object.fromEntries(JSON.parse(textOf(row, 'labels')))),
          value: numberOf(row, 'value'),
        })),
  };
}
