// Which files of a result's folder in HDFS are the result, and whether this run wrote them.
import { parseHdfsPath } from '../../adapters/hdfs/hdfs-path.ts';
import type { Hdfs, HdfsEntry } from '../../adapters/hdfs/webhdfs.ts';
import { SparkPlugError } from '../../errors.ts';

/** A result as its job declares it; `notBeforeMs`: milliseconds since 1970, the start of the attempt. */
export interface ResultRequest {
  readonly name: string;
  readonly path: string;
  readonly key: string | null;
  readonly unique: boolean;
  readonly notBeforeMs: number;
}

export interface Part {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Name in the version's folder; partition folders are kept, all else is numbered. */
  readonly target: string;
}

export interface Parts {
  readonly parts: readonly Part[];
  readonly partitioned: boolean;
}

interface Found {
  readonly entry: HdfsEntry;
  readonly partitions: readonly string[];
}

/** Errors RESULT_MISSING, RESULT_INCOMPLETE, RESULT_NOT_PARQUET, each naming the result. */
export async function findParts(hdfs: Hdfs, result: ResultRequest): Promise<Parts> {
  const root = parseHdfsPath(result.path);
  const top = await rootStatus(hdfs, root, result);
  const found: Found[] = [];
  const marks: HdfsEntry[] = [];
  if (top.kind === 'file') found.push({ entry: top, partitions: [] });
  else await walk(hdfs, root, [], result, found, marks);
  checkWrittenByRun(result, found, marks);
  if (found.length === 0) {
    throw new SparkPlugError('RESULT_NOT_PARQUET', `result ${result.name}: ${root} holds no Parquet files`, {
      place: result.name,
      met: root,
      hint: `write it with df.write.mode("overwrite").parquet("${root}")`,
    });
  }
  const parts = found.map(({ entry, partitions }, index) => ({
    path: entry.path,
    bytes: entry.bytes,
    modifiedMs: entry.modifiedMs,
    target: [...partitions, `part-${String(index).padStart(5, '0')}.parquet`].join('/'),
  }));
  return { parts, partitioned: found.some(({ partitions }) => partitions.length > 0) };
}

async function rootStatus(hdfs: Hdfs, root: string, result: ResultRequest): Promise<HdfsEntry> {
  try {
    return await hdfs.status(root);
  } catch (error) {
    if (!(error instanceof SparkPlugError && error.code === 'FILE_NOT_FOUND')) throw error;
    throw new SparkPlugError('RESULT_MISSING', `result ${result.name}: the run wrote nothing to ${root}`, {
      place: result.name,
      met: root,
      hint: `write it in the job, or correct results.${result.name}.path in sparkplug.yaml`,
      cause: error,
    });
  }
}

async function walk(
  hdfs: Hdfs,
  folder: string,
  partitions: readonly string[],
  result: ResultRequest,
  found: Found[],
  marks: HdfsEntry[],
): Promise<void> {
  for await (const entry of hdfs.list(folder)) {
    if (entry.name === '_temporary' || entry.name.startsWith('.spark-staging-')) throw incomplete(result, entry.path);
    if (entry.name === '_SUCCESS' && folder === parseHdfsPath(result.path)) marks.push(entry);
    if (isHidden(entry.name)) continue;
    if (entry.kind === 'file') found.push({ entry, partitions });
    else await walk(hdfs, entry.path, [...partitions, ...partitionOf(entry.name)], result, found, marks);
  }
}

/** As Spark decides it when it reads a folder. */
function isHidden(name: string): boolean {
  return (name.startsWith('_') && !name.includes('=')) || name.startsWith('.') || name.endsWith('._COPYING_');
}

/** `column=value`, with what DuckDB takes for a glob percent-encoded; it decodes it when it reads the value. */
function partitionOf(name: string): string[] {
  if (!/^[^=]+=/.test(name)) return [];
  return [name.replace(/[*?[\]{}]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)];
}

function checkWrittenByRun(result: ResultRequest, found: readonly Found[], marks: readonly HdfsEntry[]): void {
  const times = [...found.map(({ entry }) => entry), ...marks].map(({ modifiedMs }) => modifiedMs);
  const writtenMs = times.reduce((newest, time) => Math.max(newest, time), 0);
  if (times.length === 0 || writtenMs >= result.notBeforeMs) return;
  const written = new Date(writtenMs).toISOString();
  const began = new Date(result.notBeforeMs).toISOString();
  throw new SparkPlugError(
    'RESULT_MISSING',
    `result ${result.name}: ${result.path} was not written by this run (last written ${written}, the run began ${began})`,
    {
      place: result.name,
      met: written,
      hint: `write it anew in every run: df.write.mode("overwrite").parquet("${result.path}")`,
    },
  );
}

function incomplete(result: ResultRequest, path: string): SparkPlugError {
  return new SparkPlugError('RESULT_INCOMPLETE', `result ${result.name}: ${path} says that a write did not finish`, {
    place: result.name,
    met: path,
    hint: 'the log of the run shows which write failed; run the job again',
  });
}
