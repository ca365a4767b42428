// The project file on disk → ClusterConfig: the text's problems and those of the files it names, in one report.
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Problem, SparkPlugError } from '../errors.ts';
import type { Overrides } from './apply-overrides.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { projectFile } from './find-project.ts';
import { acceptConfig, examineConfig, type FileMention, sortByPlace } from './parse-config.ts';

/**
 * Reads and checks `sparkplug.yaml` of a project folder.
 * @param overrides dotted key → value as on a command line, stronger than the file
 * @throws SparkPlugError PROJECT_MISSING, CONFIG_UNREADABLE, or CONFIG_INVALID with every problem
 */
export async function readConfig(projectDir: string, overrides: Overrides = {}): Promise<ClusterConfig> {
  const text = await readProjectFile(path.join(projectDir, projectFile));
  const examination = examineConfig(text, projectFile, overrides);
  const missing = await Promise.all(examination.mentions.map((mention) => checkMention(projectDir, mention)));
  const problems = sortByPlace([...examination.problems, ...missing.filter((problem) => problem !== null)]);
  return acceptConfig({ ...examination, problems }, projectFile);
}

async function readProjectFile(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw describeReadError(file, error);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SparkPlugError('CONFIG_UNREADABLE', `${projectFile} is not UTF-8 text.`, {
      place: file,
      hint: 'Save it as UTF-8 in your editor.',
      cause,
    });
  }
}

function describeReadError(file: string, cause: NodeJS.ErrnoException): SparkPlugError {
  const details = { place: file, cause };
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
    const hint = 'Run `sparkplug new NAME` for a new project, or change into the folder of one.';
    return new SparkPlugError('PROJECT_MISSING', `There is no ${projectFile} here.`, { ...details, hint });
  }
  if (cause.code === 'EISDIR') {
    const hint = 'Rename the folder; the project file is a text file of this name.';
    return new SparkPlugError('CONFIG_UNREADABLE', `${projectFile} is a folder.`, { ...details, hint });
  }
  const denied = cause.code === 'EACCES' || cause.code === 'EPERM';
  return new SparkPlugError(
    'CONFIG_UNREADABLE',
    `${projectFile} cannot be read${denied ? ': permission denied' : ''}.`,
    {
      ...details,
      met: cause.code ?? cause.message,
      hint: denied ? `Make it yours and readable: \`chmod u+r ${file}\`.` : 'Look at the disk and the path.',
    },
  );
}

async function checkMention(projectDir: string, { path: named, kind, place }: FileMention): Promise<Problem | null> {
  const file = path.join(projectDir, named);
  const found = await stat(file).catch(() => null);
  if (found === null)
    return { place, met: named, message: 'There is no such file.', hint: hintForMissing(named, kind) };
  if (!found.isFile()) return { place, met: named, message: 'This is not a file.', hint: 'Name the file itself.' };
  const [root, real] = await Promise.all([realpath(projectDir), realpath(file)]);
  if (real.startsWith(`${root}${path.sep}`)) return null;
  return {
    place,
    met: named,
    message: 'This link leads out of the project folder.',
    hint: 'Put the file itself into the project.',
  };
}

function hintForMissing(named: string, kind: FileMention['kind']): string {
  if (kind === 'certificate') return 'Put the certificate there, or remove `web.tls`.';
  if (kind === 'requirements') return 'Create it, or remove `requirements`.';
  return named.endsWith('.jar') ? 'Build the jar first, or correct the path.' : 'Create it, or correct the path.';
}
