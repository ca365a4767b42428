// The files of a folder and a hash of what they are: path, content, whether they may be executed. Times and owners don't count.
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { IsIgnored } from './ignore-patterns.ts';

export interface TreeFile {
  /** Relative to the tree's folder, forward slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly executable: boolean;
  /** Where a symbolic link points to; null for a plain file. */
  readonly link: string | null;
}

export interface FileTree {
  readonly folder: string;
  /** In the order of their paths. */
  readonly files: readonly TreeFile[];
}

/** Lists plain files and symbolic links; sockets, devices and the like are passed over. */
export async function listTree(folder: string, isIgnored: IsIgnored = () => false): Promise<FileTree> {
  const files = await listBelow(folder, '', isIgnored);
  return { folder, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

async function listBelow(folder: string, prefix: string, isIgnored: IsIgnored): Promise<TreeFile[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (isIgnored(path, entry.isDirectory())) return [];
      if (entry.isDirectory()) return listBelow(folder, path, isIgnored);
      if (!entry.isFile() && !entry.isSymbolicLink()) return [];
      return [await describeFile(folder, path, entry.isSymbolicLink())];
    }),
  );
  return found.flat();
}

async function describeFile(folder: string, path: string, isLink: boolean): Promise<TreeFile> {
  const file = join(folder, path);
  const { size, mode } = await lstat(file);
  return {
    path,
    sizeBytes: size,
    executable: (mode & 0o100) !== 0,
    link: isLink ? await readlink(file) : null,
  };
}

/** SHA-256 in hex of all paths and contents. */
export async function hashTree({ folder, files }: FileTree): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, executable, link } of files) {
    hash.update(`${path}\0${link === null ? (executable ? 'x' : '-') : `>${link}`}\0`);
    if (link === null) hash.update(await hashFile(join(folder, path)));
  }
  return hash.digest('hex');
}

async function hashFile(file: string): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest();
}

/** Copies with modes that everyone may read, whatever the umask was when the files were made. */
export async function copyTree({ folder, files }: FileTree, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o755 });
  const folders = new Set(files.map(({ path }) => dirname(join(target, path))));
  for (const made of folders) await mkdir(made, { recursive: true, mode: 0o755 });
  for (const { path, executable, link } of files) {
    const to = join(target, path);
    if (link !== null) {
      await symlink(link, to);
      continue;
    }
    await copyFile(join(folder, path), to, constants.COPYFILE_FICLONE);
    await chmod(to, executable ? 0o755 : 0o644);
  }
}
