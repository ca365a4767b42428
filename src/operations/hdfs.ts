// Files between this computer and HDFS, through the REST API: streamed, folders too, overwriting only when told.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '../api/client.ts';
import type { FileStatus, FileUsage } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import { withCluster } from './cluster-access.ts';
import { listLocalFiles } from './list-local-files.ts';
import type { ProjectChoice } from './open-project.ts';

interface CopyOptions {
  readonly overwrite: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** What was copied, and where it now is. */
export interface Copied {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** One file of a copy; `relative` with forward slashes, empty for a single file. */
interface CopyItem {
  readonly from: string;
  readonly relative: string;
  readonly bytes: number;
}

const mebibyte = 1024 * 1024;

/** What is in a folder. */
export async function listFiles(
  choice: ProjectChoice,
  path: string,
  signal: AbortSignal,
): Promise<readonly FileStatus[]> {
  return await withCluster(choice, (api) => api.listFiles(path, { signal }));
}

/** Bytes, files and folders below a path. */
export async function measureUsage(choice: ProjectChoice, path: string, signal: AbortSignal): Promise<FileUsage> {
  return await withCluster(choice, (api) => api.fileUsage(path, { signal }));
}

/** Removes a file, or with `recursive` a folder and all below it. */
export async function removeFile(
  choice: ProjectChoice,
  path: string,
  options: { readonly recursive: boolean; readonly signal: AbortSignal },
): Promise<void> {
  await withCluster(choice, (api) => api.removeFile(path, options));
}

/**
 * Copies a local file or folder to `path`; into it where it is a folder or ends in `/`.
 * @throws SparkPlugError FILE_MISSING, FILE_EXISTS
 */
export async function putFiles(
  choice: ProjectChoice,
  local: string,
  path: string,
  options: CopyOptions,
): Promise<Copied> {
  const { isFolder, items } = await listLocalFiles(local);
  return await withCluster(choice, async (api) => {
    const target = await resolveTarget(api, path, basename(join(process.cwd(), local)), isFolder, options);
    if (isFolder) await api.makeFolder(target, options);
    return await copyAll(items, target, `put ${local}`, options, async (item, counter) => {
      const to = item.relative === '' ? target : posix.join(target, item.relative);
      // A failure of either stream ends the other, and with it the upload, which reports it.
      pipeline(createReadStream(item.from), counter).catch(() => {});
      await api.writeFile(to, counter, { overwrite: options.overwrite, bytes: item.bytes, signal: options.signal });
    });
  });
}

/**
 * Copies a file or folder out of HDFS to `local`; into it where it is a folder.
 * @throws SparkPlugError FILE_NOT_FOUND, FILE_EXISTS
 */
export async function getFiles(
  choice: ProjectChoice,
  path: string,
  local: string,
  options: CopyOptions,
): Promise<Copied> {
  return await withCluster(choice, async (api) => {
    const status = await api.fileStatus(path, options);
    const isFolder = await stat(local).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const target = isFolder ? join(local, posix.basename(status.path)) : local;
    const items = status.kind === 'folder' ? await listRemote(api, status.path, options.signal) : [single(status)];
    if (!options.overwrite) await refuseExisting(items, target);
    if (status.kind === 'folder') await mkdir(target, { recursive: true });
    return await copyAll(items, target, `get ${path}`, options, async (item, counter) => {
      const { stream } = await api.readFile(item.from, options);
      const to = item.relative === '' ? target : join(target, ...item.relative.split('/'));
      await writeWhole(to, async (partial) => {
        await pipeline(stream, counter, createWriteStream(partial), { signal: options.signal });
      });
    });
  });
}

function single(status: FileStatus): CopyItem {
  return { from: status.path, relative: '', bytes: status.bytes };
}

/** Like `cp`: an existing folder or a final slash means into it. A folder merges into one of its own name. */
async function resolveTarget(
  api: ApiClient,
  path: string,
  name: string,
  isFolder: boolean,
  { signal }: CopyOptions,
): Promise<string> {
  if (path.endsWith('/')) return posix.join(path, name);
  const status = await api.fileStatus(path, { signal }).catch((error: unknown) => {
    if (error instanceof SparkPlugError && error.code === 'FILE_NOT_FOUND') return null;
    throw error;
  });
  if (status?.kind !== 'folder') return path;
  // `put data /data` again goes to the same place as the first time, when /data was not there yet.
  return isFolder && posix.basename(path) === name ? path : posix.join(path, name);
}

async function listRemote(api: ApiClient, root: string, signal: AbortSignal): Promise<readonly CopyItem[]> {
  const items: CopyItem[] = [];
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await api.listFiles(folder, { signal })) {
      if (entry.kind === 'folder') folders.push(entry.path);
      else items.push({ from: entry.path, relative: posix.relative(root, entry.path), bytes: entry.bytes });
    }
  }
  return items.toSorted((a, b) => (a.relative < b.relative ? -1 : 1));
}

async function refuseExisting(items: readonly CopyItem[], target: string): Promise<void> {
  const problems = [];
  for (const { relative } of items) {
    const place = relative === '' ? target : join(target, ...relative.split('/'));
    const exists = await stat(place).then(
      () => true,
      () => false,
    );
    if (exists) problems.push({ place, message: 'exists already' });
  }
  if (problems.length === 0) return;
  throw new SparkPlugError('FILE_EXISTS', 'nothing was copied: it would overwrite local files', {
    problems,
    hint: 'give --overwrite, or another local folder',
  });
}

/** Under another name until it is whole: what stands under `file` is never half a copy. */
async function writeWhole(file: string, write: (partial: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.part-${process.pid}`;
  try {
    await write(partial);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function copyAll(
  items: readonly CopyItem[],
  path: string,
  name: string,
  { report, signal }: CopyOptions,
  copy: (item: CopyItem, counter: Transform) => Promise<void>,
): Promise<Copied> {
  const total = items.reduce((sum, item) => sum + item.bytes, 0);
  let copied = 0;
  const tell = () => {
    const part = `${Math.round(copied / mebibyte)} of ${Math.round(total / mebibyte)} MiB`;
    report({ kind: 'step-progress', step: name, detail: part });
  };
  await step(report, name, async () => {
    for (const item of items) {
      signal.throwIfAborted();
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          copied += chunk.length;
          tell();
          done(null, chunk);
        },
      });
      await copy(item, counter);
    }
  });
  return { path, files: items.length, bytes: copied };
}
