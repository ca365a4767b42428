// The operator's files in AWS Systems Manager, so that a lost computer loses no cluster. Only users of the account read them;
// the machines' role does not.
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Aws } from '../../adapters/ec2/ec2.ts';
import {
  type OperatorFiles,
  parseOperatorFiles,
  readOperatorFiles,
  renderOperatorFiles,
  writeOperatorFiles,
} from '../../config/operator-files.ts';
import { type ProjectState, writeProjectState } from '../../config/project-state.ts';
import { SparkPlugError } from '../../errors.ts';
import type { Report } from '../../progress.ts';
import { operatorPath } from './tags.ts';

/** Of a standard parameter, in characters. */
const largestValue = 4096;
/** 80 KiB: large secrets of jobs are left to the user. */
const mostParts = 20;

/** Writes what differs; the count comes last and makes the parts valid. */
export async function saveOperatorFiles(aws: Pick<Aws, 'ssm'>, state: ProjectState, report: Report): Promise<void> {
  const path = operatorPath(state.id);
  const { parts, count } = packArchive(await readOperatorFiles(state));
  if (parts.length > mostParts) {
    const text = `the project's secrets are too large for Systems Manager (${parts.length * 4} KiB): back up the user's folder yourself`;
    report({ kind: 'warning', text });
    return;
  }
  const stored = await aws.ssm.readSecrets(path);
  if (stored.some(({ name, value }) => name === `${path}/count` && value === count)) return;
  for (const [index, part] of parts.entries()) await aws.ssm.putSecret(`${path}/${index + 1}`, part);
  await aws.ssm.putSecret(`${path}/count`, count);
}

/**
 * Gives this computer and this folder the project that another one has made.
 * @throws SparkPlugError AWS_NO_CLUSTER
 */
export async function takeOver(aws: Pick<Aws, 'ssm'>, projectId: string, dir: string): Promise<ProjectState> {
  const path = operatorPath(projectId);
  const stored = await aws.ssm.readSecrets(path);
  const values = new Map(stored.map(({ name, value }) => [name.slice(path.length + 1), value]));
  const found = unpackArchive(values);
  if (found === null || found.state.id !== projectId) {
    throw new SparkPlugError('AWS_NO_CLUSTER', 'nothing is kept of this project that it could be taken over by', {
      place: path,
      met: projectId,
      hint: 'sparkplug aws status lists the projects of the account and region',
    });
  }
  await writeOperatorFiles(found);
  await writeProjectState(dir, found.state);
  return found.state;
}

/** The same files give the same text. */
export function packArchive(files: OperatorFiles): { readonly parts: readonly string[]; readonly count: string } {
  const plain = renderOperatorFiles(files);
  const text = gzipSync(plain, { level: 9 }).toString('base64');
  const parts = text.match(new RegExp(`.{1,${largestValue}}`, 'g')) ?? [];
  return { parts, count: `${parts.length} ${createHash('sha256').update(text).digest('hex')}` };
}

/** Null where parts are missing or of different versions. */
export function unpackArchive(values: ReadonlyMap<string, string>): OperatorFiles | null {
  const [, count, digest] = /^(\d+) ([0-9a-f]{64})$/.exec(values.get('count') ?? '') ?? [];
  const text = Array.from({ length: Number(count ?? 0) }, (_, index) => values.get(String(index + 1)) ?? '').join('');
  if (digest === undefined || createHash('sha256').update(text).digest('hex') !== digest) return null;
  return parseOperatorFiles(gunzipSync(Buffer.from(text, 'base64')).toString('utf8'));
}
