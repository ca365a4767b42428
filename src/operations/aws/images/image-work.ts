// What every verb of `aws image` works with.
import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Aws } from '../../../adapters/ec2/ec2.ts';
import type { Report } from '../../../progress.ts';

/** The account and where, with the calls that images need. */
export type ImageAws = Pick<Aws, 'ec2' | 'images' | 'region'>;

export interface ImageWork {
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Until AWS has copied a disk: minutes, more for one that goes to another continent. */
export const imageTimeoutSeconds = 2 * 60 * 60;

/** Names whoever builds here, so that what an interrupted build left is told from another's that is at work. */
export function nameBuilder(): string {
  return createHash('sha256').update(`${userInfo().username}@${hostname()}`).digest('hex').slice(0, 12);
}

/** Name of the builder's key pair and security group: one build at a time on a computer, so that nothing is left twice. */
export function builderResource(builder: string): string {
  return `sparkplug-image-builder-${builder}`;
}
