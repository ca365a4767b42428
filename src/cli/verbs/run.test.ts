import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../api/schemas.ts';
import { exitCodeOfRun } from './run.ts';

const run = (state: Run['state'], exitCode: number | null): Run => ({
  id: 'predict-1',
  job: 'predict',
  state,
  args: [],
  trigger: 'cli',
  tick: null,
  applications: [],
  image: '',
  imageDigest: null,
  queuedAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  finishedAt: null,
  exitCode,
  failure: null,
  waiting: null,
  attempts: [],
  progress: null,
  published: {},
});

test("the exit code is the job's; a run that failed for another reason never ends with 0", () => {
  assert.equal(exitCodeOfRun(run('succeeded', 0)), 0);
  assert.equal(exitCodeOfRun(run('failed', 7)), 7);
  assert.equal(exitCodeOfRun(run('failed', 143)), 143);
  assert.equal(exitCodeOfRun(run('failed', 0)), 1);
  assert.equal(exitCodeOfRun(run('failed', null)), 1);
  assert.equal(exitCodeOfRun(run('cancelled', null)), 130);
});
