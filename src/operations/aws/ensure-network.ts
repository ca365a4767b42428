// VPC, subnets and the security group: who may speak to the machines.
import ipaddr from 'ipaddr.js';
import type { Aws } from '../../adapters/ec2/ec2.ts';
import { awsCodeOf } from '../../adapters/ec2/map-aws-failure.ts';
import type { Ingress, SecurityGroup, Subnet } from '../../adapters/ec2/network-calls.ts';
import { SparkPlugError } from '../../errors.ts';
import { resourceName, tagKeys, tagsOf } from './tags.ts';

export interface NetworkChoice {
  readonly vpc: string | null;
  readonly subnet: string | null;
}

export interface ChosenNetwork {
  readonly vpcId: string;
  /** Those that may be used, by zone. */
  readonly subnets: readonly Subnet[];
}

/** What others on the internet may reach: nothing but these. */
export interface OpenPorts {
  /** `203.0.113.7/32` */
  readonly from: string;
  readonly web: number;
  readonly registry: number;
}

const sshPort = 22;

/**
 * The subnets that machines may stand in. Changes nothing.
 * @throws SparkPlugError AWS_NO_DEFAULT_VPC
 */
export async function chooseNetwork(aws: Pick<Aws, 'ec2'>, choice: NetworkChoice): Promise<ChosenNetwork> {
  if (choice.subnet !== null) {
    const [subnet] = await aws.ec2.findSubnets({ subnetId: choice.subnet });
    if (subnet === undefined || (choice.vpc !== null && subnet.vpcId !== choice.vpc)) {
      throw noNetwork('there is no such subnet in this VPC', '--subnet', choice.subnet);
    }
    return { vpcId: subnet.vpcId, subnets: [subnet] };
  }
  const vpc = await aws.ec2.findVpc(choice.vpc);
  if (vpc === null) throw noNetwork('this region has no default VPC', '--vpc', 'the default one');
  const subnets = await aws.ec2.findSubnets({ vpcId: vpc.id });
  // Others have no way to the internet, or one that does not lead in.
  const open = subnets.filter((subnet) => subnet.public);
  if (open.length === 0) {
    throw noNetwork('the VPC has no subnet whose machines get a public address', '--vpc', vpc.id);
  }
  return { vpcId: vpc.id, subnets: open };
}

function noNetwork(message: string, place: string, met: string): SparkPlugError {
  return new SparkPlugError('AWS_NO_DEFAULT_VPC', message, {
    place,
    met,
    hint: 'aws ec2 create-default-vpc, or name a subnet with a way to the internet: --subnet subnet-…',
  });
}

/** A CIDR of one address for an address. @throws SparkPlugError USAGE */
export function parseSource(text: string): string {
  const cidr = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
  if (ipaddr.isValidCIDR(cidr)) return cidr;
  throw new SparkPlugError('USAGE', 'this is no address that may come in', {
    place: '--from',
    met: text,
    hint: '--from 203.0.113.7/32, or 0.0.0.0/0 for everybody',
  });
}

/** All that may come in. Followers reach each other, the conductor and its registry; nobody else reaches those ports. */
export function listIngress({ from, web, registry }: OpenPorts): readonly Ingress[] {
  return [
    { protocol: 'tcp', port: sshPort, from },
    { protocol: 'tcp', port: web, from },
    // Swarm's own: managers, gossip, overlay networks (VXLAN).
    { protocol: 'tcp', port: 2377, from: 'group' },
    { protocol: 'tcp', port: 7946, from: 'group' },
    { protocol: 'udp', port: 7946, from: 'group' },
    { protocol: 'udp', port: 4789, from: 'group' },
    { protocol: 'tcp', port: registry, from: 'group' },
  ];
}

interface GroupRequest {
  readonly projectId: string;
  readonly vpcId: string;
  readonly wish: string;
  readonly ports: OpenPorts;
}

/** Makes the security group, or makes it what it is to be: a caller who has moved is let in, where it was is not. */
export async function ensureSecurityGroup(
  aws: Pick<Aws, 'ec2'>,
  found: SecurityGroup | null,
  request: GroupRequest,
): Promise<SecurityGroup> {
  const { projectId, vpcId, wish, ports } = request;
  const tags = tagsOf(projectId, 'network', { [tagKeys.fleet]: wish, [tagKeys.generation]: '0' });
  const group = found ?? (await createGroup(aws, { projectId, vpcId, tags }));
  await setIngress(aws, group, listIngress(ports));
  if (group.tags[tagKeys.fleet] !== wish) await aws.ec2.setTags([group.id], { [tagKeys.fleet]: wish });
  return group;
}

async function createGroup(
  aws: Pick<Aws, 'ec2'>,
  {
    projectId,
    vpcId,
    tags,
  }: { readonly projectId: string; readonly vpcId: string; readonly tags: SecurityGroup['tags'] },
): Promise<SecurityGroup> {
  const name = resourceName(projectId);
  const id = await aws.ec2.createSecurityGroup({ name, description: `SparkPlug cluster ${projectId}`, vpcId, tags });
  return { id, vpcId, tags, ingress: [] };
}

/** What is missing first: a caller is never shut out in between. */
export async function setIngress(
  aws: Pick<Aws, 'ec2'>,
  { id, ingress }: Pick<SecurityGroup, 'id' | 'ingress'>,
  wanted: readonly Ingress[],
): Promise<void> {
  const missing = wanted.filter((one) => !ingress.some((other) => isSame(one, other)));
  const surplus = ingress.filter((one) => !wanted.some((other) => isSame(one, other)));
  if (missing.length > 0) {
    try {
      await aws.ec2.allow(id, missing);
    } catch (error) {
      // An answer that was lost: it is allowed already.
      if (awsCodeOf(error) !== 'InvalidPermission.Duplicate') throw error;
    }
  }
  if (surplus.length > 0) await aws.ec2.forbid(id, surplus);
}

function isSame(a: Ingress, b: Ingress): boolean {
  return a.protocol === b.protocol && a.port === b.port && a.from === b.from;
}
