// What a follower on EC2 is made of.
import type { Instance, InstanceShape } from '../../adapters/ec2/instance-calls.ts';
import type { SecurityGroup } from '../../adapters/ec2/network-calls.ts';
import { renderFollowerUserData } from '../machines/boot/render-user-data.ts';
import type { AwsRun } from './aws-run.ts';
import type { ChosenNetwork } from './ensure-network.ts';
import type { FollowerSlot } from './find-fleet.ts';
import { joinPath, resourceName, tagKeys, tagsOf } from './tags.ts';

/** Traffic between zones costs, and the conductor's is as good as any. */
export function nearFirst({ subnets }: ChosenNetwork, conductor: Pick<Instance, 'subnetId'>): ChosenNetwork['subnets'] {
  const near = subnets.filter(({ id }) => id === conductor.subnetId);
  return [...near, ...subnets.filter(({ id }) => id !== conductor.subnetId)];
}

export async function shapeFollower(
  { parts, state, options, plan, wish, region, key }: AwsRun,
  network: SecurityGroup,
  instanceProfile: string,
  slot: Pick<FollowerSlot, 'ordinal' | 'type' | 'spot'> & { readonly group?: boolean },
): Promise<InstanceShape> {
  const { report, signal } = options;
  const image = await parts.ensureImage('follower', plan.arch, { report, signal });
  const { type, spot, ordinal, group = false } = slot;
  return {
    type,
    imageId: image.id,
    rootDevice: image.rootDevice,
    diskGiB: Math.max(wish.diskGiB, image.leastDiskGiB),
    keyName: key.key ?? resourceName(state.id),
    securityGroupId: network.id,
    instanceProfile,
    userData: renderFollowerUserData({
      region,
      parameter: joinPath(state.id),
      storage: !spot && !group,
      spot,
      endpoint: parts.parameterEndpoint,
    }),
    spot,
    tags: group ? tagsOf(state.id, 'group') : tagsOf(state.id, 'follower', { [tagKeys.ordinal]: String(ordinal) }),
  };
}
