// Conditions and order from an address as SQL: columns are checked against the result's schema, values only ever bound.
import { type ParquetDatabase, quoteName } from '../../adapters/duckdb/parquet-database.ts';
import { SparkPlugError } from '../../errors.ts';
import { type TypedText, typedText } from './lookup-type.ts';
import type { StoredResult } from './version-store.ts';

export interface ResultFilter {
  /** Column and value that must be equal. */
  readonly where: readonly (readonly [string, string])[];
  /** `column:operator:value`. All of both must hold. */
  readonly conditions: readonly string[];
}

interface Comparison {
  readonly column: string;
  readonly typed: TypedText;
  /** Around the typed value. */
  readonly compare: (value: string) => string;
  readonly text: string;
  readonly type: string;
}

export interface Condition {
  /** ` WHERE …`, or nothing. */
  readonly sql: string;
  /** For `$1` and on. */
  readonly values: readonly string[];
  readonly comparisons: readonly Comparison[];
}

const operators: Readonly<Record<string, string>> = {
  eq: '=',
  // Rows without a value are not equal to one either.
  ne: 'IS DISTINCT FROM',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

/** RESULT_QUERY_INVALID for unknown columns and operators, and for text that is no value of the column's type. */
export function toCondition(result: StoredResult, { where, conditions }: ResultFilter): Condition {
  const comparisons = [
    ...where.map(([column, text]) => compare(result, column, 'eq', text)),
    ...conditions.map((condition) => compare(result, ...splitCondition(result, condition))),
  ];
  const parts = comparisons.map(({ compare, typed }, index) => compare(typed.sql(`$${index + 1}`)));
  return {
    sql: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`,
    values: comparisons.map(({ text }) => text),
    comparisons,
  };
}

/** A cast that fails gives null, which equals nothing: the reader is told instead of getting an empty page. */
export async function checkValues(database: ParquetDatabase, { comparisons }: Condition): Promise<void> {
  for (const comparison of comparisons) {
    const { rows } = await database.query(`SELECT ${comparison.typed.sql('$1')} IS NULL`, [comparison.text]);
    if (rows[0]?.[0] === true) throw badValue(comparison);
  }
}

/** ` ORDER BY …`: by the columns given, then so that equal rows keep their places from page to page. */
export function toOrder(result: StoredResult, sort: readonly string[]): string {
  const parts = sort.map((text) => {
    const isName = result.columns.some(({ name }) => name === text);
    const falling = !isName && text.startsWith('-');
    const column = falling ? text.slice(1) : text;
    typedColumn(result, column);
    return `${quoteName(column)} ${falling ? 'DESC' : 'ASC'} NULLS LAST`;
  });
  if (result.key !== null && result.unique) parts.push(quoteName(result.key));
  // Columns that DuckDB gives to every Parquet file: where a row stands.
  else if (parts.length > 0) parts.push('file_index', 'file_row_number');
  return parts.length === 0 ? '' : ` ORDER BY ${parts.join(', ')}`;
}

/** Names and values may hold colons: the first division that gives a column of the result counts. */
function splitCondition(result: StoredResult, condition: string): [string, string, string] {
  const divisions = [...condition.matchAll(/(?=:([a-z]+):)/g)].map(({ index, 1: operator = '' }) => {
    const name = condition.slice(0, index);
    return [name, operator, condition.slice(index + operator.length + 2)] as [string, string, string];
  });
  const found = divisions.find(([name]) => result.columns.some((column) => column.name === name)) ?? divisions[0];
  if (found !== undefined) return found;
  throw new SparkPlugError('RESULT_QUERY_INVALID', `${JSON.stringify(condition)} is no condition`, {
    place: 'where',
    met: condition,
    hint: 'where=column:operator:value, such as where=sales:ge:1000',
  });
}

function compare(result: StoredResult, column: string, operator: string, text: string): Comparison {
  const { typed, type } = typedColumn(result, column);
  const name = quoteName(column);
  const sign = operators[operator];
  if (operator === 'contains') {
    if (type !== 'VARCHAR') throw noText(column, type);
    return { column, typed, text, type, compare: (value) => `contains(${name}, ${value})` };
  }
  if (sign === undefined || !Object.hasOwn(operators, operator)) throw badOperator(column, operator);
  if (!typed.fits(text)) throw badValue({ column, text, type });
  return { column, typed, text, type, compare: (value) => `${name} ${sign} ${value}` };
}

function typedColumn(result: StoredResult, name: string): { readonly typed: TypedText; readonly type: string } {
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
  if (typed !== null) return { typed, type: column.type };
  throw new SparkPlugError('RESULT_QUERY_INVALID', `column ${name} is a ${column.type}, which is not compared`, {
    place: name,
    met: column.type,
    hint: 'filter and sort by columns that are numbers, texts, dates, times or booleans',
  });
}

function badOperator(column: string, operator: string): SparkPlugError {
  return new SparkPlugError('RESULT_QUERY_INVALID', `${JSON.stringify(operator)} is no operator`, {
    place: column,
    met: operator,
    hint: `the operators are ${[...Object.keys(operators), 'contains'].join(', ')}`,
  });
}

function noText(column: string, type: string): SparkPlugError {
  return new SparkPlugError('RESULT_QUERY_INVALID', `column ${column} is a ${type}, which contains no text`, {
    place: column,
    met: type,
    hint: 'contains is for columns of text',
  });
}

function badValue({ column, text, type }: Pick<Comparison, 'column' | 'text' | 'type'>): SparkPlugError {
  const message = `${JSON.stringify(text)} is no value of ${column}, which is a ${type}`;
  return new SparkPlugError('RESULT_QUERY_INVALID', message, { place: column, met: text, hint: `give a ${type}` });
}
