// One command at a time changes a project's machines on AWS, as far as this computer is concerned.
import { createHash } from 'node:crypto';
import { withFileLock } from '../../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../../adapters/host/user-folders.ts';
import { findProject } from '../../config/find-project.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { AwsWork } from './open-aws.ts';

/** By the folder, since a project gets its id within. @throws SparkPlugError PROJECT_MISSING */
export async function withAwsLock<T>(
  choice: ProjectChoice,
  { report, signal }: AwsWork,
  work: () => Promise<T>,
): Promise<T> {
  const folder = createHash('sha256').update(await findProject(choice.fromDir));
  const lock = `${await makeCacheFolder('locks')}/aws-${folder.digest('hex').slice(0, 12)}`;
  const onWait = () => report({ kind: 'note', text: 'another command is changing these machines; waiting for it' });
  return await withFileLock(lock, work, { signal, onWait });
}
