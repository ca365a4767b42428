// The files in HDFS as users see them: uploads that are whole or not there, and refusals before anything is touched.
import { createHash, randomBytes } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { fileName, joinPath, parentFolder, parseHdfsPath } from '../adapters/hdfs/hdfs-path.ts';
import type { Hdfs, HdfsCall, HdfsEntry } from '../adapters/hdfs/webhdfs.ts';
import type { FileStatus, FileUsage } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';

/** Bytes `first` to `last`, both included, of a file of `total`. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

export interface OpenedFile {
  readonly stream: Readable;
  readonly range: ByteRange | null;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** A wish of the reader: from `first`, or the last `suffix` bytes. */
export type RangeWish = { readonly first: number; readonly last: number | null } | { readonly suffix: number };

/** Files by path as users give it; every method checks the path first. */
export interface HdfsFiles {
  /** Resolves once the first page is there; further ones are asked for as the reader goes on. */
  list(path: string, call?: HdfsCall): Promise<{ path: string; entries: AsyncIterable<FileStatus> }>;
  status(path: string, call?: HdfsCall): Promise<FileStatus>;
  usage(path: string, call?: HdfsCall): Promise<FileUsage>;
  open(path: string, range: RangeWish | null, call?: HdfsCall): Promise<OpenedFile>;
  /** `bytes`: what the sender announced, null when unknown. */
  store(
    path: string,
    content: Readable,
    options: HdfsCall & { readonly overwrite: boolean; readonly bytes: number | null },
  ): Promise<FileStatus>;
  makeFolder(path: string, call?: HdfsCall): Promise<FileStatus>;
  remove(path: string, options: HdfsCall & { readonly recursive: boolean }): Promise<void>;
}

/** A dot in front: Spark passes over such names, so a job never reads a file that is still arriving. */
const uploadPrefix = '._SPARKPLUG_UPLOADING_';

/** `hdfs` is used as it is; uploads under way are remembered here, so that their leftovers are told from live ones. */
export function createHdfsFiles(hdfs: Hdfs): HdfsFiles {
  const uploading = new Set<string>();
  return {
    list: async (text, call) => {
      const path = parseHdfsPath(text);
      const found = hdfs.list(path, call);
      return { path, entries: visibleEntries(await found.next(), found) };
    },
    status: async (text, call) => toFileStatus(await hdfs.status(parseHdfsPath(text), call)),
    usage: async (text, call) => {
      const path = parseHdfsPath(text);
      return { path, ...(await hdfs.usage(path, call)) };
    },
    open: async (text, wish, call) => openFile(hdfs, parseHdfsPath(text), wish, call ?? {}),
    store: async (text, content, options) => {
      const path = parseHdfsPath(text);
      await checkTarget(hdfs, path, options.overwrite, options);
      const temporary = joinPath(
        parentFolder(path),
        `${uploadPrefix}${nameHash(path)}_${randomBytes(8).toString('hex')}`,
      );
      uploading.add(temporary);
      try {
        await removeLeftovers(hdfs, path, uploading, options);
        return await storeThrough(hdfs, temporary, path, content, options);
      } finally {
        uploading.delete(temporary);
      }
    },
    makeFolder: async (text, call) => {
      const path = parseHdfsPath(text);
      await hdfs.makeFolders(path, call);
      return toFileStatus(await hdfs.status(path, call));
    },
    remove: async (text, options) => {
      const path = parseHdfsPath(text);
      if (path === '/') {
        throw new SparkPlugError('HDFS_PATH_INVALID', 'the root folder is never removed', {
          place: 'path',
          met: '/',
          hint: 'name what is to go below it',
        });
      }
      if (!(await hdfs.remove(path, options))) throw notFound(path);
    },
  };
}

async function* visibleEntries(
  first: IteratorResult<HdfsEntry>,
  rest: AsyncIterable<HdfsEntry>,
): AsyncGenerator<FileStatus> {
  if (first.done === true) return;
  if (!isUpload(first.value)) yield toFileStatus(first.value);
  for await (const entry of rest) {
    if (!isUpload(entry)) yield toFileStatus(entry);
  }
}

function isUpload({ name }: HdfsEntry): boolean {
  return name.startsWith(uploadPrefix);
}

async function openFile(hdfs: Hdfs, path: string, wish: RangeWish | null, call: HdfsCall): Promise<OpenedFile> {
  const { kind, bytes: total, modifiedMs } = await hdfs.status(path, call);
  if (kind === 'folder') throw isFolder(path, 'has no content of its own');
  const range = wish === null ? null : resolveRange(wish, total);
  const bytes = range === null ? total : range.last - range.first + 1;
  if (bytes === 0) return { stream: Readable.from([]), range, bytes, modifiedMs };
  const part = range === null ? {} : { offset: range.first, length: bytes };
  const found = { bytes: total, modifiedMs };
  return { stream: await hdfs.open(path, { ...call, ...part, found }), range, bytes, modifiedMs };
}

