// One instance more: the same request never makes two, and what AWS has not heard of yet is waited for.
import { createHash } from 'node:crypto';
import pWaitFor from 'p-wait-for';
import type { Aws } from '../../adapters/ec2/ec2.ts';
import type { Instance, InstanceShape } from '../../adapters/ec2/instance-calls.ts';
import { awsCodeOf } from '../../adapters/ec2/map-aws-failure.ts';
import type { SecurityGroup, Subnet } from '../../adapters/ec2/network-calls.ts';
import { SparkPlugError } from '../../errors.ts';
import { ordinalOf } from './find-fleet.ts';
import { tagKeys } from './tags.ts';

export interface Launch {
  readonly projectId: string;
  readonly network: SecurityGroup;
  /** The one to stand in; others only where the type is not offered there. */
  readonly subnets: readonly Subnet[];
  readonly shape: InstanceShape;
  readonly signal: AbortSignal;
}

/** A new instance profile is known to EC2 seconds after IAM has it. */
const profileTimeoutMs = 90_000;
const pollMs = 2_000;

/** @throws SparkPlugError AWS_QUOTA, AWS_TYPE_UNAVAILABLE, AWS_IMAGE_MISSING, AWS_DENIED */
export async function launchInstance(aws: Pick<Aws, 'ec2'>, launch: Launch): Promise<Instance> {
  const subnet = await chooseSubnet(aws, launch);
  let generation = Number(launch.network.tags[tagKeys.generation] ?? 0);
  const attempt = async (): Promise<Instance> => {
    const order = { ...launch.shape, subnetId: subnet.id };
    return await aws.ec2.runInstance({ ...order, clientToken: clientTokenOf(launch, generation) });
  };
  return await whenProfileIsKnown(async () => {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const code = awsCodeOf(error);
        if (code !== 'IdempotentInstanceTerminated' && code !== 'IdempotentParameterMismatch') throw error;
        // Such an instance was there before: this one is another.
        generation += 1;
        await aws.ec2.setTags([launch.network.id], { [tagKeys.generation]: String(generation) });
      }
    }
  }, launch.signal);
}

/**
 * Does what names an instance profile, which may be so new that AWS does not know it everywhere yet.
 * @throws SparkPlugError AWS_FAILED where it stays unknown
 */
export async function whenProfileIsKnown<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let done: { readonly value: T } | null = null;
  let refused: unknown = null;
  const isKnown = async (): Promise<boolean> => {
    try {
      done = { value: await work() };
      return true;
    } catch (error) {
      if (!isProfileUnknown(error)) throw error;
      refused = error;
      return false;
    }
  };
  const timeout = { milliseconds: profileTimeoutMs, fallback: () => {} };
  await pWaitFor(isKnown, { interval: pollMs, timeout, signal });
  // What a callback has set is not seen by the compiler.
  const end = done as { readonly value: T } | null;
  if (end === null) throw refused;
  return end.value;
}

/** In the words of EC2, and of Auto Scaling about a template. */
function isProfileUnknown(error: unknown): boolean {
  if (!(error instanceof SparkPlugError)) return false;
  const code = awsCodeOf(error);
  if (code !== 'InvalidParameterValue' && code !== 'ValidationError') return false;
  return /instance ?profile/i.test(error.met ?? '');
}

/** @throws SparkPlugError AWS_TYPE_UNAVAILABLE */
export async function chooseSubnet(
  aws: Pick<Aws, 'ec2'>,
  { subnets, shape }: Pick<Launch, 'subnets'> & { readonly shape: Pick<InstanceShape, 'type'> },
): Promise<Subnet> {
  const zones = await aws.ec2.listZones(shape.type);
  const subnet = subnets.find(({ zone }) => zones.includes(zone));
  if (subnet !== undefined) return subnet;
  throw new SparkPlugError('AWS_TYPE_UNAVAILABLE', `no subnet that can be used is in a zone with ${shape.type}`, {
    place: subnets.map(({ id, zone }) => `${id} (${zone})`).join(', '),
    met: zones.length === 0 ? 'no zone of the region offers it' : `offered in ${zones.join(', ')}`,
    hint: 'take another type, or a subnet of another zone: --subnet',
  });
}

/** EC2 gives back the instance of a token that it has seen, for at least a day after that one is terminated. */
function clientTokenOf({ projectId, shape }: Launch, generation: number): string {
  const text = [projectId, shape.tags[tagKeys.role], ordinalOf(shape), generation].join('\0');
  return createHash('sha256').update(text).digest('hex');
}

/** Before machines are given back: what is launched later under their numbers is something else. */
export async function startGeneration(aws: Pick<Aws, 'ec2'>, network: SecurityGroup): Promise<void> {
  const next = Number(network.tags[tagKeys.generation] ?? 0) + 1;
  await aws.ec2.setTags([network.id], { [tagKeys.generation]: String(next) });
}
