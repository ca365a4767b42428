// Use case `aws image copy`: this copy's machine images into another region.
import { SparkPlugError } from '../../../errors.ts';
import { step } from '../../../progress.ts';
import { openProject, type ProjectChoice } from '../../open-project.ts';
import { type ReadImagePlan, readImagePlan } from '../../prepare-images.ts';
import { type ImageAws, type ImageWork, imageTimeoutSeconds } from './image-work.ts';
import { type Arch, findWanted, type MachineRole, planMachineImage } from './machine-images.ts';

export interface CopiedImage {
  readonly role: MachineRole;
  readonly name: string;
  /** In the other region. */
  readonly id: string;
  readonly how: 'present' | 'copied';
}

export interface Copying {
  readonly from: ImageAws;
  readonly to: ImageAws;
  readonly roles: readonly MachineRole[];
  readonly arch: Arch;
}

/** Run again it finishes what was interrupted. @throws SparkPlugError AWS_*, USAGE where both regions are one */
export async function copyMachineImages(
  choice: ProjectChoice,
  copying: Copying,
  work: ImageWork,
): Promise<readonly CopiedImage[]> {
  const { config, dir } = await openProject(choice);
  return await copyOfPlan((await readImagePlan({ config, projectDir: dir })).plan, copying, work);
}

/** The same, where the project has been read. */
export async function copyOfPlan(
  plan: ReadImagePlan['plan'],
  { from, to, roles, arch }: Copying,
  { report, signal }: ImageWork,
): Promise<readonly CopiedImage[]> {
  const [sourceRegion, target] = await Promise.all([from.region(), to.region()]);
  if (sourceRegion === target) {
    throw new SparkPlugError('USAGE', 'the images are to go where they are', { place: '--to', met: target });
  }
  const copied: CopiedImage[] = [];
  for (const role of roles) {
    const wanted = planMachineImage(plan, role, arch);
    const source = await findWanted(from, wanted);
    if (source?.state !== 'available') {
      throw new SparkPlugError('AWS_IMAGE_MISSING', `the ${role}’s machine image is not in ${sourceRegion}`, {
        met: wanted.name,
        hint: `sparkplug aws image build ${role}`,
      });
    }
    let there = await findWanted(to, wanted);
    if (there !== null && there.state !== 'available' && there.state !== 'pending') {
      await to.images.deregisterImage(there.id);
      there = null;
    }
    const how = there === null ? 'copied' : 'present';
    const { name, tags } = wanted;
    const id = await step(report, `copy the ${role}’s image to ${target}`, async () => {
      const description = `SparkPlug: ${role} of a cluster`;
      const begun =
        there?.id ?? (await to.images.copyImage({ sourceId: source.id, sourceRegion, name, description, tags }));
      await to.images.awaitImage(begun, { maxSeconds: imageTimeoutSeconds, signal });
      const ami = await findWanted(to, wanted);
      await to.ec2.setTags([begun, ...(ami?.snapshotIds ?? [])], tags);
      return begun;
    });
    copied.push({ role, name, id, how });
  }
  return copied;
}
