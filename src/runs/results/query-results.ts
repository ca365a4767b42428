// Reading a published version: a page of rows by column equality, or the rows of one key.
import { join } from 'node:path';
import { type ParquetDatabase, parquetTable, quoteName } from '../../adapters/duckdb/parquet-database.ts';
import { SparkPlugError } from '../../errors.ts';
import { type JsonValue, toJsonRow } from './json-value.ts';
import { typedText } from './lookup-type.ts';
import type { StoredResult } from './version-store.ts';

export type Row = Record<string, JsonValue>;

export interface PageQuery {
  /** Column and value, all of which must be equal. */
  readonly where: readonly (readonly [string, string])[];
  readonly limit: number;
  readonly offset: number;
}

interface Condition {
  readonly sql: string;
  readonly values: readonly string[];
}

/**
 * One page and the number of matching rows. Order: by key where keys are unique, else as the job wrote the rows; so pages never
 * overlap. RESULT_QUERY_INVALID for unknown columns and values that the column's type cannot hold.
 */
export async function queryPage(
  database: ParquetDatabase,
  folder: string,
  result: StoredResult,
  query: PageQuery,
): Promise<{ rows: Row[]; total: number }> {
  const table = tableOf(folder, result);
  const condition = toCondition(result, query.where);
  await checkValues(database, result, query.where);
  const order = result.key !== null && result.unique ? ` ORDER BY ${quoteName(result.key)}` : '';
  const next = condition.values.length + 1;
  const sql = `SELECT * FROM ${table}${condition.sql}${order} LIMIT $${next}::BIGINT OFFSET $${next + 1}::BIGINT`;
  const page = await database.query(sql, [...condition.values, String(query.limit), String(query.offset)]);
  const rows = page.rows.map((row) => toJsonRow(page.columns, row));
  return { rows, total: await countRows(database, table, result, condition, query.offset, rows.length, query.limit) };
}

/** All rows with this key, none for a text that is no value of the key's type. RESULT_NO_KEY without a key column. */
export async function queryKey(
  database: ParquetDatabase,
  folder: string,
  result: StoredResult,
  text: string,
): Promise<Row[]> {
  const type = result.columns.find(({ name }) => name === result.key)?.type;
  const typed = type === undefined ? null : typedText(type);
  if (result.key === null || typed === null) {
    throw new SparkPlugError('RESULT_NO_KEY', `result ${result.name} was published without a key`, {
      place: result.name,
      hint: `set results.${result.name}.key in sparkplug.yaml and run its job again`,
    });
  }
  if (!typed.fits(text)) return [];
  const sql = `SELECT * FROM ${tableOf(folder, result)} WHERE ${quoteName(result.key)} = ${typed.sql('$1')}`;
  const { columns, rows } = await database.query(result.unique ? `${sql} LIMIT 1` : sql, [text]);
  return rows.map((row) => toJsonRow(columns, row));
}

function tableOf(folder: string, result: StoredResult): string {
  return parquetTable({ files: result.files.map((file) => join(folder, file)), partitioned: result.partitioned });
}

function toCondition(result: StoredResult, where: PageQuery['where']): Condition {
  const parts = where.map(([column, text], index) => {
    const typed = columnText(result, column);
    if (!typed.fits(text)) throw badValue(result, column, text);
    return `${quoteName(column)} = ${typed.sql(`$${index + 1}`)}`;
  });
  return { sql: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, values: where.map(([, text]) => text) };
}

/** A cast that fails gives null, which equals nothing: the reader is told instead of getting an empty page. */
async function checkValues(database: ParquetDatabase, result: StoredResult, where: PageQuery['where']): Promise<void> {
  for (const [column, text] of where) {
    const { rows } = await database.query(`SELECT ${columnText(result, column).sql('$1')} IS NULL`, [text]);
    if (rows[0]?.[0] === true) throw badValue(result, column, text);
  }
}

function columnText(result: StoredResult, name: string): NonNullable<ReturnType<typeof typedText>> {
  const column = result.columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const list = result.columns.map((candidate) => candidate.name).join(', ');
    throw new SparkPlugError('RESULT_QUERY_INVALID', `result ${result.name} has no column ${JSON.stringify(name)}`, {
      place: name,
      met: name,
      hint: `its columns are ${list}`,
    });
  }
  const typed = typedText(column.type);
  if (typed !== null) return typed;
  throw new SparkPlugError('RESULT_QUERY_INVALID', `column ${name} is a ${column.type}, which is not compared`, {
    place: name,
    met: column.type,
    hint: 'filter by a column that is a number, a text, a date, a time or a boolean',
  });
}

async function countRows(
  database: ParquetDatabase,
  table: string,
  result: StoredResult,
  condition: Condition,
  offset: number,
  seen: number,
  limit: number,
): Promise<number> {
  if (condition.values.length === 0) return result.rows;
  // The last page tells the number by itself.
  if (seen > 0 && seen < limit) return offset + seen;
  const { rows } = await database.query(`SELECT count(*) FROM ${table}${condition.sql}`, condition.values);
  return Number(rows[0]?.[0] ?? 0);
}

function badValue(result: StoredResult, column: string, text: string): SparkPlugError {
  const type = result.columns.find(({ name }) => name === column)?.type ?? '';
  return new SparkPlugError(
    'RESULT_QUERY_INVALID',
    `${JSON.stringify(text)} is no value of ${column}, which is a ${type}`,
    {
      place: column,
      met: text,
      hint: `give a ${type}`,
    },
  );
}
