import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import type { ErrorCode } from '../errors.ts';
import { SparkPlugError } from '../errors.ts';
import { type AccessStore, openAccessStore } from '../runs/state/access-store.ts';
import {
  type AccessDesk,
  type Caller,
  codeValidMs,
  createAccessDesk,
  sessionIdleMs,
  sessionLongestMs,
} from './access-desk.ts';

const root = mkdtempSync(join(tmpdir(), 'sparkplug-access-'));
after(() => rmSync(root, { recursive: true, force: true }));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const first = { name: 'admin', scope: 'admin', sha256: sha256('first') } as const;
const withCode = (code: ErrorCode) => (error: unknown) => error instanceof SparkPlugError && error.code === code;
const startMs = Date.UTC(2026, 0, 1);

let file: string;
let now: number;
let store: AccessStore;
let desk: AccessDesk;
let damage: string[];
const clock = { now: () => now, wait: () => Promise.reject(new Error('nothing waits')) };

function open(): void {
  damage = [];
  store = openAccessStore(file, (copy) => damage.push(copy));
  desk = createAccessDesk(store, clock);
}

beforeEach(() => {
  file = join(mkdtempSync(join(root, 'data-')), 'access.db');
  now = startMs;
  open();
  desk.importTokens([first]);
});

function callerOf(token: string): Caller {
  const found = desk.byToken(token);
  assert.ok(typeof found === 'object', `${found}`);
  return found;
}

function logIn(token: string): string {
  return desk.logIn(desk.issueCode(callerOf(token)).code).session;
}

describe('tokens', () => {
  it('are recognised by their hash alone, and only that is stored', () => {
    const { token, info } = desk.add({ name: 'ci', scope: 'run' });
    assert.match(token, /^sp_[\w-]{43}$/);
    assert.deepEqual(callerOf(token), { name: 'ci', scope: 'run', expiresAt: null });
    assert.equal(info.lastUsedAt, null);
    for (const wrong of ['', 'x', sha256(token), `${token} `, token.slice(0, -1)]) {
      assert.equal(desk.byToken(wrong), 'unknown', wrong);
    }
    const session = logIn(token);
    store.close();
    const folder = join(file, '..');
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      for (const secret of [token, token.slice(3), session]) assert.equal(bytes.includes(secret), false, name);
    }
  });

  it('end at their time', () => {
    const { token } = desk.add({ name: 'guest', scope: 'read', validMs: 60_000 });
    const session = logIn(token);
    now += 59_999;
    assert.equal(callerOf(token).expiresAt, startMs + 60_000);
    now += 1;
    assert.equal(desk.byToken(token), 'expired');
    assert.equal(desk.bySession(session), 'expired');
  });

  it('note their use at most once a minute', () => {
    const used = () => desk.list()[0]?.lastUsedAt;
    const at = (ms: number) => new Date(startMs + ms).toISOString();
    callerOf('first');
    assert.equal(used(), at(0));
    now += 59_999;
    callerOf('first');
    assert.equal(used(), at(0));
    now += 1;
    callerOf('first');
    assert.equal(used(), at(60_000));
    // A clock that was set back by a day.
    now -= 86_400_000;
    callerOf('first');
    assert.equal(used(), at(60_000 - 86_400_000));
  });

  it('have one name each', () => {
    desk.add({ name: 'ci', scope: 'run' });
    assert.throws(() => desk.add({ name: 'ci', scope: 'read' }), withCode('TOKEN_EXISTS'));
    assert.throws(() => desk.revoke('nobody'), withCode('TOKEN_UNKNOWN'));
    assert.throws(() => desk.rotate('nobody'), withCode('TOKEN_UNKNOWN'));
  });

  it('are revoked with their codes and sessions, the last admin never', () => {
    const { token } = desk.add({ name: 'ci', scope: 'run' });
    const session = logIn(token);
    const { code } = desk.issueCode(callerOf(token));
    desk.revoke('ci');
    assert.equal(desk.byToken(token), 'unknown');
    assert.equal(desk.bySession(session), 'unknown');
    assert.throws(() => desk.logIn(code), withCode('LOGIN_CODE_INVALID'));
    assert.throws(() => desk.revoke('admin'), withCode('TOKEN_LAST_ADMIN'));
    desk.add({ name: 'soon-over', scope: 'admin', validMs: 60_000 });
    assert.throws(() => desk.revoke('admin'), withCode('TOKEN_LAST_ADMIN'));
    desk.add({ name: 'second', scope: 'admin' });
    desk.revoke('admin');
    assert.equal(desk.byToken('first'), 'unknown');
    assert.throws(() => desk.revoke('second'), withCode('TOKEN_LAST_ADMIN'));
  });

  it('are rotated at once, and again with the same value when the answer was lost', () => {
    const session = logIn('first');
    const chosen = `sp_${'c'.repeat(43)}`;
    assert.equal(desk.rotate('admin', chosen).token, chosen);
    assert.equal(desk.byToken('first'), 'unknown');
    assert.equal(desk.bySession(session), 'unknown');
    const later = logIn(chosen);
    desk.rotate('admin', chosen);
    assert.equal(typeof desk.bySession(later), 'object');
    const { token } = desk.rotate('admin');
    assert.equal(desk.byToken(chosen), 'unknown');
    assert.equal(callerOf(token).scope, 'admin');
    desk.add({ name: 'ci', scope: 'run' });
    assert.throws(() => desk.rotate('ci', token), withCode('TOKEN_EXISTS'));
  });
});

