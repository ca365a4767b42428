// Results as readers ask for them: by name, by column, by key, in the served version or a kept one.
import type { ParquetDatabase } from '../adapters/duckdb/parquet-database.ts';
import type { ResultInfo, ResultPage } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { encodeArrow } from '../runs/results/encode-arrow.ts';
import { encodeCsv } from '../runs/results/encode-csv.ts';
import { queryKey, queryPage, type Row, type RowQuery, streamRows } from '../runs/results/query-results.ts';
import type { StoredResult, VersionStore } from '../runs/results/version-store.ts';
import type { CurrentResults } from './current-results.ts';

/** Which version answers; `version` is 0 for one that was replaced before this server knew its number. */
export interface Version {
  readonly run: string;
  readonly version: number;
}

export interface ServedResults {
  list(): Promise<readonly ResultInfo[]>;
  /** The version that a request names (`run`), or the one served now. RESULT_NOT_FOUND, RESULT_VERSION_GONE. */
  version(name: string, run: string | null): Promise<Version>;
  page(name: string, version: Version, query: RowQuery & { readonly limit: number }): Promise<ResultPage>;
  /** Matching rows in pieces; the version stays until the last piece is taken or the reader returns. RATE_LIMITED. */
  rows(
    name: string,
    version: Version,
    query: RowQuery,
    format: RowFormat,
  ): Promise<AsyncGenerator<string | Uint8Array>>;
  /** One row, or an array where keys may repeat. RESULT_KEY_NOT_FOUND. */
  byKey(name: string, version: Version, key: string): Promise<Row | Row[]>;
}

export type RowFormat = 'csv' | 'arrow';

/** Rows that are being streamed at once: each holds a connection to DuckDB and what it has sorted. */
const maxStreams = 16;

interface ServeTools {
  readonly database: ParquetDatabase;
  readonly store: VersionStore;
  readonly current: CurrentResults;
}

export function createServedResults({ database, store, current }: ServeTools): ServedResults {
  const read = <T>(name: string, run: string, work: (result: StoredResult, folder: string) => Promise<T>): Promise<T> =>
    store.read(run, (manifest, folder) => {
      const result = manifest.results.find((candidate) => candidate.name === name);
      return result === undefined ? Promise.reject(notOfRun(name, run)) : work(result, folder);
    });
  let streams = 0;
  const streamed = async function* (work: () => Promise<OpenedRows>): AsyncGenerator<string | Uint8Array> {
    if (streams >= maxStreams) throw tooManyStreams();
    streams += 1;
    let opened: OpenedRows | null = null;
    try {
      opened = await work();
      // The first piece is empty: whoever takes it knows that nothing was wrong with the query.
      yield '';
      yield* opened.pieces;
    } finally {
      streams -= 1;
      opened?.close();
    }
  };
  return {
    list: () => current.list(),
    version: async (name, run) => {
      const served = await findServed(current, name);
      if (run === null) {
        if (served === undefined) throw notServed(name, await current.list());
        return { run: served.run, version: served.version };
      }
      return { run, version: served?.run === run ? served.version : 0 };
    },
    page: (name, { run, version }, query) =>
      read(name, run, async (result, folder) => {
        const { rows, total } = await queryPage(database, folder, result, query);
        return { result: name, run, version, rows, total, limit: query.limit, offset: query.offset };
      }),
    rows: async (name, { run }, query, format) => {
      const pieces = streamed(() => openRows({ database, store, current }, name, run, query, format));
      await pieces.next();
      return pieces;
    },
    byKey: (name, { run }, key) =>
      read(name, run, async (result, folder) => {
        const rows = await queryKey(database, folder, result, key);
        const [first] = rows;
        if (first === undefined) throw keyNotFound(name, key, run);
        return result.unique ? first : rows;
      }),
  };
}

interface OpenedRows {
  readonly pieces: AsyncIterable<string | Uint8Array>;
  close(): void;
}

/** Holds the version's folder until `close`. */
async function openRows(
  { database, store }: ServeTools,
  name: string,
  run: string,
  query: RowQuery,
  format: RowFormat,
): Promise<OpenedRows> {
  const opened = Promise.withResolvers<OpenedRows>();
  const released = Promise.withResolvers<void>();
  store
    .read(run, async (manifest, folder) => {
      const result = manifest.results.find((candidate) => candidate.name === name);
      if (result === undefined) throw notOfRun(name, run);
      const rows = await streamRows(database, folder, result, query);
      const pieces = format === 'csv' ? encodeCsv(rows) : encodeArrow(result.columns, rows);
      opened.resolve({ pieces, close: () => released.resolve() });
      await released.promise;
      rows.close();
    })
    .catch(opened.reject);
  return opened.promise;
}

function tooManyStreams(): SparkPlugError {
  return new SparkPlugError('RATE_LIMITED', `${maxStreams} results are being streamed already`, {
    hint: 'try again when one has ended',
  });
}

async function findServed(current: CurrentResults, name: string): Promise<ResultInfo | undefined> {
  return (await current.list()).find((result) => result.name === name);
}

function notServed(name: string, results: readonly ResultInfo[]): SparkPlugError {
  const names = results.map((result) => result.name).join(', ');
  return new SparkPlugError('RESULT_NOT_FOUND', `no result ${JSON.stringify(name)} is served`, {
    place: 'result',
    met: name,
    hint: names === '' ? 'results are published when a run succeeds: sparkplug run' : `there are: ${names}`,
  });
}

function notOfRun(name: string, run: string): SparkPlugError {
  return new SparkPlugError('RESULT_VERSION_GONE', `run ${run} published no result ${JSON.stringify(name)}`, {
    place: 'run',
    met: run,
    hint: 'sparkplug runs list shows the runs that are kept',
  });
}

function keyNotFound(name: string, key: string, run: string): SparkPlugError {
  return new SparkPlugError('RESULT_KEY_NOT_FOUND', `result ${name} has no row with the key ${JSON.stringify(key)}`, {
    place: name,
    met: key,
    hint: `this is the version of run ${run}; sparkplug results ${name} shows its rows`,
  });
}
