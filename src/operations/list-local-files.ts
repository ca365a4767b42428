// The files of this computer that a copy takes: all of them readable, or nothing is begun.
import { open, readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type Problem, SparkPlugError } from '../errors.ts';

interface LocalFile {
  readonly from: string;
  /** Below the folder, with forward slashes; empty for a single file. */
  readonly relative: string;
  readonly bytes: number;
}

interface LocalFiles {
  readonly isFolder: boolean;
  readonly items: readonly LocalFile[];
}

/**
 * The file itself, or all files below the folder, by name. Links to files count as files, links to folders are left out.
 * @throws SparkPlugError FILE_MISSING naming everything that cannot be read
 */
export async function listLocalFiles(path: string): Promise<LocalFiles> {
  const problems: Problem[] = [];
  const items: LocalFile[] = [];
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const attempt = async (place: string, look: () => Promise<void>): Promise<void> => {
    await look().catch((error: unknown) => {
      problems.push({ place, message: 'cannot be read', met: codeOf(error) });
    });
  };
  const addFile = (from: string): Promise<void> =>
    attempt(from, async () => {
      const found = await stat(from);
      if (!found.isFile()) return;
      await (await open(from)).close();
      const relative = isFolder ? from.slice(join(path, sep).length).split(sep).join('/') : '';
      items.push({ from, relative, bytes: found.size });
    });
  const folders = isFolder ? [path] : [];
  if (!isFolder) await addFile(path);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const place = folder;
    await attempt(place, async () => {
      for (const entry of await readdir(place, { withFileTypes: true })) {
        if (entry.isDirectory()) folders.push(join(place, entry.name));
        else await addFile(join(place, entry.name));
      }
    });
  }
  if (problems.length > 0) throw unreadable(problems);
  return { isFolder, items: items.toSorted((a, b) => (a.relative < b.relative ? -1 : 1)) };
}

function unreadable(problems: readonly Problem[]): SparkPlugError {
  const [first] = problems;
  const hint = 'correct the path, or make it readable (chmod u+rX), or leave it out; nothing was copied';
  if (problems.length > 1 || first === undefined) {
    return new SparkPlugError('FILE_MISSING', `${problems.length} files or folders cannot be read`, { problems, hint });
  }
  const { place, met } = first;
  return new SparkPlugError('FILE_MISSING', 'this file or folder cannot be read', {
    place,
    ...(met === undefined ? {} : { met }),
    hint,
  });
}

/** `EACCES`, `ENOENT`; anything else is a bug and goes up. */
function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}
