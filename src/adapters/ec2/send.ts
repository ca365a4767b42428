// The SDK's clients, made when they are first asked: loading one takes longer than most verbs.
import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { PricingClient } from '@aws-sdk/client-pricing';
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { STSClient } from '@aws-sdk/client-sts';
import { mapAwsFailure } from './map-aws-failure.ts';

/** Whose account and where; null: what the SDK itself finds in environment and files. */
export interface AwsAccess {
  readonly region: string | null;
  readonly profile: string | null;
}

/**
 * Runs calls of one service; whatever fails is a SparkPlugError.
 * @param action as a policy names it (`ec2:RunInstances`), for who may not do it
 */
export type Send<Client, Sdk> = <T>(action: string, work: (client: Client, sdk: Sdk) => Promise<T>) => Promise<T>;

export interface Sender {
  readonly ec2: Send<EC2Client, typeof import('@aws-sdk/client-ec2')>;
  readonly ssm: Send<SSMClient, typeof import('@aws-sdk/client-ssm')>;
  readonly iam: Send<IAMClient, typeof import('@aws-sdk/client-iam')>;
  readonly scaling: Send<AutoScalingClient, typeof import('@aws-sdk/client-auto-scaling')>;
  readonly pricing: Send<PricingClient, typeof import('@aws-sdk/client-pricing')>;
  readonly quotas: Send<ServiceQuotasClient, typeof import('@aws-sdk/client-service-quotas')>;
  readonly sts: Send<STSClient, typeof import('@aws-sdk/client-sts')>;
}

/** Prices are told in few regions, for all. */
const pricingRegion = 'us-east-1';

/** Nothing is read before the first call. */
export function createSender({ region, profile }: AwsAccess): Sender {
  const config = { ...(region === null ? {} : { region }), ...(profile === null ? {} : { profile }) };
  return {
    ec2: createSend(async () => {
      const sdk = await import('@aws-sdk/client-ec2');
      return [new sdk.EC2Client(config), sdk];
    }),
    ssm: createSend(async () => {
      const sdk = await import('@aws-sdk/client-ssm');
      return [new sdk.SSMClient(config), sdk];
    }),
    iam: createSend(async () => {
      const sdk = await import('@aws-sdk/client-iam');
      return [new sdk.IAMClient(config), sdk];
    }),
    scaling: createSend(async () => {
      const sdk = await import('@aws-sdk/client-auto-scaling');
      return [new sdk.AutoScalingClient(config), sdk];
    }),
    pricing: createSend(async () => {
      const sdk = await import('@aws-sdk/client-pricing');
      return [new sdk.PricingClient({ ...config, region: pricingRegion }), sdk];
    }),
    quotas: createSend(async () => {
      const sdk = await import('@aws-sdk/client-service-quotas');
      return [new sdk.ServiceQuotasClient(config), sdk];
    }),
    sts: createSend(async () => {
      const sdk = await import('@aws-sdk/client-sts');
      return [new sdk.STSClient(config), sdk];
    }),
  };
}

function createSend<Client, Sdk>(load: () => Promise<readonly [Client, Sdk]>): Send<Client, Sdk> {
  let loaded: Promise<readonly [Client, Sdk]> | null = null;
  return async (action, work) => {
    loaded ??= load();
    try {
      const [client, sdk] = await loaded;
      return await work(client, sdk);
    } catch (error) {
      throw mapAwsFailure(action, error);
    }
  };
}
