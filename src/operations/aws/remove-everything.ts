// Everything with the project's tag, in the order in which things hang on each other; and the proof that nothing is left.
import pWaitFor from 'p-wait-for';
import type { Aws } from '../../adapters/ec2/ec2.ts';
import { awsCodeOf } from '../../adapters/ec2/map-aws-failure.ts';
import { SparkPlugError } from '../../errors.ts';
import { step } from '../../progress.ts';
import { removeProfile } from './ensure-access.ts';
import { isAlive } from './find-fleet.ts';
import type { AwsWork } from './open-aws.ts';
import { resourceName, tagKeys } from './tags.ts';

const terminateSeconds = 600;
/** Network interfaces of ended machines hold a security group for a while. */
const releaseTimeoutMs = 180_000;
const pollMs = 3_000;

/**
 * Removes all of the project that is on AWS; a second call has nothing to do.
 * @throws SparkPlugError AWS_LEFT_BEHIND, AWS_DENIED, AWS_FAILED
 */
export async function removeEverything(aws: Aws, projectId: string, { report, signal }: AwsWork): Promise<void> {
  const own = { [tagKeys.project]: projectId };
  const name = resourceName(projectId);
  for (const group of await aws.scaling.findGroups(own)) {
    await step(report, `remove the group ${group.name}`, () => aws.scaling.deleteGroup(group.name));
  }
  const instances = (await aws.ec2.findInstances(own)).filter(({ state }) => state !== 'terminated');
  if (instances.length > 0) {
    const ids = instances.map(({ id }) => id);
    const many = `${ids.length} ${ids.length === 1 ? 'machine' : 'machines'}`;
    await step(report, `terminate ${many}`, async () => {
      const alive = instances.filter(isAlive).map(({ id }) => id);
      if (alive.length > 0) await aws.ec2.terminateInstances(alive);
      await aws.ec2.awaitInstances(ids, 'terminated', { maxSeconds: terminateSeconds, signal });
    });
  }
  await step(report, 'remove disks, keys, rights and secrets', async () => {
    if ((await aws.ec2.findTemplate(name)) !== null) await aws.ec2.deleteTemplate(name);
    for (const volume of await aws.ec2.findVolumes(own)) {
      if (volume.state === 'available' || volume.state === 'error') await aws.ec2.deleteVolume(volume.id);
    }
    if (await aws.ec2.hasKeyPair(name)) await aws.ec2.deleteKeyPair(name);
    await removeProfile(aws, projectId);
    const secrets = await aws.ssm.readSecrets(`/sparkplug/${projectId}`);
    if (secrets.length > 0) await aws.ssm.deleteParameters(secrets.map((secret) => secret.name));
  });
  await removeSecurityGroups(aws, projectId, signal);
  await refuseLeftovers(aws, projectId);
}

/** The last of all: by it the project is found again. */
async function removeSecurityGroups(aws: Aws, projectId: string, signal: AbortSignal): Promise<void> {
  for (const { id } of await aws.ec2.findSecurityGroups({ [tagKeys.project]: projectId })) {
    const isRemoved = async (): Promise<boolean> => {
      try {
        await aws.ec2.deleteSecurityGroup(id);
        return true;
      } catch (error) {
        const code = awsCodeOf(error);
        if (code === 'InvalidGroup.NotFound') return true;
        if (code === 'DependencyViolation') return false;
        throw error;
      }
    };
    await pWaitFor(isRemoved, {
      interval: pollMs,
      timeout: { milliseconds: releaseTimeoutMs, fallback: () => {} },
      signal,
    });
  }
}

/** AWS tells of ended instances and what they had for an hour; they are no more. @throws SparkPlugError AWS_LEFT_BEHIND */
export async function refuseLeftovers(aws: Aws, projectId: string): Promise<void> {
  const left = await listLeftovers(aws, projectId);
  if (left.length === 0) return;
  throw new SparkPlugError('AWS_LEFT_BEHIND', 'something of the project is still on AWS', {
    met: left.join(', '),
    hint: 'sparkplug aws destroy once more; what stays then is used by something that SparkPlug did not make',
  });
}

/** What there is with the project's tag or name, in words. */
export async function listLeftovers(aws: Aws, projectId: string): Promise<readonly string[]> {
  const own = { [tagKeys.project]: projectId };
  const name = resourceName(projectId);
  const [instances, groups, volumes, networks, tagged] = [
    (await aws.ec2.findInstances(own)).filter(isAlive),
    await aws.scaling.findGroups(own),
    (await aws.ec2.findVolumes(own)).filter(({ state }) => state !== 'deleting' && state !== 'deleted'),
    await aws.ec2.findSecurityGroups(own),
    await aws.ec2.listTagged(tagKeys.project, projectId),
  ];
  // Tags outlive what they were on; of these kinds it was asked what is really there.
  const asked = new Set(['instance', 'volume', 'security-group', 'network-interface', 'spot-instances-request']);
  return [
    ...instances.map(({ id, state }) => `instance ${id} (${state})`),
    ...groups.map((group) => `group ${group.name}`),
    ...volumes.map(({ id, state }) => `volume ${id} (${state})`),
    ...networks.map(({ id }) => `security-group ${id}`),
    ...((await aws.ec2.hasKeyPair(name)) ? [`key-pair ${name}`] : []),
    ...((await aws.ec2.findTemplate(name)) === null ? [] : [`launch-template ${name}`]),
    ...((await aws.iam.findProfile(name)) === null ? [] : [`instance-profile ${name}`]),
    ...((await aws.iam.hasRole(name)) ? [`role ${name}`] : []),
    ...(await aws.ssm.readSecrets(`/sparkplug/${projectId}`)).map((secret) => `parameter ${secret.name}`),
    ...tagged
      .filter(({ kind }) => !asked.has(kind) && kind !== 'key-pair' && kind !== 'launch-template')
      .map(({ kind, id }) => `${kind} ${id}`),
  ];
}
