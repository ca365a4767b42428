// Publishing: copy a run's Parquet from HDFS, check it, and make all its results one immutable version, or none.
import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Column, type ParquetDatabase, parquetTable, quoteName } from '../../adapters/duckdb/parquet-database.ts';
import type { Hdfs } from '../../adapters/hdfs/webhdfs.ts';
import type { Publication, PublicationRequest } from '../../api/schemas.ts';
import { SparkPlugError } from '../../errors.ts';
import { findParts, type Part, type ResultRequest } from './find-parts.ts';
import { toJsonValue } from './json-value.ts';
import { isLookupType } from './lookup-type.ts';
import type { Manifest, StoredResult, VersionStore } from './version-store.ts';

export interface PublishTools {
  readonly hdfs: Hdfs;
  readonly database: ParquetDatabase;
  readonly store: VersionStore;
  /** Milliseconds for which an HDFS that is away is asked again; 60 000 by default: longer than a restart takes. */
  readonly retryMs?: number;
  /** Milliseconds between two tries; 1 000 by default. */
  readonly retryPauseMs?: number;
}

/** Files copied at the same time: enough to hide HDFS's latency, few enough for a small container. */
const parallelCopies = 4;

export type Publish = (request: PublicationRequest) => Promise<Publication>;

/**
 * Makes the publisher. Repeating a publication gives the first one's answer, also while that is still under way
 * (a restarted scheduler asks again). Errors: RESULT_*, HDFS_*, DISK_FULL.
 */
export function createPublisher(tools: PublishTools): Publish {
  const underWay = new Map<string, Promise<Publication>>();
  return (request) => {
    const running = underWay.get(request.run);
    if (running !== undefined) return running;
    const publishing = publish(tools, request).finally(() => underWay.delete(request.run));
    underWay.set(request.run, publishing);
    return publishing;
  };
}

async function publish(tools: PublishTools, request: PublicationRequest): Promise<Publication> {
  checkNames(request);
  const before = await tools.store.manifest(request.run);
  if (before !== null) return toPublication(before);
  const deadline = performance.now() + (tools.retryMs ?? 60_000);
  for (;;) {
    try {
      return await publishOnce(tools, request);
    } catch (error) {
      const away = error instanceof SparkPlugError && error.code === 'HDFS_AWAY';
      if (!away || performance.now() >= deadline) throw error;
      await delay(tools.retryPauseMs ?? 1_000);
    }
  }
}

async function publishOnce(tools: PublishTools, request: PublicationRequest): Promise<Publication> {
  const draft = await tools.store.draft(request.run).catch(diskError);
  try {
    const results: StoredResult[] = [];
    for (const result of request.results) results.push(await storeResult(tools, result, draft.folder));
    const { run, job } = request;
    const manifest: Manifest = { run, job, publishedAt: new Date().toISOString(), results };
    await draft.commit(manifest);
    return toPublication(manifest);
  } catch (error) {
    await draft.discard();
    return diskError(error);
  }
}

/** Names become folders. */
function checkNames(request: PublicationRequest): void {
  for (const { name } of request.results) {
    if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,127}$/u.test(name)) continue;
    throw new SparkPlugError('REQUEST_INVALID', 'the name of a result is not usable', { place: 'results', met: name });
  }
}

async function storeResult(tools: PublishTools, result: ResultRequest, draft: string): Promise<StoredResult> {
  const { parts, partitioned } = await findParts(tools.hdfs, result);
  const files = parts.map(({ target }) => `${result.name}/${target}`);
  await copyAll(tools.hdfs, result, parts, join(draft, result.name));
  const table = parquetTable({ files: files.map((file) => join(draft, file)), partitioned });
  try {
    const columns = await describe(tools.database, table);
    checkKeyColumn(result, columns);
    const rows = await checkRows(tools.database, table, result);
    const { name, key, unique } = result;
    return { name, key, unique, rows, columns: [...columns], files, partitioned };
  } catch (error) {
    throw error instanceof SparkPlugError ? error : unreadable(result, draft, error);
  }
}

async function copyAll(hdfs: Hdfs, result: ResultRequest, parts: readonly Part[], folder: string): Promise<void> {
  const left = parts.values();
  const copyNext = async (): Promise<void> => {
    for (const part of left) await copyPart(hdfs, result, part, join(folder, part.target));
  };
  const copies = await Promise.allSettled(Array.from({ length: parallelCopies }, copyNext));
  const failed = copies.find((copy) => copy.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function copyPart(hdfs: Hdfs, result: ResultRequest, part: Part, target: string): Promise<void> {
  if (part.bytes < smallestParquetBytes) throw notParquet(result, part.path);
  await mkdir(dirname(target), { recursive: true });
  const content = await hdfs.open(part.path, { found: part });
  await pipeline(content, createWriteStream(target, { flags: 'wx', flush: true }));
  await checkMagic(result, part, target);
}

/** Magic, footer length, magic. */
const smallestParquetBytes = 12;
const magic = 'PAR1';

async function checkMagic(result: ResultRequest, part: Part, file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size !== part.bytes) throw new SparkPlugError('HDFS_AWAY', `the copy of ${part.path} broke off`);
    const buffer = Buffer.alloc(8);
    await handle.read(buffer, 0, 4, 0);
    await handle.read(buffer, 4, 4, size - 4);
    if (buffer.toString('latin1') !== magic + magic) throw notParquet(result, part.path);
  } finally {
    await handle.close();
  }
}

