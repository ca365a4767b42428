// The project's images as a desired state names them: brought about, or only looked for.
import { labels } from '../engine/labels.ts';
import { pruneProjectImages } from '../images/prune-project-images.ts';
import type { Report } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { ImageName, ImageRefs } from '../stack/stack-spec.ts';
import type { OpenedProject } from './open-project.ts';
import { listPlannedRefs, prepareImages, readImagePlan } from './prepare-images.ts';

type ImageProject = Pick<OpenedProject, 'dir' | 'config' | 'docker'>;

/** Pulls what is missing, or else builds it where `build` permits. */
export async function prepareProjectImages(
  { dir, config, docker }: ImageProject,
  projectId: string,
  { build, report, signal }: { readonly build: boolean; readonly report: Report; readonly signal: AbortSignal },
): Promise<ImageRefs> {
  const how = build ? 'when-needed' : 'never';
  return (await prepareImages(docker, { config, projectDir: dir, projectId, build: how, report, signal })).refs;
}

/** Names the images without making any: by id where one is on the engine, else by the name it would get. */
export async function nameProjectImages({ dir, config, docker }: ImageProject): Promise<ImageRefs> {
  const { plan } = await readImagePlan({ config, projectDir: dir });
  const planned = Object.entries(listPlannedRefs(plan)) as [ImageName, string][];
  const named = planned.map(async ([name, ref]) => [name, (await docker.imageId(ref)) ?? ref] as const);
  return Object.fromEntries(await Promise.all(named)) as ImageRefs;
}

/** Clears away worker and driver images that newer ones replaced. */
export async function pruneReplacedImages({ docker }: ImageProject, desired: DesiredState): Promise<void> {
  const services = await docker.services({ [labels.project]: desired.projectId });
  const inUse = new Set([...Object.values(desired.images), ...services.map((service) => service.image)]);
  await pruneProjectImages(docker, { projectId: desired.projectId, labels, inUse });
}
