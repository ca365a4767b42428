// Who may do what, and what is kept secret: IAM's roles, SSM's parameters.

import type { Tags } from './instance-calls.ts';
import { awsCodeOf } from './map-aws-failure.ts';
import type { Sender } from './send.ts';

/** One role with one profile of the same name, which an instance carries. */
export interface IamCalls {
  hasRole(name: string): Promise<boolean>;
  /** @param service that may take the role: `ec2.amazonaws.com` */
  createRole(name: string, service: string, tags: Tags): Promise<void>;
  putPolicy(role: string, name: string, policy: object): Promise<void>;
  /** Names of the policies that stand in the role itself. */
  listPolicies(role: string): Promise<readonly string[]>;
  deletePolicy(role: string, name: string): Promise<void>;
  deleteRole(name: string): Promise<void>;
  /** Roles of the profile; null where there is no such profile. */
  findProfile(name: string): Promise<readonly string[] | null>;
  createProfile(name: string, tags: Tags): Promise<void>;
  addRole(profile: string, role: string): Promise<void>;
  removeRole(profile: string, role: string): Promise<void>;
  deleteProfile(name: string): Promise<void>;
}

export interface SsmCalls {
  /** Encrypted by the account's own key; what is there is replaced. At most 4 KiB. */
  putSecret(name: string, value: string): Promise<void>;
  /** Names and contents of all parameters below a path, in the order of names. */
  readSecrets(path: string): Promise<readonly { readonly name: string; readonly value: string }[]>;
  /** Those that are not there are no error. */
  deleteParameters(names: readonly string[]): Promise<void>;
}

/** SSM's own limit for one call. */
const deletesAtOnce = 10;

export function createIamCalls({ iam }: Sender): IamCalls {
  return {
    hasRole: async (name) =>
      (await unlessMissing(
        iam('iam:GetRole', async (client, sdk) => {
          await client.send(new sdk.GetRoleCommand({ RoleName: name }));
          return true;
        }),
      )) ?? false,
    createRole: (name, service, tags) =>
      iam('iam:CreateRole', async (client, sdk) => {
        const statement = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
        const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
        await client.send(
          new sdk.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: policy, Tags: renderIamTags(tags) }),
        );
      }),
    putPolicy: (role, name, policy) =>
      iam('iam:PutRolePolicy', async (client, sdk) => {
        const input = { RoleName: role, PolicyName: name, PolicyDocument: JSON.stringify(policy) };
        await client.send(new sdk.PutRolePolicyCommand(input));
      }),
    listPolicies: async (role) =>
      (await unlessMissing(
        iam('iam:ListRolePolicies', async (client, sdk) => {
          const { PolicyNames = [] } = await client.send(new sdk.ListRolePoliciesCommand({ RoleName: role }));
          return PolicyNames;
        }),
      )) ?? [],
    deletePolicy: (role, name) =>
      iam('iam:DeleteRolePolicy', async (client, sdk) => {
        await client.send(new sdk.DeleteRolePolicyCommand({ RoleName: role, PolicyName: name }));
      }),
    deleteRole: (name) =>
      iam('iam:DeleteRole', async (client, sdk) => {
        await client.send(new sdk.DeleteRoleCommand({ RoleName: name }));
      }),
    findProfile: async (name) =>
      await unlessMissing(
        iam('iam:GetInstanceProfile', async (client, sdk) => {
          const input = { InstanceProfileName: name };
          const { InstanceProfile } = await client.send(new sdk.GetInstanceProfileCommand(input));
          return (InstanceProfile?.Roles ?? []).map(({ RoleName = '' }) => RoleName);
        }),
      ),
    createProfile: (name, tags) =>
      iam('iam:CreateInstanceProfile', async (client, sdk) => {
        const input = { InstanceProfileName: name, Tags: renderIamTags(tags) };
        await client.send(new sdk.CreateInstanceProfileCommand(input));
      }),
    addRole: (profile, role) =>
      iam('iam:AddRoleToInstanceProfile', async (client, sdk) => {
        const input = { InstanceProfileName: profile, RoleName: role };
        await client.send(new sdk.AddRoleToInstanceProfileCommand(input));
      }),
    removeRole: (profile, role) =>
      iam('iam:RemoveRoleFromInstanceProfile', async (client, sdk) => {
        const input = { InstanceProfileName: profile, RoleName: role };
        await client.send(new sdk.RemoveRoleFromInstanceProfileCommand(input));
      }),
    deleteProfile: (name) =>
      iam('iam:DeleteInstanceProfile', async (client, sdk) => {
        await client.send(new sdk.DeleteInstanceProfileCommand({ InstanceProfileName: name }));
      }),
  };
}

export function createSsmCalls({ ssm }: Sender): SsmCalls {
  return {
    putSecret: (name, value) =>
      ssm('ssm:PutParameter', async (client, sdk) => {
        const input = { Name: name, Value: value, Type: 'SecureString' as const, Overwrite: true };
        await client.send(new sdk.PutParameterCommand(input));
      }),
    readSecrets: (path) =>
      ssm('ssm:GetParametersByPath', async (client, sdk) => {
        const found: { name: string; value: string }[] = [];
        const input = { Path: path, Recursive: true, WithDecryption: true };
        for await (const page of sdk.paginateGetParametersByPath({ client }, input)) {
          for (const { Name = '', Value = '' } of page.Parameters ?? []) found.push({ name: Name, value: Value });
        }
        return found.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
      }),
    deleteParameters: (names) =>
      ssm('ssm:DeleteParameters', async (client, sdk) => {
        for (let at = 0; at < names.length; at += deletesAtOnce) {
          await client.send(new sdk.DeleteParametersCommand({ Names: names.slice(at, at + deletesAtOnce) }));
        }
      }),
  };
}

/** What IAM does not know is null; it has no call that asks without an error. */
async function unlessMissing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    const code = awsCodeOf(error);
    if (code === 'NoSuchEntity' || code === 'NoSuchEntityException') return null;
    throw error;
  }
}

function renderIamTags(tags: Tags) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
