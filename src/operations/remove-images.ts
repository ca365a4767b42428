// Use case `images rm`: all images that SparkPlug made on this engine and nothing uses.
import type { Docker } from '../adapters/docker/docker.ts';
import { labels } from '../engine/labels.ts';
import { imageNames } from '../images/image-plan.ts';

/** Those that stand on others come first, so that each removal frees its layers. */
const removalOrder: readonly string[] = [...[...imageNames].reverse(), 'debian'];

/** @returns names of what was removed; what a container needs stays */
export async function removeImages(docker: Pick<Docker, 'listImages' | 'removeImage'>): Promise<readonly string[]> {
  const images = await docker.listImages({ [labels.image]: null });
  const rank = (image: string | undefined) => removalOrder.indexOf(image ?? '');
  const ordered = images.toSorted((a, b) => rank(a.labels[labels.image]) - rank(b.labels[labels.image]));
  const removed: string[] = [];
  for (const tag of ordered.flatMap(({ tags }) => tags)) {
    if ((await docker.removeImage(tag)) === 'removed') removed.push(tag);
  }
  return removed;
}
