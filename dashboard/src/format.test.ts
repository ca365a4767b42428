import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBytes,
  formatCell,
  formatDuration,
  formatMiB,
  formatMoment,
  formatPlural,
  formatRelative,
  formatTick,
} from './format.ts';

test('bytes have a binary unit and no more digits than tell something', () => {
  const cases = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [20.25 * 1024 ** 2, '20.3 MiB'],
    [512 * 1024 ** 3, '512 GiB'],
    [3 * 1024 ** 6, '3072 PiB'],
  ] as const;
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
  assert.equal(formatMiB(1536), '1.5 GiB');
});

test('durations show their two largest units', () => {
  const cases = [
    [-5, '0 s'],
    [1_240, '1.2 s'],
    [59_990, '59 s'],
    [60_000, '1 min'],
    [3_725_000, '1 h 2 min'],
    [90_000_000, '1 d 1 h'],
  ] as const;
  for (const [milliseconds, text] of cases) assert.equal(formatDuration(milliseconds), text);
});

test('moments near and far', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  assert.equal(formatRelative('2026-03-01T11:59:58Z', now), 'now');
  assert.equal(formatRelative('2026-03-01T10:30:00Z', now), '1 h ago');
  assert.equal(formatRelative('2026-03-03T13:00:00Z', now), 'in 2 d');
  assert.equal(formatMoment('2026-03-01T12:00:00Z', 'Asia/Tokyo'), '1 Mar 2026, 21:00:00');
  assert.equal(formatTick('2026-03-30T01:00:00Z', 'Europe/Zurich'), 'Mon 30 Mar, 03:00');
  assert.match(formatTick('2026-03-30T01:00:00Z', 'Nowhere/Land'), /30 Mar/);
});

test('cells and plurals', () => {
  assert.equal(formatCell(null), '–');
  assert.equal(formatCell({ a: [1] }), '{"a":[1]}');
  assert.equal(formatCell(false), 'false');
  assert.equal(formatPlural(1, 'core'), '1 core');
  assert.equal(formatPlural(1.5, 'core'), '1.5 cores');
});
