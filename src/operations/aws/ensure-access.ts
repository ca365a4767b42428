// The rights of the machines themselves: followers read their join order, and nothing else in the account.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import { awsCodeOf } from '../../adapters/ec2/map-aws-failure.ts';
import type { AwsPlace } from './open-aws.ts';
import { joinPath, resourceName, tagsOf } from './tags.ts';

const policyName = 'read-join-order';

/** The policy of a follower's role. SecureStrings under AWS's own key need no right of their own to be decrypted. */
export function followerPolicy(projectId: string, { account, region, partition }: AwsPlace): object {
  const path = `arn:${partition}:ssm:${region}:${account}:parameter${joinPath(projectId)}`;
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'ssm:GetParametersByPath', Resource: [path, `${path}/*`] }],
  };
}

/** Makes what is missing of role and profile. @returns the profile's name */
export async function ensureProfile(aws: Pick<Aws, 'iam'>, projectId: string, place: AwsPlace): Promise<string> {
  const { iam } = aws;
  const name = resourceName(projectId);
  const tags = tagsOf(projectId, 'access');
  const service = place.partition === 'aws-cn' ? 'ec2.amazonaws.com.cn' : 'ec2.amazonaws.com';
  if (!(await iam.hasRole(name))) await iam.createRole(name, service, tags);
  const policies = await iam.listPolicies(name);
  if (!policies.includes(policyName)) await iam.putPolicy(name, policyName, followerPolicy(projectId, place));
  const roles = await iam.findProfile(name);
  if (roles === null) await iam.createProfile(name, tags);
  if (roles?.includes(name) !== true) await iam.addRole(name, name);
  return name;
}

/** Removes what is there of them. */
export async function removeProfile(aws: Pick<Aws, 'iam'>, projectId: string): Promise<void> {
  const { iam } = aws;
  const name = resourceName(projectId);
  const roles = await iam.findProfile(name);
  for (const role of roles ?? []) await iam.removeRole(name, role);
  if (roles !== null) await unlessGone(iam.deleteProfile(name));
  if (!(await iam.hasRole(name))) return;
  for (const policy of await iam.listPolicies(name)) await iam.deletePolicy(name, policy);
  await unlessGone(iam.deleteRole(name));
}

/** An answer that was lost: it is removed already. */
async function unlessGone(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!/^NoSuchEntity/.test(awsCodeOf(error) ?? '')) throw error;
  }
}
