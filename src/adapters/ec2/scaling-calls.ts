// Auto Scaling groups, quotas and list prices.
import { SparkPlugError } from '../../errors.ts';
import type { Tags } from './instance-calls.ts';
import type { Sender } from './send.ts';

export interface ScalingGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly instanceIds: readonly string[];
  readonly tags: Tags;
}

export interface ScalingCalls {
  findGroups(tags: Tags): Promise<readonly ScalingGroup[]>;
  createGroup(group: {
    readonly name: string;
    readonly min: number;
    readonly max: number;
    readonly templateId: string;
    readonly subnetIds: readonly string[];
    /** Put on the group and on each of its instances. */
    readonly tags: Tags;
  }): Promise<void>;
  resizeGroup(
    name: string,
    size: { readonly min: number; readonly max: number; readonly desired: number },
  ): Promise<void>;
  /** Ends an instance of a group, which then has one less. */
  endInstance(id: string): Promise<void>;
  setTags(group: string, tags: Tags): Promise<void>;
  /** With the instances that it still has. */
  deleteGroup(name: string): Promise<void>;
}

export interface PriceCalls {
  /** List price of Linux on demand in US dollars an hour; null where the service does not tell. */
  hourly(type: string, region: string): Promise<number | null>;
  /** Virtual cores that the account may use at once; null where the service does not tell. */
  coreQuota(code: string): Promise<number | null>;
}

export function createScalingCalls({ scaling }: Sender): ScalingCalls {
  return {
    findGroups: (tags) =>
      scaling('autoscaling:DescribeAutoScalingGroups', async (client, sdk) => {
        const Filters = Object.entries(tags).map(([name, value]) => ({ Name: `tag:${name}`, Values: [value] }));
        const found: ScalingGroup[] = [];
        for await (const page of sdk.paginateDescribeAutoScalingGroups({ client }, { Filters })) {
          for (const group of page.AutoScalingGroups ?? []) {
            found.push({
              name: group.AutoScalingGroupName ?? '',
              min: group.MinSize ?? 0,
              max: group.MaxSize ?? 0,
              desired: group.DesiredCapacity ?? 0,
              instanceIds: (group.Instances ?? []).map(({ InstanceId = '' }) => InstanceId),
              tags: Object.fromEntries((group.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
            });
          }
        }
        return found;
      }),
    createGroup: ({ name, min, max, templateId, subnetIds, tags }) =>
      scaling('autoscaling:CreateAutoScalingGroup', async (client, sdk) => {
        await client.send(
          new sdk.CreateAutoScalingGroupCommand({
            AutoScalingGroupName: name,
            MinSize: min,
            MaxSize: max,
            DesiredCapacity: min,
            LaunchTemplate: { LaunchTemplateId: templateId, Version: '$Latest' },
            VPCZoneIdentifier: subnetIds.join(','),
            Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value, PropagateAtLaunch: true })),
          }),
        );
      }),
    resizeGroup: (name, { min, max, desired }) =>
      scaling('autoscaling:UpdateAutoScalingGroup', async (client, sdk) => {
        await client.send(
          new sdk.UpdateAutoScalingGroupCommand({
            AutoScalingGroupName: name,
            MinSize: min,
            MaxSize: max,
            DesiredCapacity: desired,
          }),
        );
      }),
    endInstance: (id) =>
      scaling('autoscaling:TerminateInstanceInAutoScalingGroup', async (client, sdk) => {
        const input = { InstanceId: id, ShouldDecrementDesiredCapacity: true };
        await client.send(new sdk.TerminateInstanceInAutoScalingGroupCommand(input));
      }),
    setTags: (group, tags) =>
      scaling('autoscaling:CreateOrUpdateTags', async (client, sdk) => {
        const Tags = Object.entries(tags).map(([Key, Value]) => ({
          ResourceId: group,
          ResourceType: 'auto-scaling-group',
          Key,
          Value,
          PropagateAtLaunch: true,
        }));
        await client.send(new sdk.CreateOrUpdateTagsCommand({ Tags }));
      }),
    deleteGroup: (name) =>
      scaling('autoscaling:DeleteAutoScalingGroup', async (client, sdk) => {
        const input = { AutoScalingGroupName: name, ForceDelete: true };
        await client.send(new sdk.DeleteAutoScalingGroupCommand(input));
      }),
  };
}

export function createPriceCalls({ pricing, quotas }: Sender): PriceCalls {
  return {
    hourly: (type, region) =>
      nullIfUntold(
        pricing('pricing:GetProducts', async (client, sdk) => {
          const match = (Field: string, Value: string) => ({ Type: 'TERM_MATCH' as const, Field, Value });
          const { PriceList = [] } = await client.send(
            new sdk.GetProductsCommand({
              ServiceCode: 'AmazonEC2',
              Filters: [
                match('instanceType', type),
                match('regionCode', region),
                match('operatingSystem', 'Linux'),
                match('tenancy', 'Shared'),
                match('preInstalledSw', 'NA'),
                match('capacitystatus', 'Used'),
              ],
            }),
          );
          return readHourlyPrice(PriceList.map(String));
        }),
      ),
    coreQuota: (code) =>
      nullIfUntold(
        quotas('servicequotas:GetServiceQuota', async (client, sdk) => {
          const input = { ServiceCode: 'ec2', QuotaCode: code };
          const { Quota } = await client.send(new sdk.GetServiceQuotaCommand(input));
          return Quota?.Value ?? null;
        }),
      ),
  };
}

interface PriceDocument {
  readonly terms?: {
    readonly OnDemand?: Readonly<
      Record<string, { readonly priceDimensions?: Readonly<Record<string, PriceDimension>> }>
    >;
  };
}

interface PriceDimension {
  readonly unit?: string;
  readonly pricePerUnit?: { readonly USD?: string };
}

/** The lowest price above 0 of the documents that the price service gives, US dollars an hour. */
export function readHourlyPrice(documents: readonly string[]): number | null {
  const prices = documents
    .map((text) => JSON.parse(text) as PriceDocument)
    .flatMap(({ terms }) => Object.values(terms?.OnDemand ?? {}))
    .flatMap(({ priceDimensions }) => Object.values(priceDimensions ?? {}))
    .filter(({ unit }) => unit === 'Hrs')
    .map(({ pricePerUnit }) => Number(pricePerUnit?.USD))
    .filter((price) => price > 0);
  return prices.length === 0 ? null : Math.min(...prices);
}

/** Prices and quotas are good to know and stop nothing, whatever their service says. */
async function nullIfUntold<T>(asked: Promise<T | null>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof SparkPlugError) return null;
    throw error;
  }
}
