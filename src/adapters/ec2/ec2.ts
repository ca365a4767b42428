// AWS as the rest of SparkPlug sees it: small typed calls through the SDK, with its credentials, its retries, our errors.
import { SparkPlugError } from '../../errors.ts';
import { createIamCalls, createSsmCalls, type IamCalls, type SsmCalls } from './access-calls.ts';
import { createImageCalls, type ImageCalls } from './image-calls.ts';
import { createInstanceCalls, type InstanceCalls } from './instance-calls.ts';
import { createNetworkCalls, type NetworkCalls } from './network-calls.ts';
import { createPriceCalls, createScalingCalls, type PriceCalls, type ScalingCalls } from './scaling-calls.ts';
import { type AwsAccess, createSender } from './send.ts';

export interface Ec2Calls extends InstanceCalls, NetworkCalls {}

export interface Aws {
  readonly ec2: Ec2Calls;
  readonly images: ImageCalls;
  readonly ssm: SsmCalls;
  readonly iam: IamCalls;
  readonly scaling: ScalingCalls;
  readonly prices: PriceCalls;
  /** @throws SparkPlugError AWS_NO_CREDENTIALS */
  readonly identity: () => Promise<{ readonly account: string; readonly arn: string }>;
  /** @throws SparkPlugError AWS_NO_REGION */
  readonly region: () => Promise<string>;
}

export interface AwsOptions {
  /** Seconds between two looks at instances that change; the default suits AWS. */
  readonly pollSeconds?: number;
}

/** Nothing is read and nobody is asked before the first call. */
export function createAws(access: AwsAccess, { pollSeconds }: AwsOptions = {}): Aws {
  const sender = createSender(access);
  return {
    ec2: { ...createInstanceCalls(sender, pollSeconds), ...createNetworkCalls(sender) },
    images: createImageCalls(sender, pollSeconds),
    ssm: createSsmCalls(sender),
    iam: createIamCalls(sender),
    scaling: createScalingCalls(sender),
    prices: createPriceCalls(sender),
    identity: () =>
      sender.sts('sts:GetCallerIdentity', async (client, sdk) => {
        const { Account = '', Arn = '' } = await client.send(new sdk.GetCallerIdentityCommand({}));
        return { account: Account, arn: Arn };
      }),
    region: () =>
      sender.ec2('ec2:DescribeRegions', async (client) => refuseStrangeRegion(await client.config.region())),
  };
}

function refuseStrangeRegion(region: string): string {
  if (/^[a-z]{2}(-[a-z]+)+-\d+$/.test(region)) return region;
  throw new SparkPlugError('AWS_NO_REGION', 'this is no region of AWS', {
    place: '--region',
    met: region,
    hint: 'for example --region eu-central-1; `aws ec2 describe-regions` lists them',
  });
}
