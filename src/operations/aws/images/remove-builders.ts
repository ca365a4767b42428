// Takes away what machine images are built with: after a build, and after one that was interrupted.
import type { Instance } from '../../../adapters/ec2/instance-calls.ts';
import { SparkPlugError } from '../../../errors.ts';
import { builderResource, type ImageAws, type ImageWork } from './image-work.ts';
import { imageTags } from './machine-images.ts';

/** Well above what a build takes; a builder shuts itself down before. */
const abandonedAfterMs = 4 * 60 * 60_000;
const endTimeoutSeconds = 600;

/**
 * Instance, security group and key pair, as far as they are there: found by their tags and names, whatever became of the
 * command that made them. @returns ids of the instances that were ended
 */
export async function removeBuilder(aws: ImageAws, builder: string, work: ImageWork): Promise<readonly string[]> {
  const tags = { [imageTags.builder]: builder };
  const instances = (await aws.ec2.findInstances(tags)).filter(({ state }) => state !== 'terminated');
  const ids = instances.map(({ id }) => id);
  if (ids.length > 0) {
    await aws.ec2.terminateInstances(ids);
    // Its network interface holds the security group until it is gone.
    await aws.ec2.awaitInstances(ids, 'terminated', { maxSeconds: endTimeoutSeconds, signal: work.signal });
  }
  for (const { id } of await aws.ec2.findSecurityGroups(tags)) await aws.ec2.deleteSecurityGroup(id);
  const key = builderResource(builder);
  if (await aws.ec2.hasKeyPair(key)) await aws.ec2.deleteKeyPair(key);
  return ids;
}

/** Of other computers, but only those that cannot be at work any more. */
export async function removeAbandonedBuilders(aws: ImageAws, work: ImageWork): Promise<readonly string[]> {
  const instances = await aws.ec2.findInstances({ [imageTags.builder]: '*' });
  const groups = await aws.ec2.findSecurityGroups({ [imageTags.builder]: '*' });
  const all = [...instances, ...groups].map(({ tags }) => tags[imageTags.builder] ?? '');
  const removed: string[] = [];
  for (const builder of new Set(all)) {
    if (builder === '' || instances.some((instance) => isAtWork(instance, builder))) continue;
    // A group without an instance may be a build that begins at this moment; its name is free again by the next one.
    if (!instances.some(({ tags }) => tags[imageTags.builder] === builder)) continue;
    removed.push(...(await removeBuilder(aws, builder, work)));
  }
  return removed;
}

function isAtWork({ tags, state, launchedAt }: Instance, builder: string): boolean {
  if (tags[imageTags.builder] !== builder || state === 'terminated' || state === 'stopped') return false;
  return Date.now() - Date.parse(launchedAt) < abandonedAfterMs;
}

/** Whatever came of a build, its builder goes; where AWS does not let it, the user learns what costs money. */
export async function leaveNothing<T>(remove: () => Promise<unknown>, work: () => Promise<T>, { report }: ImageWork) {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await remove().catch((failure: unknown) => report({ kind: 'warning', text: explainLeft(failure).message }));
    throw error;
  }
  try {
    await remove();
  } catch (failure) {
    throw explainLeft(failure);
  }
  return result;
}

function explainLeft(cause: unknown): SparkPlugError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SparkPlugError('AWS_LEFT_BEHIND', `the builder of the machine image could not be removed: ${reason}`, {
    place: `tag ${imageTags.builder}`,
    hint: 'sparkplug aws image prune removes it; its instance ends by itself within three hours',
    cause,
  });
}
