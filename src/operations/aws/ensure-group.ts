// The Auto Scaling group of a cluster: made, sized, and removed where it is wished for no more.
import type { SecurityGroup } from '../../adapters/ec2/network-calls.ts';
import { step } from '../../progress.ts';
import type { AwsRun } from './aws-run.ts';
import { ensureProfile } from './ensure-access.ts';
import { findFleet } from './find-fleet.ts';
import { whenProfileIsKnown } from './launch-instance.ts';
import { nearFirst, shapeFollower } from './shape-follower.ts';
import { resourceName, tagKeys, tagsOf } from './tags.ts';

/** Makes group and template what the wish says; instances that the group has keep what they were launched with. */
export async function ensureGroup(run: AwsRun, network: SecurityGroup): Promise<void> {
  const { parts, state, wish, options, chosen } = run;
  const { aws } = parts;
  const { groups, conductor } = await findFleet(aws, state.id);
  const name = resourceName(state.id);
  const found = groups.find((group) => group.name === name) ?? null;
  if (wish.group === null) {
    if (found === null) return;
    if (found.instanceIds.length === 0) {
      await step(options.report, 'remove the group', () => aws.scaling.deleteGroup(name));
    } else {
      const text = `the group still has ${found.instanceIds.length} followers; sparkplug aws scale group=none drains them first`;
      options.report({ kind: 'note', text });
    }
    return;
  }
  const { min, max, type, spot } = wish.group;
  await step(options.report, `let a group hold ${min} to ${max} followers (${type})`, async () => {
    const profile = await ensureProfile(aws, state.id, run);
    const shape = await shapeFollower(run, network, profile, { ordinal: 0, type, spot, group: true });
    const templateId = await aws.ec2.findTemplate(name);
    // What an interrupted run left may be of another wish.
    if (templateId !== null && found === null) await aws.ec2.deleteTemplate(name);
    const made = `${type}${spot ? ':spot' : ''} disk=${wish.diskGiB} ${shape.imageId}`;
    const isOutdated = found?.tags[tagKeys.fleet] !== made;
    if (templateId !== null && found !== null && isOutdated) await aws.ec2.changeTemplate(templateId, shape);
    const tags = { ...tagsOf(state.id, 'group'), [tagKeys.fleet]: made };
    if (found === null) {
      const near = conductor === null ? chosen.subnets : nearFirst(chosen, conductor);
      const zones = await aws.ec2.listZones(type);
      const subnets = near.filter(({ zone }) => zones.includes(zone));
      const template = await aws.ec2.createTemplate(name, shape);
      const subnetIds = subnets.map(({ id }) => id);
      const group = { name, min, max, templateId: template, subnetIds, tags };
      await whenProfileIsKnown(() => aws.scaling.createGroup(group), options.signal);
    } else {
      if (isOutdated) {
        await aws.scaling.setTags(name, { [tagKeys.fleet]: made });
      }
      if (found.min !== min || found.max !== max) {
        await aws.scaling.resizeGroup(name, { min, max, desired: Math.min(Math.max(found.desired, min), max) });
      }
    }
  });
}
