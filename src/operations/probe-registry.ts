// Whether the engine can talk to the registry, with the user's log-in: asks for an image that nobody has.
import type { Docker } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';

/** @throws SparkPlugError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED */
export async function probeRegistry(docker: Pick<Docker, 'pull'>, registry: string): Promise<void> {
  try {
    await docker.pull(`${registry.replace(/\/+$/, '')}/base:probe`);
  } catch (error) {
    // That it does not have the image is an answer, too.
    if (error instanceof SparkPlugError && error.code === 'IMAGE_MISSING') return;
    throw error;
  }
}
