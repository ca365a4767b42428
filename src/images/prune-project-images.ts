// Images of a project that newer ones replaced.
import type { Docker } from '../adapters/docker/docker.ts';

/** Worker and driver images, each: enough to look back, few enough for a laptop's disk. */
const keptPerName = 5;

type PruningDocker = Pick<Docker, 'listImages' | 'removeImage'>;

/** What marks an image as one of a project's. */
export interface ProjectImageLabels {
  readonly project: string;
  readonly image: string;
}

/**
 * Removes all but the newest five of each kind. One that a container or a newer image needs stays, and so do those in
 * `inUse` (names or ids), which the Swarm's services will start from.
 * @returns names of what was removed
 */
export async function pruneProjectImages(
  docker: PruningDocker,
  { projectId, labels, inUse }: { projectId: string; labels: ProjectImageLabels; inUse: ReadonlySet<string> },
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of ['driver', 'worker']) {
    const images = await docker.listImages({ [labels.project]: projectId, [labels.image]: name });
    for (const { id, tags } of images.slice(keptPerName)) {
      if (inUse.has(id) || tags.some((tag) => inUse.has(tag))) continue;
      // Names only: an id with two names would need force, which also takes it from stopped containers.
      for (const tag of tags) if ((await docker.removeImage(tag)) === 'removed') removed.push(tag);
    }
  }
  return removed;
}
