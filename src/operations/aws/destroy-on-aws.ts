// Use case `aws destroy`: everything that the project has on AWS is removed, and that nothing is left is proven.
import { readProjectState, writeProjectState } from '../../config/project-state.ts';
import { removeUserFolder } from '../../config/user-folder.ts';
import { SparkPlugError } from '../../errors.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { AwsParts } from './aws-parts.ts';
import { type AwsWork, openAws } from './open-aws.ts';
import { listLeftovers, removeEverything } from './remove-everything.ts';
import { forgetSshKey } from './ssh-key.ts';

export interface AwsDestroyOptions extends AwsWork {
  /** Asked with all that will be gone; null: nobody is asked. Gives the project's id back, or it is not done. */
  readonly askId: ((question: string) => Promise<string>) | null;
}

export interface AwsDestroyReport {
  readonly projectId: string;
  /** What there was. */
  readonly removed: readonly string[];
}

/**
 * Machines, disks with all data, keys, rights, secrets: gone. Machine images stay, they are of no project.
 * @throws SparkPlugError AWS_NO_CLUSTER, AWS_OTHER_ACCOUNT, AWS_LEFT_BEHIND, USAGE where it was not confirmed
 */
export async function destroyOnAws(
  choice: ProjectChoice,
  options: AwsDestroyOptions,
  parts: AwsParts,
): Promise<AwsDestroyReport> {
  const { project, projectId, region, account } = await openAws(choice, parts);
  const removed = await listLeftovers(parts.aws, projectId);
  if (options.askId !== null && removed.length > 0) {
    const question = `This removes from account ${account}, ${region}: ${removed.join(', ')}; all files, results and history of the cluster with it. Type ${projectId} to go on:`;
    if ((await options.askId(question)).trim() !== projectId) {
      throw new SparkPlugError('USAGE', 'nothing was removed', { hint: `type ${projectId}, or give --yes` });
    }
  }
  await removeEverything(parts.aws, projectId, options);
  const { report, signal } = options;
  const nowhere = { conductorId: '', identityFile: null, readConsole: async () => '' };
  await parts.openGate({ choice, projectId, ...nowhere, report, signal }).close();
  await forgetSshKey(projectId);
  if (project.state?.aws !== null) {
    await removeUserFolder(projectId);
    await forgetPlace(project.dir);
  }
  return { projectId, removed };
}

/** The id stays, so that a later `aws up` is the same project. */
async function forgetPlace(dir: string): Promise<void> {
  const state = await readProjectState(dir);
  if (state === null) return;
  const { id } = state;
  await writeProjectState(dir, { id });
}
