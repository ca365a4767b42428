// Opens the scheduler's one SQLite file: checked, migrated forward with a copy kept, refused when it is a newer program's.
import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { SparkPlugError } from '../../errors.ts';
import { migrations as releasedMigrations } from './migrations.ts';

/**
 * Opens (or makes) the database. Throws STATE_CORRUPT for a file SQLite cannot read and STATE_TOO_NEW for a
 * schema this program does not know; neither changes the file.
 */
export function openDatabase(file: string, migrations: readonly string[] = releasedMigrations): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file);
    database.exec('PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON');
    checkIntegrity(database, file);
    migrate(database, file, migrations);
    // FULL: a run's state must survive a power cut; there are a few writes per second at most.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    return database;
  } catch (error) {
    database?.close();
    throw error instanceof SparkPlugError ? error : explainOpenError(file, error);
  }
}

/** Runs `work` in one transaction: all of it or nothing. */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  if (database.isTransaction) return work();
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = work();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** A text column of a row; anything else there is a bug. */
export function textOf(row: Record<string, SQLOutputValue>, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new Error(`column ${column} holds ${typeof value}, not text`);
  return value;
}

/** A whole number column of a row; anything else there is a bug. */
export function numberOf(row: Record<string, SQLOutputValue>, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new Error(`column ${column} holds ${typeof value}, not a number`);
  return value;
}

function migrate(database: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = schemaVersion(database);
  if (version > migrations.length) {
    throw new SparkPlugError('STATE_TOO_NEW', `the state was written by a newer SparkPlug`, {
      place: file,
      met: `schema ${version}; this program knows up to ${migrations.length}`,
      hint: 'update SparkPlug on this computer, then `sparkplug up`',
    });
  }
  if (version === migrations.length) return;
  if (version > 0) keepCopy(database, `${file}.before-${version + 1}`);
  for (const [index, text] of migrations.entries()) {
    if (index < version) continue;
    transact(database, () => {
      database.exec(text);
      database.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}

function schemaVersion(database: DatabaseSync): number {
  return numberOf(database.prepare('PRAGMA user_version').get() ?? {}, 'user_version');
}

/** VACUUM INTO sees what is still in the write-ahead log, which copying the file would miss. */
function keepCopy(database: DatabaseSync, copy: string): void {
  rmSync(copy, { force: true });
  database.prepare('VACUUM INTO ?').run(copy);
}

function checkIntegrity(database: DatabaseSync, file: string): void {
  const found = textOf(database.prepare('PRAGMA quick_check(1)').get() ?? {}, 'quick_check');
  if (found !== 'ok') throw corrupt(file, found);
}

/** SQLITE_CORRUPT and SQLITE_NOTADB are about the content; all else (a folder that is missing) stays what it is. */
function explainOpenError(file: string, error: unknown): unknown {
  const number = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return number === 11 || number === 26 ? corrupt(file, (error as Error).message, error) : error;
}

function corrupt(file: string, met: string, cause?: unknown): SparkPlugError {
  return new SparkPlugError('STATE_CORRUPT', "the scheduler's state cannot be read", {
    place: file,
    met,
    hint:
      'put back a copy of this file (`state.db.before-*` lies beside it after an upgrade), or move it away: ' +
      'the next `sparkplug up` starts an empty history; files in HDFS are not touched',
    cause,
  });
}
