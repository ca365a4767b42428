// The question that a page of a result asks, as it stands in the address: filters, order, place.

export const operators = [
  { value: 'eq', text: 'is' },
  { value: 'ne', text: 'is not' },
  { value: 'contains', text: 'contains' },
  { value: 'lt', text: '<' },
  { value: 'le', text: '≤' },
  { value: 'gt', text: '>' },
  { value: 'ge', text: '≥' },
] as const;
export type Operator = (typeof operators)[number]['value'];

export interface Filter {
  readonly column: string;
  readonly operator: Operator;
  readonly value: string;
}

export interface ResultQuery {
  readonly filters: readonly Filter[];
  /** Column to order by, `-column` for downwards; null: as the rows were written. */
  readonly sort: string | null;
  readonly offset: number;
}

/** Reads `?where=column:op:value&sort=-column&offset=50`; what is malformed is passed over. */
export function readResultQuery(search: URLSearchParams): ResultQuery {
  const offset = Number(search.get('offset') ?? 0);
  return {
    filters: search.getAll('where').flatMap(readFilter),
    sort: search.get('sort'),
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
  };
}

/** A column's name may hold colons: the operator is the first one that is known. */
function readFilter(text: string): Filter[] {
  const match = /^(.+?):(eq|ne|lt|le|gt|ge|contains):(.*)$/s.exec(text);
  const [, column, operator, value] = match ?? [];
  const known = operators.find((other) => other.value === operator);
  return column === undefined || value === undefined || known === undefined
    ? []
    : [{ column, operator: known.value, value }];
}

/** The same for the API, with `limit` and more where given; also what stands in the page's own address. */
export function writeResultQuery(query: ResultQuery, more: Readonly<Record<string, string | number>> = {}): string {
  const search = new URLSearchParams();
  for (const { column, operator, value } of query.filters) search.append('where', `${column}:${operator}:${value}`);
  if (query.sort !== null) search.set('sort', query.sort);
  if (query.offset > 0) search.set('offset', String(query.offset));
  for (const [name, value] of Object.entries(more)) search.set(name, String(value));
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** Upwards, then downwards, then as the rows were written. */
export function nextSort(sort: string | null, column: string): string | null {
  if (sort === column) return `-${column}`;
  return sort === `-${column}` ? null : column;
}

/** What a program sends to get the same, for a shell; the token is in a variable and so not in the shell's history. */
export function toCurl(origin: string, path: string): string {
  return `curl -H "Authorization: Bearer $TOKEN" '${(origin + path).replaceAll("'", "'\\''")}'`;
}
