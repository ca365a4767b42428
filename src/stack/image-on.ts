// Which name of an image a machine starts from: the conductor's engine has it, the others pull it from the registry.
import type { BuildContext } from './build-context.ts';
import type { DesiredState } from './desired-state.ts';
import type { ImageName, PublishedImage } from './stack-spec.ts';

/** The images that followers start from. */
export const followerImages = ['hdfs', 'worker', 'conductor'] as const satisfies readonly ImageName[];
type FollowerImage = (typeof followerImages)[number];

/** A machine that comes restarts nothing on the conductor's own: there the image keeps its local name. */
export function imageOn(context: BuildContext, name: FollowerImage, machineId: string): string {
  const { desired, registry, conductorMachineId } = context;
  if (registry === null || machineId === conductorMachineId) return desired.images[name];
  return publishedRef(registry.address, name, desired.images[name]);
}

/** What further machines may start from, as it is called in the registry at `address`. */
export function listPublished({ images }: DesiredState, address: string): readonly PublishedImage[] {
  return followerImages.map((name) => ({ name, ref: publishedRef(address, name, images[name]), source: images[name] }));
}

/** The tag is the image's id, so a name never changes what it means. A name that is no id keeps its own tag. */
function publishedRef(address: string, name: FollowerImage, source: string): string {
  return `${address}/sparkplug/${name}:${source.slice(source.lastIndexOf(':') + 1)}`;
}
