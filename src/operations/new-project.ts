// Use case `new`: a working project from a template; nothing that is there is touched.
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { projectNamePattern } from '../config/project-schema.ts';
import { SparkPlugError } from '../errors.ts';
import { packageRoot } from '../package-root.ts';

/** What `--template` takes; the first is the default. */
export const templates = ['minimal', 'geopredict'] as const;
type Template = (typeof templates)[number];

interface NewProjectOptions {
  readonly name: string;
  readonly template: Template;
  /** The project's folder is made in here. */
  readonly parentDir: string;
}

export interface NewProject {
  readonly name: string;
  readonly template: Template;
  /** Absolute path. */
  readonly dir: string;
  /** As one would type it after `cd`. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Commands that make sense now. */
  readonly next: readonly string[];
}

/** What tools leave in a template's folder. */
const leftovers: readonly string[] = ['.sparkplug', '__pycache__', '.pytest_cache', '.venv', 'out'];

const nextCommands: Readonly<Record<Template, readonly string[]>> = {
  minimal: ['sparkplug up', 'sparkplug run', 'sparkplug results words --limit 5'],
  geopredict: ['sparkplug up', 'sparkplug run ingest', 'sparkplug run predict', 'sparkplug results metrics'],
};

/** @throws SparkPlugError USAGE for a bad name, FILE_EXISTS where the folder holds something */
export async function newProject({ name, template, parentDir }: NewProjectOptions): Promise<NewProject> {
  if (!projectNamePattern.test(name)) {
    throw new SparkPlugError('USAGE', 'this is no name for a project', {
      place: 'name',
      met: name,
      hint: 'a lower-case letter, then up to 23 lower-case letters, digits and single hyphens, such as my-app',
    });
  }
  const dir = resolve(parentDir, name);
  await refuseContent(dir);
  await mkdir(dir, { recursive: true });
  const source = join(packageRoot(), 'examples', template);
  await cp(source, dir, {
    recursive: true,
    filter: (path) => !leftovers.includes(basename(path)),
  });
  await setName(join(dir, 'sparkplug.yaml'), name);
  return {
    name,
    template,
    dir,
    folder: relative(process.cwd(), dir) || '.',
    files: await listFiles(dir),
    next: nextCommands[template],
  };
}

async function refuseContent(dir: string): Promise<void> {
  const content = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new SparkPlugError('FILE_EXISTS', 'this is in the way of the new project', { place: dir, cause: error });
  });
  if (content.length === 0) return;
  throw new SparkPlugError('FILE_EXISTS', 'the folder of the new project exists and is not empty', {
    place: dir,
    met: content.slice(0, 5).join(', '),
    hint: 'choose another name, or an empty folder',
  });
}

async function setName(projectFile: string, name: string): Promise<void> {
  const text = await readFile(projectFile, 'utf8');
  await writeFile(projectFile, text.replace(/^name:.*$/m, `name: ${name}`));
}

async function listFiles(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .toSorted();
}
