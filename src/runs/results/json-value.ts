// DuckDB's values as JSON. Nothing loses digits: what a JSON number cannot hold exactly becomes text.
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/**
 * Integers within ±2^53 are numbers, beyond that text; decimals are text (`"1.50"`), so that money keeps its digits; NaN and
 * infinities are null; dates `2017-12-31`, timestamps ISO 8601 (`…T12:00:00`, with `Z` when the column has a time zone), binary
 * is base64; a map with text keys is an object, another one a list of `{key, value}`.
 */
export function toJsonValue(value: DuckDBValue): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toJsonValue);
  if (value instanceof DuckDBStructValue) return toObject(Object.entries(value.entries));
  if (value instanceof DuckDBMapValue) return fromMap(value);
  if (value instanceof DuckDBUnionValue) return toJsonValue(value.value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof DuckDBTimestampTZValue) return isoTimestamp(new DuckDBTimestampValue(value.micros), 'Z');
  if (isTimestamp(value)) return isoTimestamp(value, '');
  if (value instanceof DuckDBDateValue) return value.toString();
  return String(value);
}

/** A row as an object. */
export function toJsonRow(columns: readonly string[], row: readonly DuckDBValue[]): Record<string, JsonValue> {
  return toObject(columns.map((name, index): [string, DuckDBValue] => [name, row[index] ?? null]));
}

/** Without a prototype: a column may be called `__proto__`. */
function toObject(entries: readonly (readonly [string, DuckDBValue])[]): Record<string, JsonValue> {
  const object: Record<string, JsonValue> = Object.create(null);
  for (const [name, value] of entries) object[name] = toJsonValue(value);
  return object;
}

function fromMap(map: DuckDBMapValue): JsonValue {
  const entries = map.entries.map(({ key, value }) => [key, value] as const);
  const named = entries.every((entry): entry is [string, DuckDBValue] => typeof entry[0] === 'string');
  if (named) return toObject(entries);
  return entries.map(([key, value]) => ({ key: toJsonValue(key), value: toJsonValue(value) }));
}

type ZonelessTimestamp =
  | DuckDBTimestampValue
  | DuckDBTimestampSecondsValue
  | DuckDBTimestampMillisecondsValue
  | DuckDBTimestampNanosecondsValue;

function isTimestamp(value: DuckDBValue): value is ZonelessTimestamp {
  return (
    value instanceof DuckDBTimestampValue ||
    value instanceof DuckDBTimestampSecondsValue ||
    value instanceof DuckDBTimestampMillisecondsValue ||
    value instanceof DuckDBTimestampNanosecondsValue
  );
}

/** DuckDB prints `2017-12-31 12:00:00.5`; infinities and years before Christ stay as it prints them. */
function isoTimestamp(value: ZonelessTimestamp, zone: string): string {
  const text = value.toString();
  return /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/.test(text) ? `${text.replace(' ', 'T')}${zone}` : text;
}
