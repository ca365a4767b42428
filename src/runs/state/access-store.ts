// Tokens, log-in codes and sessions as rows of web's own database; what they mean is decided elsewhere.
import { renameSync } from 'node:fs';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { Scope } from '../../api/schemas.ts';
import { SparkPlugError } from '../../errors.ts';
import { accessMigrations } from './access-migrations.ts';
import { numberOf, openDatabase, textOf, transact } from './database.ts';

/** Times are milliseconds since 1970, hashes SHA-256 in hexadecimal. */
export interface StoredToken {
  readonly name: string;
  readonly scope: Scope;
  readonly sha256: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  /** Null: never. */
  readonly expiresAt: number | null;
}

export interface StoredCode {
  readonly token: string;
  readonly expiresAt: number;
  readonly used: boolean;
}

export interface StoredSession {
  readonly token: StoredToken;
  readonly startedAt: number;
  readonly expiresAt: number;
}

export interface AccessStore {
  tokens(): StoredToken[];
  token(name: string): StoredToken | null;
  tokenByHash(sha256: string): StoredToken | null;
  insertToken(token: StoredToken): void;
  /** A new hash; sessions and codes of the old one end with it. */
  replaceHash(name: string, sha256: string, createdAt: number): void;
  removeToken(name: string): void;
  markUsed(name: string, at: number): void;
  /** Hash of the secret's entry as it was last taken over. */
  importedHash(name: string): string | null;
  rememberImport(name: string, sha256: string): void;
  insertCode(sha256: string, code: Omit<StoredCode, 'used'>): void;
  code(sha256: string): StoredCode | null;
  useCode(sha256: string): void;
  insertSession(sha256: string, session: Omit<StoredSession, 'token'> & { readonly token: string }): void;
  session(sha256: string): StoredSession | null;
  extendSession(sha256: string, expiresAt: number): void;
  removeSession(sha256: string): void;
  /** Forgets codes and sessions that ended before, and keeps the newest `most` of a token. */
  prune(token: string, endedBefore: number, most: number): void;
  transact<T>(work: () => T): T;
  close(): void;
}

/**
 * Opens the file, making it where it is not there. One that cannot be read is moved aside and started anew: then
 * `onDamage` is told where the old one lies.
 * @throws SparkPlugError STATE_TOO_NEW for the file of a newer program
 */
export function openAccessStore(file: string, onDamage: (copy: string, reason: string) => void): AccessStore {
  return createAccessStore(openOrStartAnew(file, onDamage));
}

