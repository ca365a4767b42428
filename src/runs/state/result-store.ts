// Which version of each result is served: the switch happens in the transaction that makes the run succeed.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { ResultInfo } from '../../api/schemas.ts';
import { numberOf, textOf, transact } from './database.ts';

export type NewResult = Omit<ResultInfo, 'version'>;

export interface ResultStore {
  /** Adds a version of each result, makes all of them current and runs `alongside`, in one transaction. */
  publish(results: readonly NewResult[], alongside: () => void): void;
  /** The versions served now, by name. */
  current(): ResultInfo[];
  /** Runs with kept versions, none of them served, whose history is gone. */
  orphans(): string[];
  remove(runs: readonly string[]): void;
}

export function createResultStore(database: DatabaseSync): ResultStore {
  const insert = (result: NewResult): void => {
    const row = database.prepare('SELECT max(version) AS last FROM results WHERE name = ?').get(result.name);
    const last = row?.last;
    const version = (typeof last === 'number' ? last : 0) + 1;
    database.prepare('UPDATE results SET current = 0 WHERE name = ? AND current = 1').run(result.name);
    database
      .prepare('INSERT INTO results (name, version, run, record, current) VALUES (?, ?, ?, ?, 1)')
      .run(result.name, version, result.run, JSON.stringify(ResultInfo.parse({ ...result, version })));
  };
  const servedRuns = (): Set<string> =>
    new Set(
      database
        .prepare('SELECT DISTINCT run FROM results WHERE current = 1')
        .all()
        .map((row) => textOf(row, 'run')),
    );

  return {
    publish: (results, alongside) =>
      transact(database, () => {
        for (const result of results) insert(result);
        alongside();
      }),
    current: () => database.prepare('SELECT * FROM results WHERE current = 1 ORDER BY name').all().map(readResult),
    orphans: () => {
      const served = servedRuns();
      return database
        .prepare('SELECT DISTINCT run FROM results WHERE run NOT IN (SELECT id FROM runs) ORDER BY run')
        .all()
        .map((row) => textOf(row, 'run'))
        .filter((run) => !served.has(run));
    },
    remove: (runs) =>
      transact(database, () => {
        for (const run of runs) database.prepare('DELETE FROM results WHERE run = ? AND current = 0').run(run);
      }),
  };
}

function readResult(row: Record<string, SQLOutputValue>): ResultInfo {
  return ResultInfo.parse({ ...JSON.parse(textOf(row, 'record')), version: numberOf(row, 'version') });
}
