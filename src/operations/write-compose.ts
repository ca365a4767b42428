// Use case `plan --compose DIR`: a folder that `docker stack deploy` turns into a working cluster by hand.
import { readdir } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { secretFolder } from '../config/user-folder.ts';
import type { Report } from '../progress.ts';
import { writeComposeFolder } from '../stack/compose-folder.ts';
import { planStack } from './apply-desired.ts';
import { openProject, type ProjectChoice } from './open-project.ts';
import { prepareCluster } from './prepare-cluster.ts';
import { bootstrapText } from './start-cluster.ts';

export interface ComposeOptions {
  readonly dir: string;
  /** Pull or build the images that the file names. */
  readonly build: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface WrittenCompose {
  readonly dir: string;
  readonly files: readonly string[];
  /** What deploys it. */
  readonly command: string;
  readonly projectId: string;
}

/** Writes the folder and sees to it that what it names is there: images on the engine, secrets in the user's folder. */
export async function writeCompose(
  choice: ProjectChoice,
  { dir, build, report, signal }: ComposeOptions,
): Promise<WrittenCompose> {
  const project = await openProject(choice);
  const { desired, machines } = await prepareCluster(project, {
    report,
    signal,
    swarm: false,
    images: build ? 'obtain' : 'name',
  });
  // Not pinned to machines by their ids: whoever deploys by hand may have made another Swarm by then.
  const { stack } = planStack(desired, machines, { bootstrap: bootstrapText(desired), pinned: false });
  const folder = resolve(dir);
  const source = { secrets: 'file', secretFolder: secretFolder(desired.projectId) } as const;
  const composeFile = await writeComposeFolder(stack, folder, source);
  return {
    dir: folder,
    files: (await readdir(folder)).toSorted(),
    command: `docker stack deploy -c ${relative(process.cwd(), composeFile) || composeFile} ${project.config.name}`,
    projectId: desired.projectId,
  };
}
