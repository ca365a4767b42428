// Reading a published version: pages or streams of matching rows, or the rows of one key.
import { join } from 'node:path';
import {
  type ParquetDatabase,
  parquetTable,
  quoteName,
  type RowStream,
} from '../../adapters/duckdb/parquet-database.ts';
import { SparkPlugError } from '../../errors.ts';
import { type JsonValue, toJsonRow } from './json-value.ts';
import { typedText } from './lookup-type.ts';
import { type Condition, checkValues, type ResultFilter, toCondition, toOrder } from './result-filter.ts';
import type { StoredResult } from './version-store.ts';

export type Row = Record<string, JsonValue>;

export interface RowQuery extends ResultFilter {
  /** Columns, the first first; `-` before one: falling. */
  readonly sort: readonly string[];
  /** Null: all. */
  readonly limit: number | null;
  readonly offset: number;
}

/**
 * One page and the number of matching rows. Order: by `sort`, then by key where keys are unique, else as the job wrote the
 * rows; so pages never overlap. RESULT_QUERY_INVALID for unknown columns and values that the column's type cannot hold.
 */
export async function queryPage(
  database: ParquetDatabase,
  folder: string,
  result: StoredResult,
  query: RowQuery,
): Promise<{ rows: Row[]; total: number }> {
  const { sql, values, condition } = await prepare(database, folder, result, query);
  const page = await database.query(sql, values);
  const rows = page.rows.map((row) => toJsonRow(page.columns, row));
  return { rows, total: await countRows(database, tableOf(folder, result), result, condition, query, rows.length) };
}

/** Matching rows one after another, in the order of pages. The same errors, all of them before the first row. */
export async function streamRows(
  database: ParquetDatabase,
  folder: string,
  result: StoredResult,
  query: RowQuery,
): Promise<RowStream> {
  const { sql, values } = await prepare(database, folder, result, query);
  return database.stream(sql, values);
}

interface Prepared {
  readonly sql: string;
  readonly values: readonly string[];
  readonly condition: Condition;
}

async function prepare(
  database: ParquetDatabase,
  folder: string,
  result: StoredResult,
  query: RowQuery,
): Promise<Prepared> {
  const condition = toCondition(result, query);
  const order = toOrder(result, query.sort);
  await checkValues(database, condition);
  const next = condition.values.length + 1;
  const limit = query.limit === null ? '' : ` LIMIT $${next + 1}::BIGINT`;
  const sql = `SELECT * FROM ${tableOf(folder, result)}${condition.sql}${order}${limit} OFFSET $${next}::BIGINT`;
  const values = [...condition.values, String(query.offset), ...(query.limit === null ? [] : [String(query.limit)])];
  return { sql, values, condition };
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

async function countRows(
  database: ParquetDatabase,
  table: string,
  result: StoredResult,
  condition: Condition,
  query: RowQuery,
  seen: number,
): Promise<number> {
  if (condition.values.length === 0) return result.rows;
  // The last page tells the number by itself.
  if (seen > 0 && seen < (query.limit ?? Number.POSITIVE_INFINITY)) return query.offset + seen;
  const { rows } = await database.query(`SELECT count(*) FROM ${table}${condition.sql}`, condition.values);
  return Number(rows[0]?.[0] ?? 0);
}
