// EC2's machines: types, instances, volumes, the templates of groups.
import type { RunInstancesCommandInput, Instance as SdkInstance, Tag } from '@aws-sdk/client-ec2';
import { SparkPlugError } from '../../errors.ts';
import type { Sender } from './send.ts';

export type Tags = Readonly<Record<string, string>>;

export interface InstanceType {
  /** `m6i.large` */
  readonly type: string;
  readonly cores: number;
  readonly memoryMiB: number;
  /** As in OCI platforms. */
  readonly arch: 'amd64' | 'arm64';
}

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';

export interface Instance {
  readonly id: string;
  readonly type: string;
  readonly state: InstanceState;
  readonly tags: Tags;
  readonly spot: boolean;
  readonly imageId: string;
  readonly zone: string;
  readonly subnetId: string;
  /** Empty where it has none: stopped, or in a subnet without. */
  readonly publicAddress: string;
  readonly privateAddress: string;
  /** What it calls itself: the first label of its private name. */
  readonly hostname: string;
  readonly keyName: string;
  /** What AWS says of its end (`Server.SpotInstanceTermination: …`); empty while it lives. */
  readonly stateReason: string;
  readonly launchedAt: string;
}

/** What one instance, or each of a group, is to be. */
export interface InstanceShape {
  readonly type: string;
  readonly imageId: string;
  /** Device of the image's root volume: `/dev/xvda`. */
  readonly rootDevice: string;
  readonly diskGiB: number;
  readonly keyName: string | null;
  readonly securityGroupId: string;
  /** Null: no rights of its own. */
  readonly instanceProfile: string | null;
  /** cloud-init's text, not encoded. */
  readonly userData: string;
  readonly spot: boolean;
  readonly tags: Tags;
}

export interface InstanceOrder extends InstanceShape {
  readonly subnetId: string;
  /** The same token never makes a second instance. */
  readonly clientToken: string;
}

export interface Volume {
  readonly id: string;
  readonly state: string;
}

export interface InstanceCalls {
  /** @throws SparkPlugError AWS_TYPE_UNKNOWN */
  describeTypes(types: readonly string[]): Promise<readonly InstanceType[]>;
  /** Zones of the region that offer the type. */
  listZones(type: string): Promise<readonly string[]>;
  /** Also those that were terminated within the last hour, as long as AWS tells of them. */
  findInstances(tags: Tags): Promise<readonly Instance[]>;
  /** @throws SparkPlugError AWS_QUOTA, AWS_TYPE_UNAVAILABLE, AWS_IMAGE_MISSING, AWS_DENIED */
  runInstance(order: InstanceOrder): Promise<Instance>;
  startInstances(ids: readonly string[]): Promise<void>;
  stopInstances(ids: readonly string[]): Promise<void>;
  terminateInstances(ids: readonly string[]): Promise<void>;
  /** The SDK's own waiter. @throws SparkPlugError AWS_FAILED where they go elsewhere or take longer */
  awaitInstances(
    ids: readonly string[],
    state: 'running' | 'stopped' | 'terminated',
    waiting: { readonly maxSeconds: number; readonly signal: AbortSignal },
  ): Promise<void>;
  /** What it has written to its console, as far as AWS has it; empty at first. */
  consoleOutput(id: string): Promise<string>;
  findVolumes(tags: Tags): Promise<readonly Volume[]>;
  deleteVolume(id: string): Promise<void>;
  /** Last price of a spot instance in US dollars an hour; null where none is told. */
  spotPrice(type: string): Promise<number | null>;
  /** The id of the template of this name; null without one. */
  findTemplate(name: string): Promise<string | null>;
  createTemplate(name: string, shape: InstanceShape): Promise<string>;
  /** The newest version is what the next instance is made by. */
  changeTemplate(id: string, shape: InstanceShape): Promise<void>;
  deleteTemplate(name: string): Promise<void>;
}

/** Seconds between two looks of a waiter; tests that stand in for AWS ask for less. */
const defaultPollSeconds = 3;

