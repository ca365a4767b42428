// Which machine images this copy of SparkPlug wants, and those that are there. Equal name, equal content.
import type { Aws } from '../../../adapters/ec2/ec2.ts';
import type { Ami } from '../../../adapters/ec2/image-calls.ts';
import type { Tags } from '../../../adapters/ec2/instance-calls.ts';
import type { BuiltImageName, ImagePlan } from '../../../images/image-plan.ts';
import { hashContent } from '../../../stack/hash-content.ts';
import { version } from '../../../version.ts';
import { renderConductorUserData } from '../../machines/boot/render-user-data.ts';
import { renderWipeScript } from './render-wipe-script.ts';

export const machineRoles = ['conductor', 'follower'] as const;
export type MachineRole = (typeof machineRoles)[number];
export type Arch = 'amd64' | 'arm64';

/**
 * What lies on the engine of each already. The conductor builds images of projects, and hands all of them on by the
 * registry; a follower runs Spark, DataNodes and the agent.
 */
export const preloaded: Readonly<Record<MachineRole, readonly BuiltImageName[]>> = {
  conductor: ['base', 'builder', 'hdfs', 'spark', 'conductor', 'registry'],
  follower: ['hdfs', 'spark', 'conductor'],
};

export const imageTags = {
  role: 'sparkplug:image',
  version: 'sparkplug:version',
  content: 'sparkplug:content',
  /** On everything that an image is built with: by whom. */
  builder: 'sparkplug:builder',
} as const;

/** All of ours, of every version. */
export const anyImageName = 'sparkplug-*';

/** An image as it is wanted. */
export interface WantedImage {
  readonly role: MachineRole;
  readonly arch: Arch;
  /** 12 hex digits of everything that makes it. */
  readonly content: string;
  readonly name: string;
  readonly tags: Tags;
}

/** Pure. Debian's own image is no part of the content: a newer one makes no image of SparkPlug's old. */
export function planMachineImage(plan: ImagePlan, role: MachineRole, arch: Arch): WantedImage {
  const refs = preloaded[role].map((name) => plan[name].ref);
  const content = hashContent([version, role, renderConductorUserData(), renderWipeScript(), ...refs].join('\n'));
  return {
    role,
    arch,
    content,
    name: `sparkplug-${role}-${version}-${arch}-${content}`,
    tags: {
      Name: `SparkPlug ${version} ${role}`,
      [imageTags.role]: role,
      [imageTags.version]: version,
      [imageTags.content]: content,
    },
  };
}

/** The image of this name, whatever its state; null without one. */
export async function findWanted({ images }: Pick<Aws, 'images'>, wanted: WantedImage): Promise<Ami | null> {
  const [found = null] = await images.findImages('self', wanted.name);
  return found;
}

/** Debian's own account, as wiki.debian.org/Cloud/AmazonEC2Image names it. */
const debianOwner = '136693071363';
const debianRelease = 13;

/** Debian's newest official image; null where the region has none. */
export async function findDebianImage({ images }: Pick<Aws, 'images'>, arch: Arch): Promise<Ami | null> {
  const found = await images.findImages(debianOwner, `debian-${debianRelease}-${arch}-*`);
  return found.find(({ state }) => state === 'available') ?? null;
}

/** Role, version and content of one of our images, by its tags or, where those were lost, by its name. */
export function describeOwn({ name, tags }: Pick<Ami, 'name' | 'tags'>): Omit<OwnImage, 'ami'> | null {
  const match = /^sparkplug-(conductor|follower)-(.+)-(?:amd64|arm64)-([0-9a-f]{12})$/.exec(name);
  if (match === null) return null;
  const [, role = '', named = '', content = ''] = match;
  return {
    role: role as MachineRole,
    version: tags[imageTags.version] ?? named,
    content: tags[imageTags.content] ?? content,
  };
}

export interface OwnImage {
  readonly ami: Ami;
  readonly role: MachineRole;
  readonly version: string;
  readonly content: string;
}

/** All of ours in the region, newest first. */
export async function findOwnImages({ images }: Pick<Aws, 'images'>): Promise<readonly OwnImage[]> {
  const found = await images.findImages('self', anyImageName);
  return found.flatMap((ami) => {
    const described = describeOwn(ami);
    return described === null ? [] : [{ ami, ...described }];
  });
}
