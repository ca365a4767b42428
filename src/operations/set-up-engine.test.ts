import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, mock, test } from 'node:test';
import type { Docker } from '../adapters/docker/docker.ts';
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import { ensureEngine, reviveEngine } from './set-up-engine.ts';

const environment = { ...process.env };
let programs: string;
let events: ProgressEvent[];
const setup = { report: (event: ProgressEvent) => void events.push(event) };

before(async () => {
  programs = await mkdtemp(join(tmpdir(), 'sparkplug-set-up-'));
  mock.method(process as { getuid: () => number }, 'getuid', () => 1000);
  Object.assign(process.env, { PATH: programs, XDG_CACHE_HOME: programs, DOCKER_HOST: '' });
});
after(async () => {
  process.env = environment;
  await rm(programs, { recursive: true });
});
beforeEach(async () => {
  events = [];
  await rm(join(programs, 'sudo'), { force: true });
});

/** A client that finds no engine, for this reason. */
function clientWithout(code: ErrorCode): Docker {
  const failing = async () => {
    throw new SparkPlugError(code, 'x');
  };
  return { context: null, info: failing, run: async () => 'unix:///var/run/docker.sock' } as unknown as Docker;
}

const refusals = [
  ['install or start', () => ensureEngine(clientWithout('DOCKER_MISSING'), setup), /only root may (install|start) it/],
  ['start', () => ensureEngine(clientWithout('DOCKER_NOT_RUNNING'), setup), /only root may (install|start) it/],
  ['restart', () => reviveEngine(clientWithout('DOCKER_STUCK'), setup), /only root may restart it/],
] as const;

for (const [what, attempt, reason] of refusals) {
  for (const [who, sudo] of [
    ['without sudo', null],
    ['whose sudo asks a password', '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n'],
  ] as const) {
    test(`a user ${who} who may not ${what} the engine gets one line and the fix, and nothing is begun`, async () => {
      if (sudo !== null) await writeFile(join(programs, 'sudo'), sudo, { mode: 0o755 });
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof SparkPlugError);
        assert.equal(error.code, 'SETUP_NOT_ALLOWED');
        assert.match(error.message, reason);
        assert.match(error.message, /^[^\n]+ \(sudo is missing or asks a password\)$/);
        assert.equal(error.hint, 'run the command once as root, or have docker.io installed and started');
        return true;
      });
      assert.deepEqual(events, []);
    });
  }
}