export function createInstanceCalls({ ec2 }: Sender, pollSeconds = defaultPollSeconds): InstanceCalls {
  return {
    describeTypes: (types) =>
      ec2('ec2:DescribeInstanceTypes', async (client, sdk) => {
        const found: InstanceType[] = [];
        const input = { InstanceTypes: [...new Set(types)] as never[] };
        for await (const page of sdk.paginateDescribeInstanceTypes({ client }, input)) {
          for (const { InstanceType: type, VCpuInfo, MemoryInfo, ProcessorInfo } of page.InstanceTypes ?? []) {
            found.push({
              type: type ?? '',
              cores: VCpuInfo?.DefaultVCpus ?? 0,
              memoryMiB: MemoryInfo?.SizeInMiB ?? 0,
              arch: ProcessorInfo?.SupportedArchitectures?.includes('arm64') === true ? 'arm64' : 'amd64',
            });
          }
        }
        return found;
      }),
    listZones: (type) =>
      ec2('ec2:DescribeInstanceTypeOfferings', async (client, sdk) => {
        const zones: string[] = [];
        const input = {
          LocationType: 'availability-zone' as const,
          Filters: [{ Name: 'instance-type', Values: [type] }],
        };
        for await (const page of sdk.paginateDescribeInstanceTypeOfferings({ client }, input)) {
          for (const { Location } of page.InstanceTypeOfferings ?? []) if (Location !== undefined) zones.push(Location);
        }
        return zones;
      }),
    findInstances: (tags) =>
      ec2('ec2:DescribeInstances', async (client, sdk) => {
        const found: Instance[] = [];
        for await (const page of sdk.paginateDescribeInstances({ client }, { Filters: tagFilters(tags) })) {
          for (const reservation of page.Reservations ?? []) {
            for (const instance of reservation.Instances ?? []) found.push(readInstance(instance));
          }
        }
        return found;
      }),
    runInstance: (order) =>
      ec2('ec2:RunInstances', async (client, sdk) => {
        const { Instances: [instance] = [] } = await client.send(new sdk.RunInstancesCommand(renderRun(order)));
        if (instance === undefined) throw new Error('RunInstances answered without an instance');
        return readInstance(instance);
      }),
    startInstances: (ids) =>
      ec2('ec2:StartInstances', async (client, sdk) => {
        await client.send(new sdk.StartInstancesCommand({ InstanceIds: [...ids] }));
      }),
    stopInstances: (ids) =>
      ec2('ec2:StopInstances', async (client, sdk) => {
        await client.send(new sdk.StopInstancesCommand({ InstanceIds: [...ids] }));
      }),
    terminateInstances: (ids) =>
      ec2('ec2:TerminateInstances', async (client, sdk) => {
        await client.send(new sdk.TerminateInstancesCommand({ InstanceIds: [...ids] }));
      }),
    awaitInstances: (ids, state, { maxSeconds, signal }) =>
      ec2('ec2:DescribeInstances', async (client, sdk) => {
        const waiters = {
          running: sdk.waitUntilInstanceRunning,
          stopped: sdk.waitUntilInstanceStopped,
          terminated: sdk.waitUntilInstanceTerminated,
        };
        const pace = { minDelay: pollSeconds, maxDelay: pollSeconds };
        const waiting = { client, maxWaitTime: maxSeconds, abortSignal: signal, ...pace };
        try {
          await waiters[state](waiting, { InstanceIds: [...ids] });
        } catch (error) {
          signal.throwIfAborted();
          throw explainWaiting(error, { ids, state, maxSeconds });
        }
      }),
    consoleOutput: (id) =>
      ec2('ec2:GetConsoleOutput', async (client, sdk) => {
        // Its console as it is now; machines before Nitro only know what they wrote a while after their start.
        const ask = async (Latest: boolean) =>
          await client.send(new sdk.GetConsoleOutputCommand({ InstanceId: id, Latest }));
        const { Output = '' } = await ask(true).catch(async (error: Error) => {
          if (error.name === 'UnsupportedOperation') return await ask(false);
          throw error;
        });
        return Buffer.from(Output, 'base64').toString('utf8');
      }),
    findVolumes: (tags) =>
      ec2('ec2:DescribeVolumes', async (client, sdk) => {
        const found: Volume[] = [];
        for await (const page of sdk.paginateDescribeVolumes({ client }, { Filters: tagFilters(tags) })) {
          for (const { VolumeId = '', State = '' } of page.Volumes ?? []) found.push({ id: VolumeId, state: State });
        }
        return found;
      }),
    deleteVolume: (id) =>
      ec2('ec2:DeleteVolume', async (client, sdk) => {
        await client.send(new sdk.DeleteVolumeCommand({ VolumeId: id }));
      }),
    spotPrice: (type) =>
      ec2('ec2:DescribeSpotPriceHistory', async (client, sdk) => {
        const { SpotPriceHistory = [] } = await client.send(
          new sdk.DescribeSpotPriceHistoryCommand({
            InstanceTypes: [type as never],
            ProductDescriptions: ['Linux/UNIX'],
            StartTime: new Date(),
          }),
        );
        const prices = SpotPriceHistory.map(({ SpotPrice }) => Number(SpotPrice)).filter((price) => price > 0);
        return prices.length === 0 ? null : Math.min(...prices);
      }),
    findTemplate: (name) =>
      ec2('ec2:DescribeLaunchTemplates', async (client, sdk) => {
        const filter = { Filters: [{ Name: 'launch-template-name', Values: [name] }] };
        const { LaunchTemplates = [] } = await client.send(new sdk.DescribeLaunchTemplatesCommand(filter));
        return LaunchTemplates[0]?.LaunchTemplateId ?? null;
      }),
    createTemplate: (name, shape) =>
      ec2('ec2:CreateLaunchTemplate', async (client, sdk) => {
        const { LaunchTemplate } = await client.send(
          new sdk.CreateLaunchTemplateCommand({
            LaunchTemplateName: name,
            LaunchTemplateData: renderTemplate(shape),
            TagSpecifications: [{ ResourceType: 'launch-template', Tags: renderTags(shape.tags) }],
          }),
        );
        return LaunchTemplate?.LaunchTemplateId ?? '';
      }),
    changeTemplate: (id, shape) =>
      ec2('ec2:CreateLaunchTemplateVersion', async (client, sdk) => {
        await client.send(
          new sdk.CreateLaunchTemplateVersionCommand({
            LaunchTemplateId: id,
            LaunchTemplateData: renderTemplate(shape),
          }),
        );
      }),
    deleteTemplate: (name) =>
      ec2('ec2:DeleteLaunchTemplate', async (client, sdk) => {
        await client.send(new sdk.DeleteLaunchTemplateCommand({ LaunchTemplateName: name }));
      }),
  };
}

