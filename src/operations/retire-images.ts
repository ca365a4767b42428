// Images of versions that nobody goes back to: out of the registry, and off the machines that pulled them.
import type { RegistryClient } from '../adapters/registry/registry-client.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { followerImages, listPublished } from '../stack/image-on.ts';
import type { ContainerHost } from './fleet.ts';

/** Revisions whose images stay: enough to look back, few enough for the conductor machine's disk. */
export const keptRevisions = 5;

export interface Retirement {
  readonly registry: Pick<RegistryClient, 'tags' | 'remove'>;
  readonly containers: Pick<ContainerHost, 'pruneImages' | 'signal'>;
}

/**
 * Keeps what the revisions name. Space is won back as the registry starts anew, so it is told to where something was
 * removed: nobody pushes now, and whoever pulls tries again.
 * @param revisions the newest ones, the current first
 * @returns how many images the registry gave up
 */
export async function retireImages(
  { registry, containers }: Retirement,
  revisions: readonly DesiredState[],
): Promise<number> {
  const address = revisions[0]?.registry?.address;
  if (address === undefined) return 0;
  const kept = new Set(revisions.flatMap((desired) => listPublished(desired, address).map(({ ref }) => ref)));
  let removed = 0;
  for (const name of followerImages) {
    const repository = `sparkplug/${name}`;
    for (const tag of await registry.tags(repository)) {
      if (!kept.has(`${address}/${repository}:${tag}`) && (await registry.remove(repository, tag))) removed += 1;
    }
  }
  if (removed > 0) await containers.signal('registry', 'TERM');
  await containers.pruneImages(address, [...kept]);
  return removed;
}
