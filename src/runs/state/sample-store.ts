// One sample of the cluster a minute, kept for a day.
import type { DatabaseSync } from 'node:sqlite';
import { ClusterSample } from '../../api/schemas.ts';
import { textOf, transact } from './database.ts';

export interface SampleStore {
  /** One per minute: a second one of the same minute is left out. Older ones than a day are deleted. */
  add(sample: ClusterSample): void;
  /** From `sinceMs` on, oldest first. */
  since(sinceMs: number): ClusterSample[];
}

/** How long samples are kept. */
export const keptSamplesMs = 24 * 3_600_000;
const minuteMs = 60_000;

export function createSampleStore(database: DatabaseSync): SampleStore {
  const minuteOf = (milliseconds: number): number => Math.floor(milliseconds / minuteMs);
  return {
    add: (sample) => {
      const atMs = Date.parse(sample.at);
      transact(database, () => {
        database
          .prepare('INSERT OR IGNORE INTO samples (minute, record) VALUES (?, ?)')
          .run(minuteOf(atMs), JSON.stringify(ClusterSample.parse(sample)));
        // Ones from the future too: the clock was set back, and they would never be deleted.
        database
          .prepare('DELETE FROM samples WHERE minute <= ? OR minute > ?')
          .run(minuteOf(atMs - keptSamplesMs), minuteOf(atMs));
      });
    },
    since: (sinceMs) =>
      database
        .prepare('SELECT record FROM samples WHERE minute >= ? ORDER BY minute')
        .all(minuteOf(sinceMs))
        .map((row) => ClusterSample.parse(JSON.parse(textOf(row, 'record')))),
  };
}
