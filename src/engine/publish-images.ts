// Brings images into the cluster's own registry, from the engine of the conductor machine.
import { type RegistryLogin, withRegistryLogin } from '../adapters/docker/registry-login.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { PublishedImage } from '../stack/stack-spec.ts';
import type { PublishingDocker } from './engine-docker.ts';

/** Least time between two progress events. */
const progressIntervalMs = 500;

/** The cluster's own registry as this process reaches it. */
export interface RegistryAccess {
  readonly docker: PublishingDocker;
  readonly login: RegistryLogin;
}

interface Publishing {
  readonly registry?: RegistryAccess | null;
  readonly report: Report;
  /** Name of the step that is under way. */
  readonly step: string;
  readonly signal?: AbortSignal;
}

/**
 * Pushes the images one after another, so that each finds the layers of those before it. The engine asks the registry
 * for every layer first and sends what it lacks: for one that is there already that takes a moment.
 * @throws SparkPlugError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED, IMAGE_MISSING
 */
export async function publishImages(
  images: readonly PublishedImage[],
  { registry = null, report, step, signal }: Publishing,
): Promise<void> {
  if (registry === null) throw new Error('images are to be published and there is no log-in to a registry');
  const { docker, login } = registry;
  await withRegistryLogin(login, async (dockerConfig) => {
    for (const image of images) {
      signal?.throwIfAborted();
      const onLine = reportLines(report, step, image.name);
      await publishOne(docker, image, { dockerConfig, signal, onLine });
    }
  });
}

async function publishOne(
  docker: PublishingDocker,
  { ref, source, name }: PublishedImage,
  options: Parameters<PublishingDocker['push']>[1],
): Promise<void> {
  if ((await docker.imageId(source)) !== null) {
    await docker.tag(source, ref);
    await docker.push(ref, options);
    return;
  }
  // Removed from this engine by hand; the registry may still have it.
  await docker.pull(ref, options).catch((cause: unknown) => {
    if (!(cause instanceof SparkPlugError) || cause.code !== 'IMAGE_MISSING') throw cause;
    throw new SparkPlugError(
      'IMAGE_MISSING',
      `the ${name} image is neither on the conductor machine nor in its registry`,
      {
        place: ref,
        met: source,
        hint: 'sparkplug up builds it again',
        cause,
      },
    );
  });
}

/** The client's own words: `4f1c: Pushing [==> ] 12MB/200MB`. */
function reportLines(report: Report, step: string, name: string): (line: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (line) => {
    const now = performance.now();
    if (line.trim() === '' || now - toldAt < progressIntervalMs) return;
    toldAt = now;
    report({ kind: 'step-progress', step, detail: `${name}: ${line.trim().slice(0, 160)}` });
  };
}
