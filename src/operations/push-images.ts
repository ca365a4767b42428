// Use case `images push`: every image of the project to its registry, so that other computers need not build.
import type { Docker } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import { imageNames } from '../images/image-plan.ts';
import { step } from '../progress.ts';
import { type ImageRequest, obtainPlanned, readImagePlan } from './prepare-images.ts';

/** Machines of a lab are made where the lab is. */
const pushedNames = imageNames.filter((name) => name !== 'machine');

export interface PushedImage {
  readonly name: string;
  readonly registryRef: string;
  readonly id: string;
}

/**
 * Builds what is missing, then pushes. The password is the user's own `docker login`.
 * @throws SparkPlugError USAGE without `images.registry`, REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED, and of builds
 */
export async function pushImages(docker: Docker, request: ImageRequest): Promise<readonly PushedImage[]> {
  if (request.config.images.registry === null) {
    throw new SparkPlugError('USAGE', 'there is no registry to push to', {
      place: 'images.registry',
      hint: 'set `images: { registry: registry.example.com/team }` in sparkplug.yaml',
    });
  }
  const read = await readImagePlan(request);
  const images = await obtainPlanned(docker, request, read, pushedNames);
  const pushed: PushedImage[] = [];
  // One after the other: each finds the layers of those before it in the registry already.
  for (const { name, ref, id } of images) {
    const { registryRef, sameAs } = read.plan[name];
    if (registryRef === null || sameAs !== null) continue;
    request.signal?.throwIfAborted();
    await docker.tag(ref, registryRef);
    await step(request.report, `push ${name} image`, () => docker.push(registryRef, { signal: request.signal }));
    pushed.push({ name, registryRef, id });
  }
  return pushed;
}