/** The SDK's waiters throw what they have seen last as JSON, and name a failure and the end of their patience so. */
function explainWaiting(
  error: unknown,
  { ids, state, maxSeconds }: { readonly ids: readonly string[]; readonly state: string; readonly maxSeconds: number },
): unknown {
  if (!(error instanceof Error) || !/"(?:state|result)":"?(?:TIMEOUT|FAILURE)/.test(error.message)) return error;
  const isLate = error.message.includes('TIMEOUT');
  return new SparkPlugError('AWS_FAILED', `${ids.join(', ')} did not become ${state}`, {
    place: ids.join(', '),
    met: isLate ? `not within ${maxSeconds} s` : 'it ended instead',
    hint: 'aws ec2 describe-instances --instance-ids … --query "Reservations[].Instances[].StateReason" says why; the same command again tries anew',
  });
}

/** Filters of the EC2 API for things that have all these tags. */
export function tagFilters(tags: Tags) {
  return Object.entries(tags).map(([name, value]) => ({ Name: `tag:${name}`, Values: [value] }));
}

export function renderTags(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function readTags(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

function renderRun(order: InstanceOrder): RunInstancesCommandInput {
  const { tags, spot, securityGroupId, subnetId, clientToken } = order;
  const tagged = (['instance', 'volume', 'network-interface'] as const).map((ResourceType) => ({
    ResourceType,
    Tags: renderTags(tags),
  }));
  return {
    ...renderCommon(order),
    MinCount: 1,
    MaxCount: 1,
    ClientToken: clientToken,
    NetworkInterfaces: [
      { DeviceIndex: 0, SubnetId: subnetId, Groups: [securityGroupId], AssociatePublicIpAddress: true },
    ],
    TagSpecifications: [
      ...tagged,
      ...(spot ? [{ ResourceType: 'spot-instances-request' as const, Tags: renderTags(tags) }] : []),
    ],
  };
}

function renderTemplate(shape: InstanceShape) {
  const tagged = (['instance', 'volume', 'network-interface'] as const).map((ResourceType) => ({
    ResourceType,
    Tags: renderTags(shape.tags),
  }));
  // A group sets the market of its instances by the template as well, and wants no shutdown behaviour beside it.
  const { InstanceInitiatedShutdownBehavior: _, InstanceMarketOptions: __, ...common } = renderCommon(shape);
  return {
    ...common,
    ...(shape.spot ? { InstanceMarketOptions: { MarketType: 'spot' as const } } : {}),
    NetworkInterfaces: [{ DeviceIndex: 0, Groups: [shape.securityGroupId], AssociatePublicIpAddress: true }],
    TagSpecifications: tagged,
  };
}

/** IMDSv2 only and one hop, so that no container reads the machine's rights; the disk is encrypted. */
function renderCommon(shape: InstanceShape) {
  const { type, imageId, rootDevice, diskGiB, keyName, instanceProfile, userData, spot } = shape;
  return {
    ImageId: imageId,
    InstanceType: type as never,
    ...(keyName === null ? {} : { KeyName: keyName }),
    ...(instanceProfile === null ? {} : { IamInstanceProfile: { Name: instanceProfile } }),
    UserData: Buffer.from(userData).toString('base64'),
    MetadataOptions: {
      HttpTokens: 'required' as const,
      HttpPutResponseHopLimit: 1,
      HttpEndpoint: 'enabled' as const,
    },
    BlockDeviceMappings: [
      {
        DeviceName: rootDevice,
        Ebs: { VolumeSize: diskGiB, VolumeType: 'gp3' as const, Encrypted: true, DeleteOnTermination: true },
      },
    ],
    // What shuts a spot instance down from inside must not leave it stopped and paid for.
    InstanceInitiatedShutdownBehavior: spot ? ('terminate' as const) : ('stop' as const),
    ...(spot
      ? {
          InstanceMarketOptions: {
            MarketType: 'spot' as const,
            SpotOptions: {
              SpotInstanceType: 'one-time' as const,
              InstanceInterruptionBehavior: 'terminate' as const,
            },
          },
        }
      : {}),
  };
}

function readInstance(instance: SdkInstance): Instance {
  const { State, StateReason, Placement, PrivateDnsName = '', LaunchTime } = instance;
  return {
    id: instance.InstanceId ?? '',
    type: instance.InstanceType ?? '',
    state: (State?.Name ?? 'pending') as InstanceState,
    tags: readTags(instance.Tags),
    spot: instance.InstanceLifecycle === 'spot',
    imageId: instance.ImageId ?? '',
    zone: Placement?.AvailabilityZone ?? '',
    subnetId: instance.SubnetId ?? '',
    publicAddress: instance.PublicIpAddress ?? '',
    privateAddress: instance.PrivateIpAddress ?? '',
    hostname: PrivateDnsName.split('.')[0] ?? '',
    keyName: instance.KeyName ?? '',
    stateReason: StateReason?.Message ?? '',
    launchedAt: LaunchTime?.toISOString() ?? '',
  };
}
