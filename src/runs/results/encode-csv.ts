// Rows as CSV (RFC 4180): a header, CRLF after each line, UTF-8. Raw data: nothing is changed for spreadsheets.
import type { RowStream } from '../../adapters/duckdb/parquet-database.ts';
import { type JsonValue, toJsonValue } from './json-value.ts';

/** Pieces of text. Null is an empty field, an empty text is `""`; nested values are JSON. */
export async function* encodeCsv({ columns, pieces }: RowStream): AsyncGenerator<string> {
  yield toLine(columns);
  for await (const rows of pieces) yield rows.map((row) => toLine(row.map(toJsonValue))).join('');
}

function toLine(values: readonly JsonValue[]): string {
  return `${values.map(toField).join(',')}\r\n`;
}

function toField(value: JsonValue): string {
  if (value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
