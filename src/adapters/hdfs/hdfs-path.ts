// Paths in HDFS: which are usable, and how they go into a WebHDFS address.
import { SparkPlugError } from '../../errors.ts';

/** HDFS's own limit (`dfs.namenode.fs-limits.max-component-length`), in bytes of UTF-8. */
const maxNameBytes = 255;
/** HDFS's own limit of a whole path (MAX_PATH_LENGTH in HdfsConstants). */
const maxPathLength = 8000;

/**
 * Gives the path in its one form: absolute, no empty parts, no slash at the end.
 * HDFS_PATH_INVALID for `.`, `..`, control characters, `:` and names that are too long.
 */
export function parseHdfsPath(text: string): string {
  if (!text.startsWith('/')) throw invalidPath(text, 'is not absolute');
  const parts = text.split('/').filter((part) => part !== '');
  for (const part of parts) checkPart(text, part);
  const path = `/${parts.join('/')}`;
  if (path.length > maxPathLength) throw invalidPath(text, `is longer than ${maxPathLength} characters`);
  return path;
}

/** The folder that holds `path`; `/` for the root itself. */
export function parentFolder(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The last part of a path; empty for the root. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `folder` and `name` as one path. */
export function joinPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** Percent-encodes each part. */
export function encodeHdfsPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function checkPart(text: string, part: string): void {
  if (part === '.' || part === '..') throw invalidPath(text, `has a part \`${part}\``);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(part)) throw invalidPath(text, 'has a control character');
  if (part.includes(':')) throw invalidPath(text, 'has a `:`, which HDFS does not take');
  if (!part.isWellFormed()) throw invalidPath(text, 'is no valid Unicode');
  if (Buffer.byteLength(part) > maxNameBytes) throw invalidPath(text, `has a name longer than ${maxNameBytes} bytes`);
}

function invalidPath(text: string, what: string): SparkPlugError {
  const met = JSON.stringify(text.slice(0, 200));
  return new SparkPlugError('HDFS_PATH_INVALID', `the path ${met} ${what}`, {
    place: 'path',
    met,
    hint: 'give an absolute path such as /data/input.csv',
  });
}