/** Null where the wish cannot be met: the whole file is sent, as RFC 9110 permits. */
function resolveRange(wish: RangeWish, total: number): ByteRange | null {
  const first = 'suffix' in wish ? Math.max(0, total - wish.suffix) : wish.first;
  const last = 'suffix' in wish ? total - 1 : Math.min(wish.last ?? total - 1, total - 1);
  return first <= last ? { first, last, total } : null;
}

async function storeThrough(
  hdfs: Hdfs,
  temporary: string,
  path: string,
  content: Readable,
  options: HdfsCall & { readonly overwrite: boolean; readonly bytes: number | null },
): Promise<FileStatus> {
  try {
    const arrived = await createCounted(hdfs, temporary, content, options);
    const stored = await hdfs.status(temporary);
    const announced = options.bytes ?? arrived;
    if (arrived !== announced || stored.bytes !== arrived) throw broken(path, stored.bytes, announced);
    await hdfs.rename(temporary, path, { overwrite: options.overwrite });
  } catch (error) {
    // Without the caller's signal: an aborted upload is cleaned up too. What stays goes with the next upload.
    await hdfs.remove(temporary, { recursive: false }).catch(() => false);
    throw error;
  }
  return toFileStatus(await hdfs.status(path));
}

/** Sends the content and gives the bytes that passed. */
async function createCounted(hdfs: Hdfs, path: string, content: Readable, call: HdfsCall): Promise<number> {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  content.once('error', (error) => counter.destroy(brokenBy(error)));
  content.once('close', () => {
    if (!content.readableEnded) counter.destroy(brokenBy(undefined));
  });
  content.pipe(counter);
  try {
    await hdfs.create(path, counter, call);
  } finally {
    content.unpipe(counter);
  }
  return bytes;
}

async function checkTarget(hdfs: Hdfs, path: string, overwrite: boolean, call: HdfsCall): Promise<void> {
  if (path === '/') throw isFolder(path, 'cannot be overwritten by a file');
  const present = await statusOrNull(hdfs, path, call);
  if (present === null) return;
  if (present.kind === 'folder') throw isFolder(path, 'cannot be overwritten by a file');
  if (overwrite) return;
  throw new SparkPlugError('FILE_EXISTS', `${path} exists already in HDFS`, {
    place: path,
    hint: 'choose another name, or overwrite it with --overwrite (over REST: ?overwrite=true)',
  });
}

/** Removes what an upload of the same path left when `web` was killed in the middle. */
async function removeLeftovers(
  hdfs: Hdfs,
  path: string,
  uploading: ReadonlySet<string>,
  call: HdfsCall,
): Promise<void> {
  const mark = `${uploadPrefix}${nameHash(path)}_`;
  try {
    for await (const entry of hdfs.list(parentFolder(path), call)) {
      if (entry.name.startsWith(mark) && !uploading.has(entry.path))
        await hdfs.remove(entry.path, { recursive: false });
      // Names come in order, and those with a dot come early: a large folder is not read to its end.
      if (entry.name > mark && !entry.name.startsWith(mark)) return;
    }
  } catch (error) {
    if (!(error instanceof SparkPlugError && error.code === 'FILE_NOT_FOUND')) throw error;
  }
}

async function statusOrNull(hdfs: Hdfs, path: string, call: HdfsCall): Promise<HdfsEntry | null> {
  try {
    return await hdfs.status(path, call);
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'FILE_NOT_FOUND') return null;
    throw error;
  }
}

/** Short and of fixed length: the temporary name fits wherever the name itself does. */
function nameHash(path: string): string {
  return createHash('sha256').update(fileName(path)).digest('hex').slice(0, 16);
}

function toFileStatus(entry: HdfsEntry): FileStatus {
  const { path, kind, bytes, replication, owner, modifiedMs } = entry;
  return { path, kind, bytes, replication, owner, modifiedAt: new Date(modifiedMs).toISOString() };
}

function notFound(path: string): SparkPlugError {
  return new SparkPlugError('FILE_NOT_FOUND', `${path} is not in HDFS`, {
    place: path,
    hint: 'sparkplug hdfs ls shows what is there',
  });
}

function isFolder(path: string, what: string): SparkPlugError {
  return new SparkPlugError('FILE_WRONG_KIND', `${path} is a folder and ${what}`, {
    place: path,
    hint: 'give the whole path with the name of the file',
  });
}

function broken(path: string, arrived: number, announced: number): SparkPlugError {
  return new SparkPlugError('UPLOAD_BROKEN', `only ${arrived} of ${announced} bytes of ${path} arrived`, {
    place: path,
    hint: 'send the file again; nothing of it was kept',
  });
}

function brokenBy(cause: unknown): SparkPlugError {
  return new SparkPlugError('UPLOAD_BROKEN', 'the upload broke off before the whole file had arrived', {
    hint: 'send the file again; nothing of it was kept',
    cause,
  });
}
