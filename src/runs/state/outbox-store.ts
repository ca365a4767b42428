// Notifications that are still to be delivered; each is stored in the transaction that ends its run.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { NotifyTarget } from '../../api/schemas.ts';
import type { ChangeSignal } from '../change-signal.ts';
import { numberOf, textOf } from './database.ts';

export interface OutboxEntry {
  /** The same for every attempt: the receiver knows a repetition by it. */
  readonly id: string;
  readonly run: string;
  readonly event: string;
  readonly target: NotifyTarget;
  readonly body: string;
  /** Attempts so far. */
  readonly attempts: number;
}

export interface OutboxStore {
  /** Due at once. */
  add(entry: Omit<OutboxEntry, 'attempts'>): void;
  /** The oldest that may be tried now; also those due later than `horizonMs`, which only a clock set back explains. */
  due(nowMs: number, horizonMs: number, limit: number): readonly OutboxEntry[];
  /** When the next one becomes due, milliseconds since 1970; null when none does. */
  nextAfter(nowMs: number): number | null;
  postpone(id: string, attempts: number, nextAtMs: number): void;
  remove(id: string): void;
  count(): number;
}

/** Key of the change signal: something was added or settled. */
export const outboxKey = 'outbox';

export function createOutboxStore(database: DatabaseSync, changes: ChangeSignal): OutboxStore {
  return {
    add: ({ id, run, event, target, body }) => {
      database
        .prepare(
          'INSERT INTO outbox (id, run, event, url, secret, body, attempts, next_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0)',
        )
        .run(id, run, event, target.url, target.secret, body);
      changes.changed(outboxKey);
    },
    due: (nowMs, horizonMs, limit) =>
      database
        .prepare('SELECT * FROM outbox WHERE next_at <= ? OR next_at > ? ORDER BY number LIMIT ?')
        .all(nowMs, horizonMs, limit)
        .map(readEntry),
    nextAfter: (nowMs) => {
      const next = database.prepare('SELECT min(next_at) AS next FROM outbox WHERE next_at > ?').get(nowMs)?.next;
      return typeof next === 'number' ? next : null;
    },
    postpone: (id, attempts, nextAtMs) => {
      database.prepare('UPDATE outbox SET attempts = ?, next_at = ? WHERE id = ?').run(attempts, nextAtMs, id);
    },
    remove: (id) => {
      database.prepare('DELETE FROM outbox WHERE id = ?').run(id);
    },
    count: () => numberOf(database.prepare('SELECT count(*) AS n FROM outbox').get() ?? {}, 'n'),
  };
}

function readEntry(row: Record<string, SQLOutputValue>): OutboxEntry {
  const { secret } = row;
  return {
    id: textOf(row, 'id'),
    run: textOf(row, 'run'),
    event: textOf(row, 'event'),
    target: { url: textOf(row, 'url'), secret: typeof secret === 'string' ? secret : null },
    body: textOf(row, 'body'),
    attempts: numberOf(row, 'attempts'),
  };
}
