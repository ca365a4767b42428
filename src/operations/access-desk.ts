// Who may ask: named tokens, one-time log-in codes for browsers, and the sessions that follow. Only hashes are kept.
import { createHash, randomBytes } from 'node:crypto';
import type { IssuedToken, LoginCode, NewToken, Scope, Session, TokenInfo } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import type { Clock } from '../runs/clock.ts';
import type { AccessStore, StoredSession, StoredToken } from '../runs/state/access-store.ts';

/** A token as the secret `web_tokens` tells it: never the token itself. */
export interface TokenEntry {
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** Somebody whose token or session was recognised. */
export interface Caller {
  /** Name of the token. */
  readonly name: string;
  readonly scope: Scope;
  /** When token or session ends, milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
}

/** `expired` was good once, so it is no guess; `unknown` may be one. */
export type Recognition = Caller | 'expired' | 'unknown';

/** What a caller showed. */
export interface Credential {
  readonly kind: 'token' | 'session';
  readonly text: string;
}

export interface AccessDesk {
  /** Takes over the entries of the secret that are new or have another hash than the last time. */
  importTokens(entries: readonly TokenEntry[]): void;
  byToken(token: string): Recognition;
  bySession(session: string): Recognition;
  /** Whether somebody who was recognised still is: notes no use and extends no session. */
  recheck(credential: Credential): Recognition;
  list(): TokenInfo[];
  /** @throws SparkPlugError TOKEN_EXISTS */
  add(token: NewToken): IssuedToken;
  /** Ends its sessions as well. @throws SparkPlugError TOKEN_UNKNOWN, TOKEN_LAST_ADMIN */
  revoke(name: string): void;
  /**
   * The old token and its sessions end at once.
   * @param chosen a token that the caller has made and stored already, so that a lost answer loses nothing
   * @throws SparkPlugError TOKEN_UNKNOWN, TOKEN_EXISTS where another has the chosen one
   */
  rotate(name: string, chosen?: string): IssuedToken;
  /** For one log-in with the caller's scope. */
  issueCode(caller: Caller): LoginCode;
  /** @throws SparkPlugError LOGIN_CODE_INVALID */
  logIn(code: string): { readonly session: string; readonly info: Session };
  logOut(session: string): void;
}

export const codeValidMs = 10 * 60_000;
export const sessionIdleMs = 12 * 3_600_000;
export const sessionLongestMs = 7 * 24 * 3_600_000;
/** Uses of a token or a session are written down at most this often. */
const writeEveryMs = 60_000;
/** Ended codes and sessions are known for this long, so that they are told from guesses. */
const rememberMs = 7 * 24 * 3_600_000;
/** Open codes and sessions of one token; the oldest beyond that end. */
const mostPerToken = 100;

export function createAccessDesk(store: AccessStore, clock: Clock): AccessDesk {
  const isOver = (expiresAt: number | null): boolean => expiresAt !== null && expiresAt <= clock.now();

  const recogniseToken = (token: StoredToken | null): Recognition => {
    if (token === null) return 'unknown';
    if (isOver(token.expiresAt)) return 'expired';
    return { name: token.name, scope: token.scope, expiresAt: token.expiresAt };
  };

  const recogniseSession = (session: StoredSession | null): Recognition => {
    if (session === null) return 'unknown';
    const { token, expiresAt } = session;
    if (isOver(expiresAt) || isOver(token.expiresAt)) return 'expired';
    return { name: token.name, scope: token.scope, expiresAt: Math.min(expiresAt, token.expiresAt ?? expiresAt) };
  };

  const noteUse = (token: StoredToken): void => {
    const now = clock.now();
    // A clock that was set back must not stop the record.
    if (token.lastUsedAt !== null && Math.abs(now - token.lastUsedAt) < writeEveryMs) return;
    tryToWrite(() => store.markUsed(token.name, now));
  };

  const extend = (hash: string, startedAt: number, expiresAt: number): number => {
    const wanted = Math.min(clock.now() + sessionIdleMs, startedAt + sessionLongestMs);
    if (wanted - expiresAt < writeEveryMs) return expiresAt;
    return tryToWrite(() => store.extendSession(hash, wanted)) ? wanted : expiresAt;
  };

  const get = (name: string): StoredToken => {
    const token = store.token(name);
    if (token === null) throw tokenUnknown(name);
    return token;
  };

  const refuseIfTaken = (sha256: string, name: string): void => {
    const other = store.tokenByHash(sha256);
    if (other !== null && other.name !== name) throw tokenExists('another token is the same', name);
  };

  return {
    importTokens: (entries) =>
      store.transact(() => {
        for (const { name, scope, sha256: written } of entries) {
          const sha256 = written.toLowerCase();
          if (store.importedHash(name) === sha256) continue;
          const known = store.token(name);
          // Rotated over REST first and then brought by `up`: it is the same token, and its sessions go on.
          if (known?.sha256 !== sha256 || known.scope !== scope || known.expiresAt !== null) {
            store.removeToken(name);
            const holder = store.tokenByHash(sha256);
            if (holder !== null) store.removeToken(holder.name);
            store.insertToken({ name, scope, sha256, createdAt: clock.now(), lastUsedAt: null, expiresAt: null });
          }
          store.rememberImport(name, sha256);
        }
      }),
    byToken: (text) => {
      const token = store.tokenByHash(hashOf(text));
      const found = recogniseToken(token);
      if (token !== null && typeof found !== 'string') noteUse(token);
      return found;
    },
    bySession: (text) => {
      const hash = hashOf(text);
      const session = store.session(hash);
      const found = recogniseSession(session);
      if (session === null || typeof found === 'string') return found;
      const expiresAt = extend(hash, session.startedAt, session.expiresAt);
      noteUse(session.token);
      return recogniseSession({ ...session, expiresAt });
    },
    recheck: ({ kind, text }) =>
      kind === 'token'
        ? recogniseToken(store.tokenByHash(hashOf(text)))
        : recogniseSession(store.session(hashOf(text))),
    list: () => store.tokens().map(describe),
    add: ({ name, scope, validMs = null }) => {
      if (store.token(name) !== null) throw tokenExists(`there is a token ${name} already`, name);
      const token = newToken();
      const now = clock.now();
      const stored: StoredToken = {
        name,
        scope,
        sha256: hashOf(token),
        createdAt: now,
        lastUsedAt: null,
        expiresAt: validMs === null ? null : now + validMs,
      };
      store.insertToken(stored);
      return { token, info: describe(stored) };
    },
    revoke: (name) =>
      store.transact(() => {
        const token = get(name);
        const remains = store
          .tokens()
          .some((other) => other.name !== name && other.scope === 'admin' && other.expiresAt === null);
        if (token.scope === 'admin' && !isOver(token.expiresAt) && !remains) throw lastAdmin(name);
        store.removeToken(name);
      }),
    rotate: (name, chosen) =>
      store.transact(() => {
        const before = get(name);
        const token = chosen ?? newToken();
        const sha256 = hashOf(token);
        refuseIfTaken(sha256, name);
        // The same once more: the answer to the first time was lost.
        if (before.sha256 !== sha256) store.replaceHash(name, sha256, clock.now());
        return { token, info: describe(get(name)) };
      }),
    issueCode: ({ name }) => {
      const code = randomText();
      const now = clock.now();
      const expiresAt = now + codeValidMs;
      store.transact(() => {
        store.insertCode(hashOf(code), { token: name, expiresAt });
        store.prune(name, now - rememberMs, mostPerToken);
      });
      return { code, expiresAt: timeOf(expiresAt) };
    },
    logIn: (code) =>
      store.transact(() => {
        const hash = hashOf(code);
        const found = store.code(hash);
        const token = found === null ? null : store.token(found.token);
        if (found === null || token === null) throw codeInvalid('is not one of this cluster');
        if (found.used) throw codeInvalid('was used already');
        if (isOver(found.expiresAt)) throw codeInvalid('is older than ten minutes');
        if (isOver(token.expiresAt)) throw codeInvalid(`belongs to the token ${token.name}, which has expired`);
        store.useCode(hash);
        const session = randomText();
        const now = clock.now();
        const expiresAt = now + sessionIdleMs;
        store.insertSession(hashOf(session), { token: token.name, startedAt: now, expiresAt });
        store.prune(token.name, now - rememberMs, mostPerToken);
        const ends = Math.min(expiresAt, token.expiresAt ?? expiresAt);
        return { session, info: { name: token.name, scope: token.scope, expiresAt: timeOf(ends) } };
      }),
    logOut: (session) => store.removeSession(hashOf(session)),
  };
}

/** A full disk keeps nobody out: what is lost is the time of the last use. */
function tryToWrite(write: () => void): boolean {
  try {
    write();
    return true;
  } catch {
    return false;
  }
}

/** 256 random bits: nothing that could be guessed, so one round of SHA-256 protects it. */
function newToken(): string {
  return `sp_${randomText()}`;
}

function randomText(): string {
  return randomBytes(32).toString('base64url');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function describe({ name, scope, createdAt, lastUsedAt, expiresAt }: StoredToken): TokenInfo {
  return {
    name,
    scope,
    createdAt: timeOf(createdAt),
    lastUsedAt: lastUsedAt === null ? null : timeOf(lastUsedAt),
    expiresAt: expiresAt === null ? null : timeOf(expiresAt),
  };
}

function tokenUnknown(name: string): SparkPlugError {
  return new SparkPlugError('TOKEN_UNKNOWN', `there is no token ${name}`, {
    met: name,
    hint: 'sparkplug token list',
  });
}

function tokenExists(message: string, name: string): SparkPlugError {
  const hint = `choose another name, or make this one anew: sparkplug token rotate ${name}`;
  return new SparkPlugError('TOKEN_EXISTS', message, { met: name, hint });
}

function lastAdmin(name: string): SparkPlugError {
  return new SparkPlugError('TOKEN_LAST_ADMIN', `${name} is the last admin token without an end`, {
    met: name,
    hint: 'make another first: sparkplug token add NAME --scope admin; or replace it: sparkplug token rotate',
  });
}

function codeInvalid(why: string): SparkPlugError {
  return new SparkPlugError('LOGIN_CODE_INVALID', `the log-in code ${why}`, {
    hint: 'get a new link: sparkplug open',
  });
}
