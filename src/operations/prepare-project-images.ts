// The project's images as a desired state names them: brought about, or only looked for.
import { labels } from '../engine/labels.ts';
import { pruneProjectImages } from '../images/prune-project-images.ts';
import type { Report } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { ImageName, ImageRefs } from '../stack/stack-spec.ts';
import type { OpenedProject } from './open-project.ts';
import { listPlannedRefs, prepareImages, readImagePlan } from './prepare-images.ts';

type ImageProject = Pick<OpenedProject, 'dir' | 'config' | 'docker'>;

interface ProjectImageOptions {
  readonly build: boolean;
  /** True: the registry's image too. */
  readonly registry: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** The images of a desired state. */
export interface NamedImages {
  readonly refs: ImageRefs;
  /** Image of the registry for further machines; null where none was asked for. */
  readonly registryRef: string | null;
}

/** Pulls what is missing, or else builds it where `build` permits. */
export async function prepareProjectImages(
  { dir, config, docker }: ImageProject,
  projectId: string,
  { build, registry, report, signal }: ProjectImageOptions,
): Promise<NamedImages> {
  const how = build ? 'when-needed' : 'never';
  const request = { config, projectDir: dir, projectId, build: how, registry, report, signal } as const;
  const { refs, registryRef } = await prepareImages(docker, request);
  return { refs, registryRef };
}

/** Names the images without making any: by id where one is on the engine, else by the name it would get. */
export async function nameProjectImages({ dir, config, docker }: ImageProject): Promise<NamedImages> {
  const { plan } = await readImagePlan({ config, projectDir: dir });
  const planned = Object.entries(listPlannedRefs(plan)) as [ImageName, string][];
  const nameOne = async (ref: string): Promise<string> => (await docker.imageId(ref)) ?? ref;
  const named = planned.map(async ([name, ref]) => [name, await nameOne(ref)] as const);
  const refs = Object.fromEntries(await Promise.all(named)) as ImageRefs;
  return { refs, registryRef: await nameOne(plan.registry.ref) };
}

/** Clears away worker and driver images that newer ones replaced. */
export async function pruneReplacedImages({ docker }: ImageProject, desired: DesiredState): Promise<void> {
  const services = await docker.services({ [labels.project]: desired.projectId });
  const inUse = new Set([...Object.values(desired.images), ...services.map((service) => service.image)]);
  await pruneProjectImages(docker, { projectId: desired.projectId, labels, inUse });
}
