// Which folder is the project: the nearest one above that holds a sparkplug.yaml.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { SparkPlugError } from '../errors.ts';

/** Name of the project file. */
export const projectFile = 'sparkplug.yaml';

/**
 * The folder that holds `sparkplug.yaml`: `fromDir` or the nearest above it.
 * @throws SparkPlugError PROJECT_MISSING
 */
export async function findProject(fromDir: string): Promise<string> {
  const start = path.resolve(fromDir);
  for (let dir = start; ; dir = path.dirname(dir)) {
    if (await exists(path.join(dir, projectFile))) return dir;
    if (dir === path.dirname(dir)) break;
  }
  const misnamed = (await exists(path.join(start, 'sparkplug.yml')))
    ? 'Rename `sparkplug.yml` to `sparkplug.yaml`.'
    : null;
  throw new SparkPlugError('PROJECT_MISSING', `There is no ${projectFile} in this folder or above it.`, {
    place: start,
    hint: misnamed ?? 'Run `sparkplug new NAME` for a new project, or change into the folder of one.',
  });
}

async function exists(file: string): Promise<boolean> {
  // Anything but "not there" (a folder, no permission) is for readConfig to report.
  return stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}
