// The shape of web's own database, step by step. A step that was released is never edited: a change is a new step.

/** Step n leads from `user_version` n to n + 1. Times are milliseconds since 1970. */
export const accessMigrations: readonly string[] = [
  `
  -- Only hashes (SHA-256, hexadecimal) of what callers hold: nobody can log in with a copy of this file.
  CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER
  ) STRICT;

  -- Tokens of the secret as they were last taken over: an entry counts again only when its hash is another one.
  CREATE TABLE imported_tokens (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL) STRICT;

  CREATE TABLE login_codes (
    sha256 TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES tokens (name) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX login_codes_by_token ON login_codes (token, expires_at);

  CREATE TABLE sessions (
    sha256 TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES tokens (name) ON DELETE CASCADE,
    started_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_token ON sessions (token, started_at);
  `,
];
