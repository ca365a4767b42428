// EC2's networks and keys, and what hangs on tags.
import type { IpPermission } from '@aws-sdk/client-ec2';
import { readTags, renderTags, type Tags, tagFilters } from './instance-calls.ts';
import type { Sender } from './send.ts';

export interface Vpc {
  readonly id: string;
  readonly isDefault: boolean;
}

export interface Subnet {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  /** Instances get a public address unless they say otherwise. */
  readonly public: boolean;
}

/** One thing that may come in. `from`: a CIDR, or the group itself. */
export interface Ingress {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly from: string | 'group';
}

export interface SecurityGroup {
  readonly id: string;
  readonly vpcId: string;
  readonly tags: Tags;
  readonly ingress: readonly Ingress[];
}

export interface TaggedThing {
  /** `instance`, `security-group`, … */
  readonly kind: string;
  readonly id: string;
}

export interface NetworkCalls {
  /** The one named, or the default VPC for null. */
  findVpc(id: string | null): Promise<Vpc | null>;
  findSubnets(by: { readonly vpcId: string } | { readonly subnetId: string }): Promise<readonly Subnet[]>;
  findSecurityGroups(tags: Tags): Promise<readonly SecurityGroup[]>;
  createSecurityGroup(group: {
    readonly name: string;
    readonly description: string;
    readonly vpcId: string;
    readonly tags: Tags;
  }): Promise<string>;
  allow(groupId: string, ingress: readonly Ingress[]): Promise<void>;
  forbid(groupId: string, ingress: readonly Ingress[]): Promise<void>;
  deleteSecurityGroup(id: string): Promise<void>;
  /** True where the region has a key pair of this name. */
  hasKeyPair(name: string): Promise<boolean>;
  importKeyPair(name: string, publicKey: string, tags: Tags): Promise<void>;
  deleteKeyPair(name: string): Promise<void>;
  setTags(ids: readonly string[], tags: Tags): Promise<void>;
  /** All of EC2 that has the tag. */
  listTagged(name: string, value: string): Promise<readonly TaggedThing[]>;
  /** Values of a tag on security groups of the region: which projects there are. */
  listTagValues(name: string): Promise<readonly string[]>;
}

