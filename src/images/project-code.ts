// The project's own files as they go into the driver's image.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import { type FileTree, listTree, type TreeFile } from './file-tree.ts';
import { compileIgnores, defaultIgnores, parseIgnoreFile } from './ignore-patterns.ts';

/** Beyond these a code change would no longer take seconds, and the folder surely holds data. */
const mostMiB = 512;
const mostFiles = 20_000;
const bytesPerMiB = 1024 * 1024;

/**
 * All files but the ignored ones. What jobs name as `main` is always in.
 * @throws SparkPlugError CODE_TOO_LARGE naming the largest parts
 */
export async function listProjectCode(projectDir: string, mains: readonly string[]): Promise<FileTree> {
  const own = await readIgnoreFile(join(projectDir, '.sparkplugignore'));
  const isIgnored = compileIgnores([...defaultIgnores, ...own]);
  // A folder that a job's file took in again stays closed to all its other files.
  const isLeftOut = (path: string, isFolder: boolean) =>
    isIgnored(path, isFolder) ||
    listPathAndParents(dirname(path)).some((parent) => parent !== '.' && isIgnored(parent, true));
  const needed = new Set(mains.flatMap((main) => listPathAndParents(normalize(main))));
  const tree = await listTree(projectDir, (path, isFolder) => !needed.has(path) && isLeftOut(path, isFolder));
  refuseLargeTree(tree);
  return tree;
}

async function readIgnoreFile(file: string): Promise<readonly string[]> {
  try {
    return parseIgnoreFile(await readFile(file, 'utf8'));
  } catch {
    return [];
  }
}

function normalize(path: string): string {
  return path.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
}

/** `a/b/c.py` → itself, `a/b`, `a`: an ignored folder is not looked into. */
function listPathAndParents(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

export function refuseLargeTree({ folder, files }: FileTree): void {
  const totalMiB = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / bytesPerMiB;
  if (totalMiB <= mostMiB && files.length <= mostFiles) return;
  const parts = listLargestParts(files).map(([name, bytes]) => `${name} (${formatMiB(bytes / bytesPerMiB)})`);
  throw new SparkPlugError(
    'CODE_TOO_LARGE',
    `the project has ${files.length} files and ${formatMiB(totalMiB)}, at most ${mostFiles} and ${formatMiB(mostMiB)} go into an image`,
    {
      place: folder,
      met: `largest: ${parts.join(', ')}`,
      hint: 'put data into HDFS (sparkplug hdfs put), or list it in .sparkplugignore',
    },
  );
}

function listLargestParts(files: readonly TreeFile[]): readonly (readonly [string, number])[] {
  const sizes = new Map<string, number>();
  for (const { path, sizeBytes } of files) {
    const top = path.includes('/') ? `${path.split('/')[0]}/` : path;
    sizes.set(top, (sizes.get(top) ?? 0) + sizeBytes);
  }
  return [...sizes].sort(([, a], [, b]) => b - a).slice(0, 3);
}
