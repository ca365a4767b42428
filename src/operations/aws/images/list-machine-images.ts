// Use case `aws image list`: SparkPlug's machine images of the region.
import type { ImagePlan } from '../../../images/image-plan.ts';
import { openProject, type ProjectChoice } from '../../open-project.ts';
import { readImagePlan } from '../../prepare-images.ts';
import type { ImageAws } from './image-work.ts';
import { type Arch, findOwnImages, type MachineRole, planMachineImage } from './machine-images.ts';

export interface ListedMachineImage {
  readonly id: string;
  readonly role: MachineRole;
  readonly arch: Arch;
  readonly version: string;
  readonly content: string;
  readonly state: string;
  readonly sizeGiB: number;
  readonly createdAt: string;
  /** The one that this copy of SparkPlug starts machines from. */
  readonly current: boolean;
  /** Instances that were started from it and are there, and launch templates that name it. */
  readonly uses: number;
}

/** Newest first. */
export async function listMachineImages(choice: ProjectChoice, aws: ImageAws): Promise<readonly ListedMachineImage[]> {
  const { config, dir } = await openProject(choice);
  return await listOfPlan((await readImagePlan({ config, projectDir: dir })).plan, aws);
}

/** The same, where the project has been read. */
export async function listOfPlan(plan: ImagePlan, aws: ImageAws): Promise<readonly ListedMachineImage[]> {
  const [own, uses] = await Promise.all([findOwnImages(aws), countUses(aws)]);
  return own.map(({ ami, role, version, content }) => ({
    id: ami.id,
    role,
    arch: ami.arch,
    version,
    content,
    state: ami.state,
    sizeGiB: ami.sizeGiB,
    createdAt: ami.createdAt,
    current: content === planMachineImage(plan, role, ami.arch).content,
    uses: uses.get(ami.id) ?? 0,
  }));
}

/** By image: how many instances and templates of the region need it. Stopped ones start from their own disks, but count. */
export async function countUses({ ec2, images }: ImageAws): Promise<ReadonlyMap<string, number>> {
  const [instances, templates] = await Promise.all([ec2.findInstances({}), images.listTemplateImages()]);
  const used = [...instances.filter(({ state }) => state !== 'terminated').map(({ imageId }) => imageId), ...templates];
  const counts = new Map<string, number>();
  for (const id of used) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
