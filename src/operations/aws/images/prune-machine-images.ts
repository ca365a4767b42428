// Use case `aws image prune`: old machine images with their disks, and what interrupted builds have left.

import { join } from 'node:path';
import { withFileLock } from '../../../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../../../adapters/host/user-folders.ts';
import { step } from '../../../progress.ts';
import { type ImageAws, type ImageWork, nameBuilder } from './image-work.ts';
import { countUses } from './list-machine-images.ts';
import { findOwnImages, imageTags, type OwnImage } from './machine-images.ts';
import { removeAbandonedBuilders, removeBuilder } from './remove-builders.ts';

export interface PrunedImages {
  /** Names. */
  readonly images: readonly string[];
  readonly snapshots: readonly string[];
  /** Ids of builders. */
  readonly instances: readonly string[];
  /** Names of those that would have gone, were they not in use. */
  readonly inUse: readonly string[];
}

/** On the disks of an image that is about to go. */
const orphan = 'orphan';

/** Keeps the newest `keep` of each role and architecture, and whatever an instance or a launch template needs. */
export async function pruneMachineImages(aws: ImageAws, keep: number, work: ImageWork): Promise<PrunedImages> {
  const lock = join(await makeCacheFolder('locks'), 'aws-image-build');
  return await withFileLock(lock, () => prune(aws, keep, work), { signal: work.signal });
}

async function prune(aws: ImageAws, keep: number, work: ImageWork): Promise<PrunedImages> {
  const own = await removeBuilder(aws, nameBuilder(), work);
  const instances = [...own, ...(await removeAbandonedBuilders(aws, work))];
  const all = await findOwnImages(aws);
  const uses = await countUses(aws);
  const old = listOld(all, keep);
  const [unused, used] = [old.filter(({ ami }) => !uses.has(ami.id)), old.filter(({ ami }) => uses.has(ami.id))];
  const snapshots: string[] = [];
  for (const { ami } of unused) {
    work.signal.throwIfAborted();
    await step(work.report, `remove ${ami.name}`, async () => {
      // Known by their tag they are found again, should this be interrupted between image and disk.
      if (ami.snapshotIds.length > 0) await aws.ec2.setTags(ami.snapshotIds, { [imageTags.role]: orphan });
      await aws.images.deregisterImage(ami.id);
      for (const id of ami.snapshotIds) await aws.images.deleteSnapshot(id);
      snapshots.push(...ami.snapshotIds);
    });
  }
  // Of an image that is still there, the tag was set and no more.
  const needed = new Set(all.filter((image) => !unused.includes(image)).flatMap(({ ami }) => ami.snapshotIds));
  for (const { id } of await aws.images.findSnapshots({ [imageTags.role]: orphan })) {
    if (snapshots.includes(id) || needed.has(id)) continue;
    await aws.images.deleteSnapshot(id);
    snapshots.push(id);
  }
  return {
    images: unused.map(({ ami }) => ami.name),
    snapshots,
    instances,
    inUse: used.map(({ ami }) => ami.name),
  };
}

/** Beyond the newest of each kind, and every one that failed. Those that are being made stay. Pure. */
export function listOld(images: readonly OwnImage[], keep: number): readonly OwnImage[] {
  const seen = new Map<string, number>();
  return images.filter(({ ami, role }) => {
    if (ami.state === 'pending') return false;
    if (ami.state !== 'available') return true;
    const kind = `${role} ${ami.arch}`;
    const number = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, number);
    return number > keep;
  });
}