async function describe(database: ParquetDatabase, table: string): Promise<readonly Column[]> {
  const { rows } = await database.query(`DESCRIBE SELECT * FROM ${table}`);
  return rows.map(([name, type]) => ({ name: String(name), type: String(type) }));
}

function checkKeyColumn(result: ResultRequest, columns: readonly Column[]): void {
  const { name, key } = result;
  if (key === null) return;
  const column = columns.find((candidate) => candidate.name === key);
  const list = columns.map((candidate) => candidate.name).join(', ');
  if (column === undefined) {
    throw new SparkPlugError('RESULT_KEY_MISSING', `result ${name} has no column ${key}; its columns are ${list}`, {
      place: `results.${name}.key`,
      met: key,
      hint: `set results.${name}.key in sparkplug.yaml to one of them`,
    });
  }
  if (isLookupType(column.type)) return;
  throw new SparkPlugError('RESULT_KEY_MISSING', `result ${name}: ${key} is a ${column.type}, which is no key`, {
    place: `results.${name}.key`,
    met: column.type,
    hint: 'a key is a number, a text, a date, a time or a boolean',
  });
}

/** Reads every column once, so that a damaged page is found now and not by a reader; gives the number of rows. */
async function checkRows(database: ParquetDatabase, table: string, result: ResultRequest): Promise<number> {
  // A hash cannot be told from a footer's statistics: every page is decoded.
  const counted = await database.query(`SELECT count(*), max(hash(COLUMNS(*))) FROM ${table}`);
  const rows = Number(counted.rows[0]?.[0] ?? 0);
  if (result.key === null) return rows;
  await checkNoNullKeys(database, table, result.name, result.key);
  if (result.unique) await checkUnique(database, table, result.name, result.key);
  return rows;
}

async function checkNoNullKeys(database: ParquetDatabase, table: string, name: string, key: string): Promise<void> {
  const sql = `SELECT count(*) FROM ${table} WHERE ${quoteName(key)} IS NULL`;
  const nulls = Number((await database.query(sql)).rows[0]?.[0] ?? 0);
  if (nulls === 0) return;
  throw new SparkPlugError('RESULT_KEY_NULL', `result ${name}: ${nulls} rows have no ${key}`, {
    place: `results.${name}.key`,
    met: `${nulls} nulls`,
    hint: `leave them out in the job: df.where("${key} is not null")`,
  });
}

async function checkUnique(database: ParquetDatabase, table: string, name: string, key: string): Promise<void> {
  const column = quoteName(key);
  const sql = `SELECT ${column}, count(*) FROM ${table} GROUP BY 1 HAVING count(*) > 1 LIMIT 1`;
  const [row] = (await database.query(sql)).rows;
  if (row === undefined) return;
  const example = JSON.stringify(toJsonValue(row[0] ?? null));
  throw new SparkPlugError('RESULT_KEY_DUPLICATE', `result ${name}: ${row[1]} rows have the ${key} ${example}`, {
    place: `results.${name}.key`,
    met: example,
    hint: `aggregate in the job, or say results.${name}.unique: false in sparkplug.yaml`,
  });
}

function toPublication(manifest: Manifest): Publication {
  return { published: manifest.results.map(({ name, rows, columns }) => ({ name, rows, columns })) };
}

function notParquet(result: ResultRequest, path: string): SparkPlugError {
  return new SparkPlugError('RESULT_NOT_PARQUET', `result ${result.name}: ${path} is no Parquet file`, {
    place: result.name,
    met: path,
    hint: `write it with df.write.mode("overwrite").parquet("${result.path}")`,
  });
}

function unreadable(result: ResultRequest, draft: string, cause: unknown): SparkPlugError {
  const text = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause);
  const message = text.replaceAll(`${draft}/`, '');
  if (/No space left|out of disk/i.test(text)) return diskFull(cause);
  return new SparkPlugError('RESULT_UNREADABLE', `result ${result.name}: ${message}`, {
    place: result.name,
    met: result.path,
    hint: 'run the job again; where files differ in their columns, write them with one schema',
    cause,
  });
}

function diskError(error: unknown): never {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    throw diskFull(error);
  }
  throw error;
}

function diskFull(cause: unknown): SparkPlugError {
  return new SparkPlugError('DISK_FULL', 'there is no room for the results on the volume of `web`', {
    place: '/data/results',
    hint: 'free disk space on the machine (docker system df), then run the job again',
    cause,
  });
}
