// The project's requirements as one text: pip inside the build sees no other file of the project.
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { SparkPlugError } from '../errors.ts';

/**
 * The file's lines, with the lines of the files that it includes by `-r` in their places.
 * @throws SparkPlugError REQUIREMENT_FAILED for a file that cannot be read and for a path into the project
 */
export async function readRequirements(projectDir: string, file: string): Promise<string> {
  return readFrom(projectDir, join(projectDir, file), []);
}

async function readFrom(projectDir: string, file: string, includedBy: readonly string[]): Promise<string> {
  const place = relative(projectDir, file);
  if (includedBy.includes(file)) return '';
  const text = await readText(file, place, includedBy.length > 0);
  const lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const included = /^\s*(?:-r|--requirement)[\s=]*(\S+)/.exec(line)?.[1];
    if (included !== undefined) {
      lines.push(await readFrom(projectDir, join(dirname(file), included), [...includedBy, file]));
      continue;
    }
    refuseLocalPath(line, place);
    lines.push(line);
  }
  return lines.join('\n');
}

async function readText(file: string, place: string, included: boolean): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new SparkPlugError('REQUIREMENT_FAILED', `${place} cannot be read`, {
      place: included ? place : 'requirements',
      met: place,
      hint: 'correct `requirements` in sparkplug.yaml, or make the file',
      cause,
    });
  }
}

function refuseLocalPath(line: string, place: string): void {
  const path = /^\s*(?:(?:-e|--editable|-c|--constraint|-f|--find-links)[\s=]*)?(\.{0,2}\/\S*|file:\S+)/.exec(
    line,
  )?.[1];
  const option = /^\s*(-c|--constraint|-e|--editable)\b/.exec(line)?.[1];
  if (path === undefined && option === undefined) return;
  throw new SparkPlugError(
    'REQUIREMENT_FAILED',
    'requirements cannot name paths, they are installed without the project',
    {
      place,
      met: line.trim(),
      hint: 'name a package of the index with its version; the project’s own modules are in the driver’s image anyway',
    },
  );
}
