// Revisions of the desired state, the operations that apply them, what happened, and a few settings.
import type { DatabaseSync } from 'node:sqlite';
import { ClusterEvent, Operation } from '../../api/schemas.ts';
import type { ChangeSignal } from '../change-signal.ts';
import { numberOf, textOf, transact } from './database.ts';

/** The desired state's text is opaque here: who reads it knows its shape. */
export interface Revision {
  readonly number: number;
  readonly desired: string;
  readonly submittedAt: string;
}

export interface StoredOperation extends Operation {
  /** Do not wait for running jobs. */
  readonly now: boolean;
  /** Go on where data would be lost. */
  readonly force: boolean;
}

/**
 * `bootstrap`: the text that the scheduler was deployed with; `stack`: the StackSpec that was applied last, as JSON;
 * `leaving`: names of DataNodes and workers that a change takes out, as JSON; `replicas-owed`: files have fewer
 * replicas than `auto` gives them, until DataNodes that were away are back; `noticed`: machines that go soon, as JSON.
 */
export type SettingName = 'bootstrap' | 'stack' | 'leaving' | 'replicas-owed' | 'noticed';

export interface ClusterStore {
  currentRevision(): Revision | null;
  revision(number: number): Revision | null;
  /** Adds the next revision; returns its number. */
  addRevision(desired: string, submittedAt: string): number;
  nextOperationNumber(): number;
  addOperation(operation: StoredOperation): void;
  operation(id: string): StoredOperation | null;
  /** The one that is running, null when none. */
  runningOperation(): StoredOperation | null;
  /** How many there were, of each kind and state. */
  countOperations(): readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  updateOperation(id: string, changes: Partial<Operation>): StoredOperation;
  setting(name: SettingName): string | null;
  set(name: SettingName, value: string | null): void;
  addEvent(event: Omit<ClusterEvent, 'seq'>): void;
  /** The newest `limit` events, newest last. */
  events(limit: number): ClusterEvent[];
  /** The first `limit` kept events from `seq` on, oldest first. */
  eventsFrom(seq: number, limit: number): ClusterEvent[];
  /** All or nothing. */
  atomically<T>(work: () => T): T;
}

/** Key of the change signal for one operation. */
export function operationKey(id: string): string {
  return `operation ${id}`;
}

/** Key of the change signal for new events. */
export const eventsKey = 'events';

/** Older events are dropped beyond this many. */
const keptEvents = 2000;

export function createClusterStore(database: DatabaseSync, changes: ChangeSignal): ClusterStore {
  const readRevision = (where: string, ...values: number[]): Revision | null => {
    const row = database.prepare(`SELECT * FROM revisions ${where}`).get(...values);
    if (row === undefined) return null;
    return {
      number: numberOf(row, 'number'),
      desired: textOf(row, 'desired'),
      submittedAt: textOf(row, 'submitted_at'),
    };
  };
  const readOperation = (where: string, ...values: string[]): StoredOperation | null => {
    const row = database.prepare(`SELECT * FROM operations ${where}`).get(...values);
    if (row === undefined) return null;
    const record = Operation.parse(JSON.parse(textOf(row, 'record')));
    return { ...record, now: numberOf(row, 'now') === 1, force: numberOf(row, 'force') === 1 };
  };
  const currentRevision = (): Revision | null => readRevision('ORDER BY number DESC LIMIT 1');

  return {
    currentRevision,
    revision: (number) => readRevision('WHERE number = ?', number),
    addRevision: (desired, submittedAt) => {
      const number = (currentRevision()?.number ?? 0) + 1;
      database.prepare('INSERT INTO revisions VALUES (?, ?, ?)').run(number, desired, submittedAt);
      return number;
    },
    nextOperationNumber: () => {
      const row = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'operations'").get();
      return row === undefined ? 1 : numberOf(row, 'seq') + 1;
    },
    addOperation: (operation) => {
      database
        .prepare('INSERT INTO operations (id, state, now, force, record) VALUES (?, ?, ?, ?, ?)')
        .run(
          operation.id,
          operation.state,
          operation.now ? 1 : 0,
          operation.force ? 1 : 0,
          JSON.stringify(Operation.parse(operation)),
        );
    },
    operation: (id) => readOperation('WHERE id = ?', id),
    runningOperation: () => readOperation("WHERE state = 'running' ORDER BY number LIMIT 1"),
    updateOperation: (id, patch) => {
      const stored = readOperation('WHERE id = ?', id);
      if (stored === null) throw new Error(`there is no operation ${id}`);
      const operation = Operation.parse({ ...stored, ...patch });
      database
        .prepare('UPDATE operations SET record = ?, state = ? WHERE id = ?')
        .run(JSON.stringify(operation), operation.state, id);
      changes.changed(operationKey(id));
      return { ...operation, now: stored.now, force: stored.force };
    },
    countOperations: () =>
      database
        .prepare(
          "SELECT record ->> 'kind' AS kind, state, count(*) AS n FROM operations GROUP BY kind, state ORDER BY 1, 2",
        )
        .all()
        .map((row) => ({ kind: textOf(row, 'kind'), state: textOf(row, 'state'), count: numberOf(row, 'n') })),
    setting: (name) => {
      const row = database.prepare('SELECT value FROM settings WHERE name = ?').get(name);
      return row === undefined ? null : textOf(row, 'value');
    },
    set: (name, value) => {
      if (value === null) database.prepare('DELETE FROM settings WHERE name = ?').run(name);
      else database.prepare('INSERT OR REPLACE INTO settings VALUES (?, ?)').run(name, value);
    },
    addEvent: (event) => {
      const { lastInsertRowid } = database
        .prepare('INSERT INTO events (at, kind, message) VALUES (?, ?, ?)')
        .run(event.at, event.kind, event.message);
      database.prepare('DELETE FROM events WHERE seq <= ?').run(Number(lastInsertRowid) - keptEvents);
      changes.changed(eventsKey);
    },
    events: (limit) =>
      database
        .prepare('SELECT * FROM events ORDER BY seq DESC LIMIT ?')
        .all(limit)
        .map((row) => ClusterEvent.parse(row))
        .reverse(),
    eventsFrom: (seq, limit) =>
      database
        .prepare('SELECT * FROM events WHERE seq >= ? ORDER BY seq LIMIT ?')
        .all(seq, limit)
        .map((row) => ClusterEvent.parse(row)),
    atomically: (work) => transact(database, work),
  };
}
