// DuckDB as a reader of Parquet files in one folder: little memory, no way out of that folder.
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  type DuckDBValue,
} from '@duckdb/node-api';

export interface Column {
  readonly name: string;
  /** DuckDB's name of the type: `BIGINT`, `DECIMAL(10,2)`, `STRUCT(a INTEGER)`. */
  readonly type: string;
}

/** The files of one table, read by position in the list. */
export interface ParquetFiles {
  /** Absolute paths without glob characters. */
  readonly files: readonly string[];
  /** True where folders `column=value` carry columns. */
  readonly partitioned: boolean;
}

export interface QueryRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly DuckDBValue[])[];
}

/** Rows in pieces of at most 2048, as the reader asks for them. `close` at any time, also in the middle. */
export interface RowStream {
  readonly columns: readonly string[];
  readonly pieces: AsyncIterable<readonly (readonly DuckDBValue[])[]>;
  close(): void;
}

export interface ParquetDatabase {
  /** Rows of a statement whose values are bound as text, `$1` first. Prepared once per statement and connection. */
  query(sql: string, values?: readonly string[]): Promise<QueryRows>;
  /** The same on a connection of its own, so that a slow reader keeps nobody else waiting; it holds one piece. */
  stream(sql: string, values?: readonly string[]): Promise<RowStream>;
  close(): void;
}

export interface DatabaseOptions {
  /** The only folder that can be read. */
  readonly folder: string;
  /** Where sorting and grouping spill to. */
  readonly temporaryFolder: string;
  readonly memoryMiB: number;
  /** Statements at the same time; further ones wait. */
  readonly connections?: number;
}

/** A user's statement is one scan: two threads keep a container with one or two cores responsive. */
const threads = 2;
const defaultConnections = 4;
/** Prepared statements kept per connection; the least recently used goes. */
const keptStatements = 64;

/** Opens an in-memory database with its configuration locked. */
export async function openParquetDatabase(options: DatabaseOptions): Promise<ParquetDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryMiB}MiB`,
    threads: String(threads),
    temp_directory: options.temporaryFolder,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  const first = await instance.connect();
  // Footers are read once per file: versions never change.
  await first.run('SET parquet_metadata_cache = true');
  await first.run(`SET allowed_directories = [${quoteText(`${options.folder}/`)}]`);
  await first.run('SET enable_external_access = false');
  await first.run('SET lock_configuration = true');
  const size = options.connections ?? defaultConnections;
  const others = await Promise.all(Array.from({ length: size - 1 }, () => instance.connect()));
  const connections = [first, ...others].map((connection) => ({ connection, statements: new Map() }));
  return createPool(instance, connections);
}

interface PooledConnection {
  readonly connection: DuckDBConnection;
  readonly statements: Map<string, DuckDBPreparedStatement>;
}

function createPool(instance: DuckDBInstance, connections: readonly PooledConnection[]): ParquetDatabase {
  const idle = [...connections];
  const waiting: ((connection: PooledConnection) => void)[] = [];
  const acquire = (): Promise<PooledConnection> => {
    // The one used last has the warmest statements.
    const connection = idle.pop();
    return connection === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(connection);
  };
  const release = (connection: PooledConnection): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
  };
  return {
    query: async (sql, values = []) => {
      const pooled = await acquire();
      try {
        const statement = await prepareOnce(pooled, sql);
        values.forEach((value, index) => {
          statement.bindVarchar(index + 1, value);
        });
        const result = await statement.runAndReadAll();
        return { columns: result.columnNames(), rows: result.getRows() };
      } catch (error) {
        forget(pooled, sql);
        throw error;
      } finally {
        release(pooled);
      }
    },
    stream: (sql, values = []) => openStream(instance, sql, values),
    close: () => {
      for (const { connection } of connections) connection.closeSync();
      instance.closeSync();
    },
  };
}

async function openStream(instance: DuckDBInstance, sql: string, values: readonly string[]): Promise<RowStream> {
  const connection = await instance.connect();
  try {
    const statement = await connection.prepare(sql);
    values.forEach((value, index) => {
      statement.bindVarchar(index + 1, value);
    });
    const result = await statement.stream();
    // What fails while it runs fails mostly now, before anything was sent.
    const first = await result.fetchChunk();
    return {
      columns: result.columnNames(),
      pieces: readPieces(result, first),
      close: () => connection.closeSync(),
    };
  } catch (error) {
    connection.closeSync();
    throw error;
  }
}

async function* readPieces(
  result: DuckDBResult,
  first: DuckDBDataChunk | null,
): AsyncGenerator<readonly (readonly DuckDBValue[])[]> {
  for (let chunk = first; chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
    yield chunk.getRows();
}

async function prepareOnce(pooled: PooledConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const { connection, statements } = pooled;
  const statement = statements.get(sql) ?? (await connection.prepare(sql));
  statements.delete(sql);
  statements.set(sql, statement);
  const oldest = statements.keys().next();
  if (statements.size > keptStatements && oldest.done !== true) forget(pooled, oldest.value);
  return statement;
}

/** A statement that failed may be bound to files that are gone. */
function forget({ statements }: PooledConnection, sql: string): void {
  statements.get(sql)?.destroySync();
  statements.delete(sql);
}

/** The table expression for these files. Columns are matched by name, since Spark may append further ones. */
export function parquetTable({ files, partitioned }: ParquetFiles): string {
  const list = files.map(quoteText).join(', ');
  return `read_parquet([${list}], union_by_name = true, hive_partitioning = ${partitioned})`;
}

/** A name as SQL: whatever it holds, it stays one name. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
