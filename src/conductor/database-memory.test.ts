import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDatabaseMemoryMiB } from './database-memory.ts';

test('the database has its part of the container, whatever there is', () => {
  const mebibytes = (value: number) => chooseDatabaseMemoryMiB(value * 1024 ** 2);
  assert.deepEqual([100, 224, 1024, 64 * 1024].map(mebibytes), [64, 84, 384, 1024]);
  // Without a limit: 0, or the largest number that the kernel writes.
  assert.deepEqual([0, 2 ** 63 - 4096, 2 ** 64].map(chooseDatabaseMemoryMiB), [1024, 1024, 1024]);
});
