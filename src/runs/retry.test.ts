import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRetried, retryDelayMs } from './retry.ts';

test('delays double from 5 s up to 5 minutes', () => {
  assert.deepEqual([1, 2, 3, 7, 20].map(retryDelayMs), [5_000, 10_000, 20_000, 300_000, 300_000]);
});

test('failures of configuration are never retried', () => {
  assert.equal(isRetried('RUN_FAILED', 1, 1), true);
  assert.equal(isRetried('RUN_FAILED', 2, 1), false);
  for (const code of [
    'JOB_FILE_MISSING',
    'JOB_REFUSED',
    'RUN_CANNOT_GET_EXECUTORS',
    'RESULT_KEY_MISSING',
    'RUN_CANCELLED',
  ]) {
    assert.equal(isRetried(code, 1, 5), false, code);
  }
});
