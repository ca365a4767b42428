// The verbs of `aws image`, for an account and region as flags name them.
import { createAws } from '../../../adapters/ec2/ec2.ts';
import type { AwsAccess } from '../../../adapters/ec2/send.ts';
import type { ProjectChoice } from '../../open-project.ts';
import type { EnsureImage } from '../aws-parts.ts';
import { type BuildingPlace, type BuiltMachineImage, buildMachineImages } from './build-machine-images.ts';
import { openBuilderGate } from './builder-gate.ts';
import { type CopiedImage, copyMachineImages } from './copy-machine-images.ts';
import type { ImageWork } from './image-work.ts';
import { type ListedMachineImage, listMachineImages } from './list-machine-images.ts';
import type { Arch, MachineRole } from './machine-images.ts';
import { type PrunedImages, pruneMachineImages } from './prune-machine-images.ts';

export interface WhichImages {
  readonly roles: readonly MachineRole[];
  readonly arch: Arch;
}

export interface BuildPlace {
  readonly type: string | null;
  readonly subnetId: string | null;
  readonly findFrom: () => Promise<string>;
}

export async function buildImagesOn(
  choice: ProjectChoice,
  access: AwsAccess,
  which: WhichImages,
  place: BuildPlace,
  work: ImageWork,
): Promise<readonly BuiltMachineImage[]> {
  const building = { ...place, aws: createAws(access), openGate: openBuilderGate };
  return await buildMachineImages(choice, building, which, work);
}

export async function listImagesOn(choice: ProjectChoice, access: AwsAccess): Promise<readonly ListedMachineImage[]> {
  return await listMachineImages(choice, createAws(access));
}

export async function copyImagesOn(
  choice: ProjectChoice,
  access: AwsAccess,
  which: WhichImages,
  region: string,
  work: ImageWork,
): Promise<readonly CopiedImage[]> {
  const copying = { ...which, from: createAws(access), to: createAws({ ...access, region }) };
  return await copyMachineImages(choice, copying, work);
}

export async function pruneImagesOn(access: AwsAccess, keep: number, work: ImageWork): Promise<PrunedImages> {
  return await pruneMachineImages(createAws(access), keep, work);
}

/** As `aws up` asks for images: found, or built as a step of its own. */
export function createEnsureImage(choice: ProjectChoice, place: BuildingPlace): EnsureImage {
  return async (role, arch, work) => {
    const [image] = await buildMachineImages(choice, place, { roles: [role], arch }, work);
    if (image === undefined) throw new Error(`no machine image was made for the ${role}`);
    return image;
  };
}