export function createNetworkCalls({ ec2 }: Sender): NetworkCalls {
  return {
    findVpc: (id) =>
      ec2('ec2:DescribeVpcs', async (client, sdk) => {
        const input = id === null ? { Filters: [{ Name: 'is-default', Values: ['true'] }] } : { VpcIds: [id] };
        const { Vpcs: [vpc] = [] } = await client.send(new sdk.DescribeVpcsCommand(input));
        return vpc === undefined ? null : { id: vpc.VpcId ?? '', isDefault: vpc.IsDefault === true };
      }),
    findSubnets: (by) =>
      ec2('ec2:DescribeSubnets', async (client, sdk) => {
        const input =
          'vpcId' in by ? { Filters: [{ Name: 'vpc-id', Values: [by.vpcId] }] } : { SubnetIds: [by.subnetId] };
        const found: Subnet[] = [];
        for await (const page of sdk.paginateDescribeSubnets({ client }, input)) {
          for (const { SubnetId = '', VpcId = '', AvailabilityZone = '', MapPublicIpOnLaunch } of page.Subnets ?? []) {
            found.push({ id: SubnetId, vpcId: VpcId, zone: AvailabilityZone, public: MapPublicIpOnLaunch === true });
          }
        }
        return found.toSorted((a, b) => (a.zone < b.zone ? -1 : 1));
      }),
    findSecurityGroups: (tags) =>
      ec2('ec2:DescribeSecurityGroups', async (client, sdk) => {
        const found: SecurityGroup[] = [];
        for await (const page of sdk.paginateDescribeSecurityGroups({ client }, { Filters: tagFilters(tags) })) {
          for (const group of page.SecurityGroups ?? []) {
            found.push({
              id: group.GroupId ?? '',
              vpcId: group.VpcId ?? '',
              tags: readTags(group.Tags),
              ingress: (group.IpPermissions ?? []).flatMap(readPermission),
            });
          }
        }
        return found;
      }),
    createSecurityGroup: ({ name, description, vpcId, tags }) =>
      ec2('ec2:CreateSecurityGroup', async (client, sdk) => {
        const { GroupId = '' } = await client.send(
          new sdk.CreateSecurityGroupCommand({
            GroupName: name,
            Description: description,
            VpcId: vpcId,
            TagSpecifications: [{ ResourceType: 'security-group', Tags: renderTags(tags) }],
          }),
        );
        return GroupId;
      }),
    allow: (groupId, ingress) =>
      ec2('ec2:AuthorizeSecurityGroupIngress', async (client, sdk) => {
        const IpPermissions = ingress.map((one) => renderPermission(groupId, one));
        await client.send(new sdk.AuthorizeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions }));
      }),
    forbid: (groupId, ingress) =>
      ec2('ec2:RevokeSecurityGroupIngress', async (client, sdk) => {
        const IpPermissions = ingress.map((one) => renderPermission(groupId, one));
        await client.send(new sdk.RevokeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions }));
      }),
    deleteSecurityGroup: (id) =>
      ec2('ec2:DeleteSecurityGroup', async (client, sdk) => {
        await client.send(new sdk.DeleteSecurityGroupCommand({ GroupId: id }));
      }),
    hasKeyPair: (name) =>
      ec2('ec2:DescribeKeyPairs', async (client, sdk) => {
        const filter = { Filters: [{ Name: 'key-name', Values: [name] }] };
        const { KeyPairs = [] } = await client.send(new sdk.DescribeKeyPairsCommand(filter));
        return KeyPairs.length > 0;
      }),
    importKeyPair: (name, publicKey, tags) =>
      ec2('ec2:ImportKeyPair', async (client, sdk) => {
        await client.send(
          new sdk.ImportKeyPairCommand({
            KeyName: name,
            PublicKeyMaterial: Buffer.from(publicKey),
            TagSpecifications: [{ ResourceType: 'key-pair', Tags: renderTags(tags) }],
          }),
        );
      }),
    deleteKeyPair: (name) =>
      ec2('ec2:DeleteKeyPair', async (client, sdk) => {
        await client.send(new sdk.DeleteKeyPairCommand({ KeyName: name }));
      }),
    setTags: (ids, tags) =>
      ec2('ec2:CreateTags', async (client, sdk) => {
        await client.send(new sdk.CreateTagsCommand({ Resources: [...ids], Tags: renderTags(tags) }));
      }),
    listTagged: (name, value) =>
      ec2('ec2:DescribeTags', async (client, sdk) => {
        const found: TaggedThing[] = [];
        const input = { Filters: tagFilters({ [name]: value }) };
        for await (const page of sdk.paginateDescribeTags({ client }, input)) {
          for (const { ResourceType = '', ResourceId = '' } of page.Tags ?? []) {
            found.push({ kind: ResourceType, id: ResourceId });
          }
        }
        return found;
      }),
    listTagValues: (name) =>
      ec2('ec2:DescribeTags', async (client, sdk) => {
        const found = new Set<string>();
        const filters = [
          { Name: 'key', Values: [name] },
          { Name: 'resource-type', Values: ['security-group'] },
        ];
        for await (const page of sdk.paginateDescribeTags({ client }, { Filters: filters })) {
          for (const { Value } of page.Tags ?? []) if (Value !== undefined) found.add(Value);
        }
        return [...found].toSorted();
      }),
  };
}

function renderPermission(groupId: string, { protocol, port, from }: Ingress): IpPermission {
  return {
    IpProtocol: protocol,
    FromPort: port,
    ToPort: port,
    ...(from === 'group' ? { UserIdGroupPairs: [{ GroupId: groupId }] } : renderRange(from)),
  };
}

function renderRange(cidr: string): IpPermission {
  return cidr.includes(':') ? { Ipv6Ranges: [{ CidrIpv6: cidr }] } : { IpRanges: [{ CidrIp: cidr }] };
}

/** Rules that SparkPlug makes have one port; others are kept out of the comparison. */
function readPermission(permission: IpPermission): readonly Ingress[] {
  const { IpProtocol: protocol, FromPort: port, ToPort } = permission;
  if ((protocol !== 'tcp' && protocol !== 'udp') || port === undefined || port !== ToPort) return [];
  const froms = [
    ...(permission.IpRanges ?? []).map(({ CidrIp = '' }) => CidrIp),
    ...(permission.Ipv6Ranges ?? []).map(({ CidrIpv6 = '' }) => CidrIpv6),
    ...(permission.UserIdGroupPairs ?? []).map(() => 'group'),
  ];
  return froms.map((from) => ({ protocol, port, from }));
}
