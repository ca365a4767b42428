// Use case `images list`: the images of this project and this version, and whether the engine has them.
import type { Docker } from '../adapters/docker/docker.ts';
import { imageNames } from '../images/image-plan.ts';
import { type ImageRequest, readImagePlan } from './prepare-images.ts';

export interface ListedImage {
  readonly name: string;
  /** Name on the engine. */
  readonly ref: string;
  /** Name in `images.registry`, null without one. */
  readonly registryRef: string | null;
  /** Null where the engine does not have it. */
  readonly id: string | null;
  readonly sizeBytes: number | null;
  readonly createdAt: string | null;
}

/** @throws SparkPlugError CODE_TOO_LARGE, REQUIREMENT_FAILED, NOT_BUILT, DOCKER_* */
export async function listImages(
  docker: Docker,
  request: Pick<ImageRequest, 'config' | 'projectDir'>,
): Promise<readonly ListedImage[]> {
  const { plan } = await readImagePlan(request);
  return Promise.all(
    imageNames.map(async (name) => {
      const { ref, registryRef } = plan[plan[name].sameAs ?? name];
      const found = await docker.inspectImage(ref);
      return {
        name,
        ref,
        registryRef,
        id: found?.id ?? null,
        sizeBytes: found?.sizeBytes ?? null,
        createdAt: found?.createdAt ?? null,
      };
    }),
  );
}
