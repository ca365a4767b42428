// EC2's machine images and the snapshots that they are.
import type { Image } from '@aws-sdk/client-ec2';
import { readTags, renderTags, type Tags, tagFilters } from './instance-calls.ts';
import type { Sender } from './send.ts';

export interface Ami {
  readonly id: string;
  readonly name: string;
  /** `pending`, `available`, `failed`, … */
  readonly state: string;
  readonly arch: 'amd64' | 'arm64';
  readonly createdAt: string;
  /** `/dev/xvda` */
  readonly rootDevice: string;
  /** Of all its disks; a machine's own is at least so large. */
  readonly sizeGiB: number;
  /** None while it is pending. */
  readonly snapshotIds: readonly string[];
  readonly tags: Tags;
}

export interface Snapshot {
  readonly id: string;
  readonly state: string;
}

export interface ImageCalls {
  /**
   * Newest first.
   * @param owner account number or `self`
   * @param namePattern with `*` for anything
   */
  findImages(owner: string, namePattern: string): Promise<readonly Ami[]>;
  /** Of a stopped instance; resolves with the new image's id before it can be used. */
  createImage(image: {
    readonly instanceId: string;
    readonly name: string;
    readonly description: string;
    readonly tags: Tags;
  }): Promise<string>;
  /** Into the region of these calls, encrypted by the account's own key there; resolves with its id at once. */
  copyImage(image: {
    readonly sourceId: string;
    readonly sourceRegion: string;
    readonly name: string;
    readonly description: string;
    readonly tags: Tags;
  }): Promise<string>;
  /** @throws SparkPlugError AWS_FAILED where it fails or takes longer */
  awaitImage(id: string, waiting: { readonly maxSeconds: number; readonly signal: AbortSignal }): Promise<void>;
  /** Its snapshots stay. */
  deregisterImage(id: string): Promise<void>;
  findSnapshots(tags: Tags): Promise<readonly Snapshot[]>;
  deleteSnapshot(id: string): Promise<void>;
  /** Images that launch templates of this account name in their newest or default version. */
  listTemplateImages(): Promise<readonly string[]>;
  /** What shuts itself down from inside ends for good instead of being kept stopped. */
  endWhenShutDown(instanceId: string): Promise<void>;
}

/** Seconds between two looks of a waiter. */
const defaultPollSeconds = 10;

export function createImageCalls({ ec2 }: Sender, pollSeconds = defaultPollSeconds): ImageCalls {
  return {
    findImages: (owner, namePattern) =>
      ec2('ec2:DescribeImages', async (client, sdk) => {
        const found: Ami[] = [];
        const input = { Owners: [owner], Filters: [{ Name: 'name', Values: [namePattern] }] };
        for await (const page of sdk.paginateDescribeImages({ client }, input)) {
          for (const image of page.Images ?? []) found.push(readImage(image));
        }
        return found.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
      }),
    createImage: ({ instanceId, name, description, tags }) =>
      ec2('ec2:CreateImage', async (client, sdk) => {
        const { ImageId = '' } = await client.send(
          new sdk.CreateImageCommand({
            InstanceId: instanceId,
            Name: name,
            Description: description,
            TagSpecifications: [{ ResourceType: 'image', Tags: renderTags(tags) }],
          }),
        );
        return ImageId;
      }),
    copyImage: ({ sourceId, sourceRegion, name, description, tags }) =>
      ec2('ec2:CopyImage', async (client, sdk) => {
        const { ImageId = '' } = await client.send(
          new sdk.CopyImageCommand({
            SourceImageId: sourceId,
            SourceRegion: sourceRegion,
            Name: name,
            Description: description,
            Encrypted: true,
            TagSpecifications: [{ ResourceType: 'image', Tags: renderTags(tags) }],
          }),
        );
        return ImageId;
      }),
    awaitImage: (id, { maxSeconds, signal }) =>
      ec2('ec2:DescribeImages', async (client, sdk) => {
        await sdk.waitUntilImageAvailable(
          { client, maxWaitTime: maxSeconds, abortSignal: signal, minDelay: pollSeconds, maxDelay: pollSeconds },
          { ImageIds: [id] },
        );
      }),
    deregisterImage: (id) =>
      ec2('ec2:DeregisterImage', async (client, sdk) => {
        await client.send(new sdk.DeregisterImageCommand({ ImageId: id }));
      }),
    findSnapshots: (tags) =>
      ec2('ec2:DescribeSnapshots', async (client, sdk) => {
        const found: Snapshot[] = [];
        const input = { OwnerIds: ['self'], Filters: tagFilters(tags) };
        for await (const page of sdk.paginateDescribeSnapshots({ client }, input)) {
          for (const { SnapshotId = '', State = '' } of page.Snapshots ?? [])
            found.push({ id: SnapshotId, state: State });
        }
        return found;
      }),
    deleteSnapshot: (id) =>
      ec2('ec2:DeleteSnapshot', async (client, sdk) => {
        await client.send(new sdk.DeleteSnapshotCommand({ SnapshotId: id }));
      }),
    listTemplateImages: () =>
      ec2('ec2:DescribeLaunchTemplateVersions', async (client, sdk) => {
        const images = new Set<string>();
        for await (const page of sdk.paginateDescribeLaunchTemplates({ client }, {})) {
          for (const { LaunchTemplateId } of page.LaunchTemplates ?? []) {
            if (LaunchTemplateId === undefined) continue;
            const { LaunchTemplateVersions = [] } = await client.send(
              new sdk.DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: ['$Latest', '$Default'] }),
            );
            for (const { LaunchTemplateData } of LaunchTemplateVersions) {
              if (LaunchTemplateData?.ImageId !== undefined) images.add(LaunchTemplateData.ImageId);
            }
          }
        }
        return [...images];
      }),
    endWhenShutDown: (instanceId) =>
      ec2('ec2:ModifyInstanceAttribute', async (client, sdk) => {
        const input = { InstanceId: instanceId, InstanceInitiatedShutdownBehavior: { Value: 'terminate' } };
        await client.send(new sdk.ModifyInstanceAttributeCommand(input));
      }),
  };
}

function readImage(image: Image): Ami {
  const disks = (image.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => (Ebs === undefined ? [] : [Ebs]));
  return {
    id: image.ImageId ?? '',
    name: image.Name ?? '',
    state: image.State ?? 'pending',
    arch: image.Architecture === 'arm64' ? 'arm64' : 'amd64',
    createdAt: image.CreationDate ?? '',
    rootDevice: image.RootDeviceName ?? '/dev/xvda',
    sizeGiB: disks.reduce((sum, { VolumeSize = 0 }) => sum + VolumeSize, 0),
    snapshotIds: disks.flatMap(({ SnapshotId }) => (SnapshotId === undefined ? [] : [SnapshotId])),
    tags: readTags(image.Tags),
  };
}
