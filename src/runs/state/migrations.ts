// The database's shape, step by step. A step that was released is never edited: a change is a new step at the end.

/** Step n leads from `user_version` n to n + 1. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE revisions (
    number INTEGER PRIMARY KEY,
    desired TEXT NOT NULL,
    submitted_at TEXT NOT NULL
  ) STRICT;

  -- record: the API's Operation as JSON, steps included.
  CREATE TABLE operations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    now INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;

  -- version counts the changes of the record; AUTOINCREMENT so that a number is never used twice.
  CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    record TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    log_bytes INTEGER NOT NULL DEFAULT 0,
    log_lines INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX runs_by_state ON runs (state, number);
  CREATE INDEX runs_by_job ON runs (job, number);

  CREATE TABLE attempts (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    container TEXT NOT NULL,
    address TEXT,
    log_cursor TEXT NOT NULL,
    PRIMARY KEY (run, number)
  ) STRICT;

  -- No foreign key: a result that is still served outlives its run's history.
  CREATE TABLE results (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    run TEXT NOT NULL,
    record TEXT NOT NULL,
    current INTEGER NOT NULL,
    PRIMARY KEY (name, version)
  ) STRICT;
  CREATE UNIQUE INDEX one_current_version ON results (name) WHERE current = 1;
  CREATE INDEX results_by_run ON results (run);

  CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE
  ) STRICT;

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Counts for the metrics; labels: JSON list of name and value, by name.
  CREATE TABLE counters (
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (name, labels)
  ) STRICT;
  -- Notifications to be delivered. No foreign key: they outlive a run that is no longer kept.
  CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    run TEXT NOT NULL,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL
  ) STRICT;
  -- minute: minutes since 1970; record: the API's ClusterSample as JSON.
  CREATE TABLE samples (minute INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT;
  `,
  `
  -- The rules are JSON: the one in effect, the one set instead of the file's, and the file's at that time.
  -- settled_to: ticks up to this moment are decided; milliseconds since 1970, as in ticks.
  CREATE TABLE schedules (
    job TEXT PRIMARY KEY,
    paused INTEGER NOT NULL,
    rule TEXT,
    override TEXT,
    file_rule TEXT,
    settled_to INTEGER NOT NULL
  ) STRICT;

  -- UNIQUE: a tick leads to one run at most. No foreign key: a tick outlives the history of its run.
  CREATE TABLE ticks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    run TEXT,
    UNIQUE (job, at)
  ) STRICT;
  CREATE INDEX ticks_by_job ON ticks (job, number);
  `,
  `
  -- 1: goes on where data would be lost.
  ALTER TABLE operations ADD COLUMN force INTEGER NOT NULL DEFAULT 0;
  `,
];