function openOrStartAnew(file: string, onDamage: (copy: string, reason: string) => void): DatabaseSync {
  try {
    return openDatabase(file, accessMigrations);
  } catch (error) {
    if (!(error instanceof SparkPlugError) || error.code !== 'STATE_CORRUPT') throw error;
    const copy = `${file}.damaged-${Date.now()}`;
    // The write-ahead log belongs to the old file and would be applied to the new one.
    for (const suffix of ['', '-wal', '-shm']) moveIfThere(file + suffix, copy + suffix);
    onDamage(copy, error.met ?? error.message);
    return openDatabase(file, accessMigrations);
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function createAccessStore(database: DatabaseSync): AccessStore {
  const run = (sql: string) => {
    const statement = database.prepare(sql);
    return (...values: (string | number | null)[]): void => void statement.run(...values);
  };
  const find = <T>(sql: string, read: (row: Row) => T) => {
    const statement = database.prepare(sql);
    return (key: string): T | null => {
      const row = statement.get(key);
      return row === undefined ? null : read(row);
    };
  };
  const insertToken = run('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)');
  const replaceHash = run('UPDATE tokens SET sha256 = ?, created_at = ?, last_used_at = NULL WHERE name = ?');
  const removeCodes = run('DELETE FROM login_codes WHERE token = ?');
  const removeSessions = run('DELETE FROM sessions WHERE token = ?');
  const removeToken = run('DELETE FROM tokens WHERE name = ?');
  const markUsed = run('UPDATE tokens SET last_used_at = ? WHERE name = ?');
  const rememberImport = run('INSERT OR REPLACE INTO imported_tokens VALUES (?, ?)');
  const insertCode = run('INSERT INTO login_codes (sha256, token, expires_at) VALUES (?, ?, ?)');
  const useCode = run('UPDATE login_codes SET used = 1 WHERE sha256 = ?');
  const insertSession = run('INSERT INTO sessions VALUES (?, ?, ?, ?)');
  const extendSession = run('UPDATE sessions SET expires_at = ? WHERE sha256 = ?');
  const removeSession = run('DELETE FROM sessions WHERE sha256 = ?');
  const forgetCodes = run('DELETE FROM login_codes WHERE expires_at < ?');
  const forgetSessions = run('DELETE FROM sessions WHERE expires_at < ?');
  const trimCodes = run(trim('login_codes', 'expires_at'));
  const trimSessions = run(trim('sessions', 'started_at'));
  const allTokens = database.prepare('SELECT * FROM tokens ORDER BY name');
  return {
    tokens: () => allTokens.all().map(readToken),
    token: find('SELECT * FROM tokens WHERE name = ?', readToken),
    tokenByHash: find('SELECT * FROM tokens WHERE sha256 = ?', readToken),
    insertToken: (token) =>
      insertToken(token.name, token.scope, token.sha256, token.createdAt, token.lastUsedAt, token.expiresAt),
    replaceHash: (name, sha256, createdAt) =>
      transact(database, () => {
        replaceHash(sha256, createdAt, name);
        removeCodes(name);
        removeSessions(name);
      }),
    removeToken,
    markUsed: (name, at) => markUsed(at, name),
    importedHash: find('SELECT sha256 FROM imported_tokens WHERE name = ?', (row) => textOf(row, 'sha256')),
    rememberImport,
    insertCode: (sha256, { token, expiresAt }) => insertCode(sha256, token, expiresAt),
    code: find('SELECT * FROM login_codes WHERE sha256 = ?', (row) => ({
      token: textOf(row, 'token'),
      expiresAt: numberOf(row, 'expires_at'),
      used: numberOf(row, 'used') === 1,
    })),
    useCode,
    insertSession: (sha256, { token, startedAt, expiresAt }) => insertSession(sha256, token, startedAt, expiresAt),
    session: find(
      `SELECT tokens.*, started_at AS session_started, sessions.expires_at AS session_ends
       FROM sessions JOIN tokens ON tokens.name = sessions.token WHERE sessions.sha256 = ?`,
      (row) => ({
        token: readToken(row),
        startedAt: numberOf(row, 'session_started'),
        expiresAt: numberOf(row, 'session_ends'),
      }),
    ),
    extendSession: (sha256, expiresAt) => extendSession(expiresAt, sha256),
    removeSession,
    prune: (token, endedBefore, most) => {
      forgetCodes(endedBefore);
      forgetSessions(endedBefore);
      trimCodes(token, token, most);
      trimSessions(token, token, most);
    },
    transact: (work) => transact(database, work),
    close: () => database.close(),
  };
}

type Row = Record<string, SQLOutputValue>;

function trim(table: string, order: string): string {
  return (
    `DELETE FROM ${table} WHERE token = ? AND sha256 NOT IN ` +
    `(SELECT sha256 FROM ${table} WHERE token = ? ORDER BY ${order} DESC, rowid DESC LIMIT ?)`
  );
}

function readToken(row: Row): StoredToken {
  return {
    name: textOf(row, 'name'),
    scope: Scope.parse(row.scope),
    sha256: textOf(row, 'sha256'),
    createdAt: numberOf(row, 'created_at'),
    lastUsedAt: row.last_used_at === null ? null : numberOf(row, 'last_used_at'),
    expiresAt: row.expires_at === null ? null : numberOf(row, 'expires_at'),
  };
}
