import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLines, levelOf, splitMatches } from './find-lines.ts';

test('lines are found whatever their case; an empty search finds none', () => {
  assert.deepEqual(findLines(['Stage 1', 'done', 'STAGE 2'], 'stage'), [0, 2]);
  assert.deepEqual(findLines(['a'], ''), []);
});

test('a line falls into pieces that are the line again', () => {
  const pieces = splitMatches('aXbxc', 'x');
  assert.deepEqual(
    pieces.map(({ text, isMatch }) => [text, isMatch]),
    [
      ['a', false],
      ['X', true],
      ['b', false],
      ['x', true],
      ['c', false],
    ],
  );
  assert.deepEqual(
    splitMatches('aaaa', 'aa').map(({ at }) => at),
    [0, 2],
  );
  assert.equal(
    splitMatches('İstanbul i', 'i')
      .map(({ text }) => text)
      .join(''),
    'İstanbul i',
  );
});

test('levels of loggers are seen, words that only resemble them are not', () => {
  const cases = [
    ['26/03/01 12:00:00 ERROR TaskSetManager: lost', 'error'],
    ['ValueError: no such column', 'error'],
    ['pyspark.errors.exceptions.AnalysisException: x', 'error'],
    ['26/03/01 12:00:00 WARN Utils: x', 'warning'],
    ['terrors: 0', null],
    ['INFO all warm', null],
  ] as const;
  for (const [line, level] of cases) assert.equal(levelOf(line), level, line);
});
