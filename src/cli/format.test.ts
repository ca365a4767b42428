import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBar, formatBytes, formatMemory, formatSeconds, formatTable } from './format.ts';

test('durations', () => {
  assert.deepEqual([0, 420, 9_949, 59_000, 125_000, 3_720_000].map(formatSeconds), [
    '0.0 s',
    '0.4 s',
    '9.9 s',
    '59 s',
    '2 min 5 s',
    '1 h 2 min',
  ]);
});

test('sizes', () => {
  assert.deepEqual([512, 1024, 1536].map(formatMemory), ['512 MiB', '1 GiB', '1.5 GiB']);
  assert.deepEqual([0, 17, 1536, 3 * 1024 ** 3].map(formatBytes), ['0 B', '17 B', '1.5 KiB', '3 GiB']);
});

test('a bar is never longer than its width', () => {
  assert.equal(formatBar(1, 2, 4), '[██··] 1/2');
  assert.equal(formatBar(0, 0, 4), '[····] 0/0');
  assert.equal(formatBar(9, 2, 4), '[████] 9/2');
});

test('a table has no lines and no trailing spaces', () => {
  assert.equal(
    formatTable(
      ['A', 'LONG'],
      [
        ['x', ''],
        ['yy', 'z'],
      ],
    ),
    'A   LONG\nx\nyy  z',
  );
});
