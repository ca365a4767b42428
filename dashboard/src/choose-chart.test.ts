import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chooseChart,
  kindOfColumn,
  kindsFor,
  toBars,
  toHistogram,
  toNumber,
  toPoints,
  withKind,
} from './choose-chart.ts';

const id = { name: 'id', type: 'BIGINT' };
const city = { name: 'city', type: 'VARCHAR' };
const day = { name: 'day', type: 'DATE' };
const load = { name: 'load', type: 'DOUBLE' };
const cost = { name: 'cost', type: 'DECIMAL(18,3)' };
const tags = { name: 'tags', type: 'VARCHAR[]' };

test("DuckDB's types are numbers, times, categories, or cannot be drawn", () => {
  const kinds = [
    'HUGEINT',
    'TIMESTAMP WITH TIME ZONE',
    'BOOLEAN',
    'INTEGER[]',
    'STRUCT(a INTEGER)',
    'INTERVAL',
    'BLOB',
  ];
  assert.deepEqual(kinds.map(kindOfColumn), ['number', 'time', 'category', 'other', 'other', 'other', 'other']);
});

test('time comes before category, category before two measures, and the key is no measure', () => {
  assert.deepEqual(chooseChart([id, city, day, load], 'id'), { kind: 'line', x: 'day', y: 'load', measure: 'mean' });
  assert.deepEqual(chooseChart([id, city, load], 'id'), { kind: 'bar', x: 'city', y: 'load', measure: 'mean' });
  assert.deepEqual(chooseChart([id, cost, load], 'id'), { kind: 'scatter', x: 'cost', y: 'load', measure: 'mean' });
  assert.deepEqual(chooseChart([id, load], 'id'), { kind: 'histogram', x: 'load', y: null, measure: 'count' });
  assert.deepEqual(chooseChart([id, city], 'id'), { kind: 'bar', x: 'city', y: null, measure: 'count' });
  assert.equal(chooseChart([id, tags], 'id'), null);
});

test('another kind of chart keeps what fits it', () => {
  const columns = [id, city, day, load];
  const line = { kind: 'line', x: 'day', y: 'load', measure: 'mean' } as const;
  assert.deepEqual(withKind(line, 'scatter', columns), { kind: 'scatter', x: 'id', y: 'load', measure: 'mean' });
  assert.deepEqual(withKind(line, 'bar', columns)?.x, 'day');
  const count = { kind: 'bar', x: 'city', y: null, measure: 'count' } as const;
  assert.deepEqual(kindsFor([city], count), ['bar']);
});

test('moments without a zone are UTC', () => {
  assert.equal(toNumber('2026-03-01 12:00:00'), Date.parse('2026-03-01T12:00:00Z'));
  assert.equal(toNumber('2026-03-01T12:00:00+01:00'), Date.parse('2026-03-01T11:00:00Z'));
  assert.equal(toNumber('2026-03-01'), Date.parse('2026-03-01T00:00:00Z'));
  assert.deepEqual([toNumber('42'), toNumber('x'), toNumber(null), toNumber('')], [42, null, null, null]);
});

test('a line has one point for each place, in order; rows without a number are left out', () => {
  const rows = [
    { day: '2026-03-02', load: 4 },
    { day: '2026-03-01', load: 1 },
    { day: '2026-03-02', load: 2 },
    { day: '2026-03-03', load: null },
  ];
  const points = toPoints(rows, { kind: 'line', x: 'day', y: 'load', measure: 'mean' });
  assert.deepEqual(
    points.map(({ y }) => y),
    [1, 3],
  );
});

test('bars are measured by category, largest first', () => {
  const rows = [
    { city: 'Bern', load: 1 },
    { city: 'Bern', load: 3 },
    { city: 'Chur', load: 5 },
    { city: null, load: 1 },
  ];
  const bars = (measure: 'sum' | 'mean' | 'count') =>
    toBars(rows, { kind: 'bar', x: 'city', y: 'load', measure }).map(({ label, value }) => [label, value]);
  assert.deepEqual(bars('mean'), [
    ['Chur', 5],
    ['Bern', 2],
    ['–', 1],
  ]);
  assert.deepEqual(bars('count')[0], ['Bern', 2]);
});

test('a histogram counts every value once, also the largest', () => {
  const rows = Array.from({ length: 101 }, (_, value) => ({ value }));
  const bars = toHistogram(rows, 'value');
  assert.equal(
    bars.reduce((sum, { value }) => sum + value, 0),
    101,
  );
  assert.equal(toHistogram([{ value: 3 }, { value: 3 }], 'value').length, 1);
  assert.deepEqual(toHistogram([], 'value'), []);
});
