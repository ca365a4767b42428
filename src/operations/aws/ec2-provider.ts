// EC2 behind the port of further machines: followers given by number.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import type { Instance, InstanceShape, InstanceType } from '../../adapters/ec2/instance-calls.ts';
import type { SecurityGroup, Subnet } from '../../adapters/ec2/network-calls.ts';
import { type Report, step } from '../../progress.ts';
import { gather, type MachineProvider, type ProvidedMachine } from '../machines/machine-provider.ts';
import type { JoinOrder } from '../machines/render-join-script.ts';
import { type FollowerSlot, findFleet, isAlive } from './find-fleet.ts';
import { writeJoinOrder } from './join-parameters.ts';
import { launchInstance, startGeneration } from './launch-instance.ts';
import { plannedMemoryMiB } from './plan-fleet.ts';

export interface Ec2ProviderParts {
  readonly aws: Aws;
  readonly projectId: string;
  readonly types: readonly InstanceType[];
  readonly network: SecurityGroup;
  readonly subnets: readonly Subnet[];
  /** Of the conductor's machine, as followers see it. */
  readonly conductorAddress: string;
  readonly shapeOf: (slot: FollowerSlot) => Promise<InstanceShape>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

const startSeconds = 300;

/**
 * Starts or launches instances, which join by themselves: the order stands in Systems Manager, and they read it by their
 * instance profile. Failures: AWS_QUOTA, AWS_TYPE_UNAVAILABLE, AWS_DENIED, AWS_FAILED.
 */
export function createEc2Provider(parts: Ec2ProviderParts): MachineProvider<FollowerSlot> {
  const { aws, projectId, types, conductorAddress, report } = parts;
  const bring = (slot: FollowerSlot): Promise<ProvidedMachine> => {
    const verb = slot.instance === null ? 'launch' : 'start';
    const what = `${verb} follower-${slot.ordinal} (${slot.type}${slot.spot ? ', spot' : ''})`;
    return step(report, what, async () => describeInstance(await bringInstance(parts, slot)));
  };
  return {
    describe: async (wanted) => ({
      machines: wanted.map((slot) => {
        const type = types.find((one) => one.type === slot.type);
        return {
          wanted: slot,
          name: `follower-${slot.ordinal}`,
          cores: type?.cores ?? 0,
          memoryMiB: plannedMemoryMiB(type?.memoryMiB ?? 0),
          storage: !slot.spot,
          seenFrom: conductorAddress,
        };
      }),
      failures: [],
    }),
    acquire: async (wanted: readonly FollowerSlot[], order: () => Promise<JoinOrder>) => {
      if (wanted.length === 0) return { machines: [], failures: [] };
      const joining = await order();
      await step(report, 'leave the join order in Systems Manager', () => writeJoinOrder(aws, projectId, joining));
      return await gather(wanted, ({ ordinal }) => `follower-${ordinal}`, bring);
    },
    list: async () => {
      const { followers, groupMembers } = await findFleet(aws, projectId);
      return [...followers, ...groupMembers].map(describeInstance);
    },
    release: async (machines) => {
      if (machines.length === 0) return [];
      await startGeneration(aws, parts.network);
      const back = await gather(
        machines,
        ({ key }) => key,
        async ({ key }) => {
          await aws.ec2.terminateInstances([key]);
        },
      );
      return back.failures;
    },
  };
}

async function bringInstance(parts: Ec2ProviderParts, slot: FollowerSlot): Promise<Instance> {
  const { aws, projectId, network, subnets, shapeOf, signal } = parts;
  const shape = await shapeOf(slot);
  const instance = slot.instance ?? (await launchInstance(aws, { projectId, network, subnets, shape, signal }));
  return await ensureRunning(aws, instance, signal);
}

/** Starts it where it is stopped, and waits until it runs. @returns it with the addresses that it has now */
export async function ensureRunning(aws: Aws, instance: Instance, signal: AbortSignal): Promise<Instance> {
  const { id, state } = instance;
  if (state === 'stopping') await aws.ec2.awaitInstances([id], 'stopped', { maxSeconds: startSeconds, signal });
  if (state === 'stopping' || state === 'stopped') await aws.ec2.startInstances([id]);
  if (state !== 'running') await aws.ec2.awaitInstances([id], 'running', { maxSeconds: startSeconds, signal });
  else if (instance.publicAddress !== '') return instance;
  const now = (await aws.ec2.findInstances(instance.tags)).filter(isAlive).find((one) => one.id === id);
  return now ?? instance;
}

export function describeInstance({ id, hostname }: Instance): ProvidedMachine {
  return { key: id, hostname, nodeId: null };
}
