import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { numberOf, openDatabase, textOf, transact } from './database.ts';
import { migrations } from './migrations.ts';

const newFile = (): string => join(mkdtempSync(join(tmpdir(), 'sparkplug-state-')), 'state.db');
const first = "CREATE TABLE t (a TEXT) STRICT; INSERT INTO t VALUES ('kept')";
const second = "ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'new'";

test('an empty file gets the whole schema, and opening it again changes nothing', () => {
  const file = newFile();
  openDatabase(file).close();
  const database = openDatabase(file);
  assert.equal(numberOf(database.prepare('PRAGMA user_version').get() ?? {}, 'user_version'), migrations.length);
  assert.equal(textOf(database.prepare('PRAGMA journal_mode').get() ?? {}, 'journal_mode'), 'wal');
  database.close();
  assert.equal(existsSync(`${file}.before-1`), false);
});

test('an older schema is migrated forward, and a copy of it is kept', () => {
  const file = newFile();
  openDatabase(file, [first]).close();
  const database = openDatabase(file, [first, second]);
  assert.deepEqual({ ...database.prepare('SELECT * FROM t').get() }, { a: 'kept', b: 'new' });
  database.close();
  const copy = new DatabaseSync(`${file}.before-2`);
  assert.deepEqual({ ...copy.prepare('SELECT * FROM t').get() }, { a: 'kept' });
  copy.close();
});

test('a migration that fails leaves the old schema', () => {
  const file = newFile();
  openDatabase(file, [first]).close();
  assert.throws(() => openDatabase(file, [first, `${second}; SELECT * FROM nowhere`]));
  const database = openDatabase(file, [first]);
  assert.deepEqual({ ...database.prepare('SELECT * FROM t').get() }, { a: 'kept' });
  database.close();
});

test("a newer program's schema is refused", () => {
  const file = newFile();
  openDatabase(file, [first, second]).close();
  assert.throws(() => openDatabase(file, [first]), { code: 'STATE_TOO_NEW', met: /schema 2/ });
});

test('a file that is no database is a plain error and stays as it is', () => {
  const file = newFile();
  writeFileSync(file, 'this is not a database, whatever its name says. '.repeat(100));
  const before = readFileSync(file);
  assert.throws(() => openDatabase(file), { code: 'STATE_CORRUPT', place: file });
  assert.deepEqual(readFileSync(file), before);
});

test('a damaged page is found when opening', () => {
  const file = newFile();
  const database = openDatabase(file, [first]);
  database.exec('PRAGMA journal_mode = DELETE');
  transact(database, () => {
    for (let row = 0; row < 2000; row += 1) database.prepare('INSERT INTO t VALUES (?)').run(`row ${row}`.repeat(20));
  });
  database.close();
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 8192, 16_384);
  writeFileSync(file, bytes);
  assert.throws(() => openDatabase(file, [first]), { code: 'STATE_CORRUPT' });
});

test('a transaction is all or nothing', () => {
  const database = openDatabase(newFile(), [first]);
  const work = (): void => {
    database.exec("INSERT INTO t VALUES ('x')");
    throw new Error('half-way');
  };
  assert.throws(() => transact(database, work), /half-way/);
  assert.equal(numberOf(database.prepare('SELECT count(*) AS n FROM t').get() ?? {}, 'n'), 1);
  database.close();
});
