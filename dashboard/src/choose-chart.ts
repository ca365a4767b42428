// Which chart suits the columns of a result, and its numbers: pure.
import type { ResultInfo } from './api-types.ts';

export type ColumnKind = 'number' | 'time' | 'category' | 'other';
export type ChartKind = 'line' | 'bar' | 'scatter' | 'histogram';
export const measures = ['mean', 'sum', 'count'] as const;
export type Measure = (typeof measures)[number];

export interface ChartChoice {
  readonly kind: ChartKind;
  readonly x: string;
  /** What is measured; null for a histogram and for counts. */
  readonly y: string | null;
  readonly measure: Measure;
}

type Column = ResultInfo['columns'][number];
type Row = Readonly<Record<string, unknown>>;

/** By DuckDB's names of types. */
export function kindOfColumn(type: string): ColumnKind {
  if (/[[\]]|^(STRUCT|MAP|LIST|UNION|BLOB|JSON)/i.test(type)) return 'other';
  if (/INT|DOUBLE|FLOAT|REAL|DECIMAL|NUMERIC/i.test(type) && !/^INTERVAL/i.test(type)) return 'number';
  if (/^(DATE|TIMESTAMP)/i.test(type)) return 'time';
  return /^(VARCHAR|BOOL|ENUM|UUID|TEXT|STRING)/i.test(type) ? 'category' : 'other';
}

/** Names of the columns of one of these kinds, in their order. */
export function columnsOf(columns: readonly Column[], ...kinds: readonly ColumnKind[]): string[] {
  return columns.filter(({ type }) => kinds.includes(kindOfColumn(type))).map(({ name }) => name);
}

/**
 * A measure over time, else by category, else two measures against each other, else how one is spread. The key names rows
 * and is no measure. Null where no column can be drawn.
 */
export function chooseChart(columns: readonly Column[], key: string | null): ChartChoice | null {
  const numbers = columnsOf(columns, 'number').filter((name) => name !== key);
  const categories = columnsOf(columns, 'category').filter((name) => name !== key);
  const [time] = columnsOf(columns, 'time');
  // The last measure: results mostly end with what was computed.
  const measured = numbers.at(-1);
  const [category] = categories;
  if (measured === undefined) {
    return category === undefined ? null : { kind: 'bar', x: category, y: null, measure: 'count' };
  }
  if (time !== undefined) return { kind: 'line', x: time, y: measured, measure: 'mean' };
  if (category !== undefined) return { kind: 'bar', x: category, y: measured, measure: 'mean' };
  const [first] = numbers;
  if (first !== undefined && first !== measured) return { kind: 'scatter', x: first, y: measured, measure: 'mean' };
  return { kind: 'histogram', x: measured, y: null, measure: 'count' };
}

/** Columns that may stand on the horizontal axis of a kind of chart. */
export function columnsForX(columns: readonly Column[], kind: ChartKind): string[] {
  switch (kind) {
    case 'line':
      return columnsOf(columns, 'time', 'number');
    case 'bar':
      return columnsOf(columns, 'category', 'time', 'number');
    case 'scatter':
    case 'histogram':
      return columnsOf(columns, 'number');
  }
}

/** The choice with another kind; columns that do not fit it are replaced. Null where none fits. */
export function withKind(choice: ChartChoice, kind: ChartKind, columns: readonly Column[]): ChartChoice | null {
  const allowed = columnsForX(columns, kind);
  const x = allowed.includes(choice.x) ? choice.x : allowed[0];
  if (x === undefined) return null;
  if (kind === 'histogram') return { kind, x, y: null, measure: 'count' };
  const numbers = columnsOf(columns, 'number');
  const y = choice.y ?? numbers.find((name) => name !== x) ?? numbers[0] ?? null;
  if (y === null) return kind === 'bar' ? { kind, x, y, measure: 'count' } : null;
  return { kind, x, y, measure: choice.measure };
}

export function kindsFor(columns: readonly Column[], choice: ChartChoice): ChartKind[] {
  return (['line', 'bar', 'scatter', 'histogram'] as const).filter((kind) => withKind(choice, kind, columns) !== null);
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A moment or a number as a number (milliseconds for moments); null for what is neither. */
export function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  if (!Number.isNaN(number)) return number;
  // Without a zone DuckDB's times are UTC; with a bare space Safari refuses them.
  const text = /^\d{4}-\d\d-\d\d \d/.test(value) ? `${value.replace(' ', 'T')}` : value;
  const time = Date.parse(/T.*([zZ]|[+-]\d\d(:?\d\d)?)$|^\d{4}-\d\d-\d\d$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time) ? null : time;
}

/** Points of a line or a scatter, from left to right; rows with the same place on a line become one. */
export function toPoints(rows: readonly Row[], choice: ChartChoice): Point[] {
  const { x: xName, y: yName } = choice;
  if (yName === null) return [];
  const points = rows.flatMap((row) => {
    const [x, y] = [toNumber(row[xName]), toNumber(row[yName])];
    return x === null || y === null ? [] : [{ x, y }];
  });
  points.sort((a, b) => a.x - b.x);
  if (choice.kind !== 'line') return points;
  return [...groupBy(points, ({ x }) => x)].map(([x, group]) => ({
    x,
    y: measureOf(
      group.map(({ y }) => y),
      choice.measure,
    ),
  }));
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Rows behind it. */
  readonly rows: number;
}

/** One bar a category, largest first. */
export function toBars(rows: readonly Row[], choice: ChartChoice): Bar[] {
  const groups = groupBy(rows, (row) => String(row[choice.x] ?? '–'));
  const bars = [...groups].flatMap(([label, group]) => {
    const { y } = choice;
    const values = y === null ? group.map(() => 1) : group.flatMap((row) => toNumber(row[y]) ?? []);
    if (values.length === 0) return [];
    return [{ label, value: measureOf(values, y === null ? 'count' : choice.measure), rows: group.length }];
  });
  return bars.sort((a, b) => b.value - a.value);
}

const binCount = 16;

/** How often values fall into each of equal ranges. */
export function toHistogram(rows: readonly Row[], column: string): Bar[] {
  const values = rows.flatMap((row) => toNumber(row[column]) ?? []);
  if (values.length === 0) return [];
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((most, value) => Math.max(most, value));
  if (low === high) return [{ label: short(low), value: values.length, rows: values.length }];
  const width = (high - low) / binCount;
  const counts = new Array<number>(binCount).fill(0);
  for (const value of values) {
    const bin = Math.min(Math.floor((value - low) / width), binCount - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, bin) => ({
    label: `${short(low + bin * width)} – ${short(low + (bin + 1) * width)}`,
    value: count,
    rows: count,
  }));
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function measureOf(values: readonly number[], measure: Measure): number {
  if (measure === 'count') return values.length;
  const total = values.reduce((sum, value) => sum + value, 0);
  return measure === 'sum' ? total : total / values.length;
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
