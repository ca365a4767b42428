import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, formatMiB, parseDurationMs, parseMemoryMiB } from './units.ts';

test('sizes are read with their unit, in binary', () => {
  const sizes = {
    '4GiB': 4096,
    '1.5GiB': 1536,
    '512MiB': 512,
    '4g': 4096,
    '300m': 300,
    '2 TiB': 2 * 1024 * 1024,
    '0.3MiB': 0,
  };
  for (const [text, expected] of Object.entries(sizes)) assert.equal(parseMemoryMiB(text), expected, text);
});

test('sizes without a unit or with a doubtful one are not read', () => {
  for (const text of ['4', '', 'GiB', '4GB', '4 gigs', '-4GiB', '1e3GiB', '4GiB8', '9999999999999999TiB']) {
    assert.equal(parseMemoryMiB(text), null, text);
  }
});

test('durations are read with their units', () => {
  const durations = {
    '2h': 7_200_000,
    '1h30m': 5_400_000,
    '90s': 90_000,
    '500ms': 500,
    '1.5h': 5_400_000,
    '5 min': 300_000,
    '1d': 86_400_000,
  };
  for (const [text, expected] of Object.entries(durations)) assert.equal(parseDurationMs(text), expected, text);
});

test('durations without units are not read', () => {
  for (const text of ['', '5', '1h30', 'h', '-1h', '2w', '1:30']) assert.equal(parseDurationMs(text), null, text);
});

test('sizes are written short', () => {
  assert.deepEqual([0, 512, 1023, 1024, 1536, 1600, 2048 * 1024].map(formatMiB), [
    '0 MiB',
    '512 MiB',
    '1023 MiB',
    '1 GiB',
    '1.5 GiB',
    '1.6 GiB',
    '2 TiB',
  ]);
});

test('durations are written in their two largest units', () => {
  const durations = [0, 350, 12_480, 59_960, 200_000, 3_600_000, 7_500_000, 360_000_000];
  assert.deepEqual(durations.map(formatDuration), [
    '0 ms',
    '350 ms',
    '12.5 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '2 h 5 min',
    '4 d 4 h',
  ]);
});