describe('log-in', () => {
  it('takes a code once', () => {
    const { code, expiresAt } = desk.issueCode(callerOf('first'));
    assert.equal(expiresAt, new Date(startMs + codeValidMs).toISOString());
    const { session, info } = desk.logIn(code);
    assert.equal(info.name, 'admin');
    assert.deepEqual(desk.bySession(session), { name: 'admin', scope: 'admin', expiresAt: startMs + sessionIdleMs });
    assert.throws(() => desk.logIn(code), /was used already/);
    assert.throws(() => desk.logIn(session), /not one of this cluster/);
    assert.equal(desk.byToken(session), 'unknown');
    assert.equal(desk.bySession('first'), 'unknown');
  });

  it('takes a code for ten minutes', () => {
    const [early, late] = [desk.issueCode(callerOf('first')), desk.issueCode(callerOf('first'))];
    now += codeValidMs - 1;
    desk.logIn(early.code);
    now += 1;
    assert.throws(() => desk.logIn(late.code), /older than ten minutes/);
  });

  it('lasts twelve hours after the last use, a week at most', () => {
    const idle = logIn('first');
    const busy = logIn('first');
    const endsAt = startMs + sessionLongestMs;
    for (; now < endsAt; now += sessionIdleMs - 1) assert.equal(typeof desk.bySession(busy), 'object', `${now}`);
    assert.equal(desk.bySession(idle), 'expired');
    now = endsAt;
    assert.equal(desk.bySession(busy), 'expired');
  });

  it('ends when one logs out', () => {
    const session = logIn('first');
    desk.logOut(session);
    assert.equal(desk.bySession(session), 'unknown');
  });

  it('keeps a bounded number of sessions, the newest', () => {
    const sessions = Array.from({ length: 101 }, () => logIn('first'));
    assert.equal(desk.bySession(sessions[0] ?? ''), 'unknown');
    assert.equal(typeof desk.bySession(sessions[1] ?? ''), 'object');
    assert.equal(typeof desk.bySession(sessions[100] ?? ''), 'object');
  });
});

describe('the secret', () => {
  const second = { ...first, sha256: sha256('second').toUpperCase() };

  it('is taken over when it is new, and ends what came from the old one', () => {
    const session = logIn('first');
    desk.importTokens([second]);
    assert.equal(desk.byToken('first'), 'unknown');
    assert.equal(desk.bySession(session), 'unknown');
    assert.equal(callerOf('second').scope, 'admin');
  });

  it('does not bring back at a restart what was rotated or revoked', () => {
    const ci = { name: 'ci', scope: 'run', sha256: sha256('ci') } as const;
    desk.importTokens([first, ci]);
    desk.revoke('ci');
    const { token } = desk.rotate('admin');
    const session = logIn(token);
    store.close();
    open();
    desk.importTokens([first, ci]);
    assert.equal(desk.byToken('first'), 'unknown');
    assert.equal(desk.byToken('ci'), 'unknown');
    assert.equal(typeof desk.bySession(session), 'object');
    // The next `up` brings the rotated one: it is known, and its sessions go on.
    desk.importTokens([{ ...first, sha256: sha256(token) }, ci]);
    assert.equal(typeof desk.bySession(session), 'object');
    assert.equal(desk.byToken('ci'), 'unknown');
  });

  it('fills a database that was emptied', () => {
    store.close();
    writeFileSync(file, '');
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    open();
    desk.importTokens([first]);
    assert.deepEqual(damage, []);
    assert.equal(callerOf('first').name, 'admin');
  });

  it('fills a new database in place of a damaged one, which is kept', () => {
    desk.add({ name: 'ci', scope: 'run' });
    store.close();
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    writeFileSync(file, 'this is not a database'.repeat(1000));
    open();
    desk.importTokens([first]);
    assert.equal(damage.length, 1);
    assert.match(readFileSync(damage[0] ?? '', 'utf8'), /^this is not a database/);
    assert.deepEqual(
      desk.list().map(({ name }) => name),
      ['admin'],
    );
  });
});
