// What things on AWS are called and tagged: by these alone they are found again. Pure.
import type { Tags } from '../../adapters/ec2/instance-calls.ts';
import { version } from '../../version.ts';

export const tagKeys = {
  project: 'sparkplug:project',
  role: 'sparkplug:role',
  version: 'sparkplug:version',
  /** Of followers given by number, from 1. */
  ordinal: 'sparkplug:ordinal',
  /** On the security group: what the fleet is to be. */
  fleet: 'sparkplug:fleet',
  /** On the security group: how often machines were given back. */
  generation: 'sparkplug:generation',
  /** AWS's own, on instances that a group has started. */
  scalingGroup: 'aws:autoscaling:groupName',
} as const;

export type Role = 'conductor' | 'follower' | 'group' | 'network' | 'access';

/** One name for all that a project has one of: security group, key pair, role, profile, group and its template. */
export function resourceName(projectId: string): string {
  return `sparkplug-${projectId}`;
}

/** Name of the Docker context through which the project reaches its conductor. */
export function nameAwsContext(projectId: string): string {
  return `sparkplug-aws-${projectId}`;
}

export function tagsOf(projectId: string, role: Role, more: Tags = {}): Tags {
  const ordinal = more[tagKeys.ordinal];
  const name = `${projectId} ${role}${ordinal === undefined ? '' : `-${ordinal}`}`;
  return {
    Name: name,
    [tagKeys.project]: projectId,
    [tagKeys.role]: role,
    [tagKeys.version]: version,
    ...more,
  };
}

/** Path of the parameters that followers read. */
export function joinPath(projectId: string): string {
  return `/sparkplug/${projectId}/join`;
}

/** Path of what another computer of the operator needs. */
export function operatorPath(projectId: string): string {
  return `/sparkplug/${projectId}/operator`;
}
