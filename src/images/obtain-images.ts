// Every image that is needed, each at most once: there already, else pulled, else built after those it stands on.
import type { Docker } from '../adapters/docker/docker.ts';
import { withFileLock } from '../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../adapters/host/user-folders.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import { type BuiltImageName, type ImagePlan, imageNames, type PlannedImage } from './image-plan.ts';
import { createLimiter } from './limiter.ts';

/** Least time between two progress events of one build. */
const progressIntervalMs = 200;

export interface ObtainedImage {
  readonly name: BuiltImageName;
  readonly ref: string;
  /** `sha256:…` */
  readonly id: string;
  readonly how: 'present' | 'pulled' | 'built';
  readonly durationMs: number;
}

export type Build = (onLine: (line: string) => void, signal: AbortSignal) => Promise<void>;

export interface Obtaining {
  readonly plan: ImagePlan;
  readonly needed: readonly BuiltImageName[];
  /** `never`: what cannot be pulled is an error. */
  readonly build: 'when-needed' | 'never';
  /** Builds at a time. */
  readonly parallelBuilds: number;
  /** Starts before the parents are there; the function it returns builds once they are. */
  readonly prepareBuild: (image: PlannedImage) => Promise<Build>;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The needed images and whatever had to be there to build them.
 * @throws SparkPlugError of builds and registries, IMAGE_MISSING
 */
export async function obtainImages(docker: Docker, obtaining: Obtaining): Promise<readonly ObtainedImage[]> {
  const { plan, needed } = obtaining;
  const limit = createLimiter(obtaining.parallelBuilds);
  const registry = createRegistry(docker, obtaining);
  const running = new Map<BuiltImageName, Promise<ObtainedImage>>();
  // One failure ends the others: their work would be for nothing, and its message would scroll away.
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(obtaining.signal === undefined ? [] : [obtaining.signal])]);

  const obtain = (name: BuiltImageName): Promise<ObtainedImage> => {
    const image = plan[name];
    const known = running.get(name) ?? (image.sameAs === null ? obtainOne(image) : obtainSame(image, image.sameAs));
    running.set(name, known);
    return known;
  };
  const obtainSame = async (image: PlannedImage, other: BuiltImageName): Promise<ObtainedImage> => ({
    ...(await obtain(other)),
    name: image.name,
  });
  const obtainOne = async (image: PlannedImage): Promise<ObtainedImage> => {
    const present = await findPresent(docker, image);
    if (present !== null) return describe(image, present, 'present', 0);
    const startedAt = performance.now();
    if (await registry.tryPull(image)) {
      return describe(image, await requireId(docker, image), 'pulled', performance.now() - startedAt);
    }
    if (obtaining.build === 'never') throw registry.explainMissing(image);
    return buildWithParents(image);
  };
  const buildWithParents = async (image: PlannedImage): Promise<ObtainedImage> => {
    const [build] = await Promise.all([obtaining.prepareBuild(image), ...image.parents.map(obtain)]);
    return limit(() => {
      signal.throwIfAborted();
      return buildLocked(docker, image, build, obtaining.report, signal);
    });
  };

  try {
    await Promise.all(needed.map(obtain));
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(running.values());
    throw error;
  }
  const obtained = await Promise.all(running.values());
  return obtained.sort((a, b) => imageNames.indexOf(a.name) - imageNames.indexOf(b.name));
}

/** Another process may be building the same image: whoever comes second finds it there. */
async function buildLocked(
  docker: Docker,
  image: PlannedImage,
  build: Build,
  report: Report,
  signal: AbortSignal,
): Promise<ObtainedImage> {
  const lock = `${await makeCacheFolder('locks')}/image-${image.ref.replaceAll(/[/:]/g, '-')}`;
  const onWait = () => report({ kind: 'note', text: `another command is building ${image.ref}; waiting for it` });
  return withFileLock(
    lock,
    async () => {
      const present = await findPresent(docker, image);
      if (present !== null) return describe(image, present, 'present', 0);
      const durationMs = await runReported(report, `build ${image.name} image`, build, signal);
      return describe(image, await requireId(docker, image), 'built', durationMs);
    },
    { signal, onWait },
  );
}

async function runReported(report: Report, name: string, build: Build, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  let toldAt = 0;
  report({ kind: 'step-started', step: name });
  try {
    await build((line) => {
      const now = performance.now();
      if (line.trim() === '' || now - toldAt < progressIntervalMs) return;
      toldAt = now;
      report({ kind: 'step-progress', step: name, detail: line.trim().slice(0, 200) });
    }, signal);
  } catch (error) {
    report({ kind: 'step-failed', step: name, durationMs: performance.now() - startedAt });
    throw error;
  }
  const durationMs = performance.now() - startedAt;
  report({ kind: 'step-done', step: name, durationMs });
  return durationMs;
}

interface Registry {
  readonly tryPull: (image: PlannedImage) => Promise<boolean>;
  readonly explainMissing: (image: PlannedImage) => SparkPlugError;
}

/** Pulls from `images.registry`. After it was away or refused once, it is not asked again for the other images. */
function createRegistry(docker: Docker, { report, build, signal }: Obtaining): Registry {
  let refused: SparkPlugError | null = null;
  const failures = new Map<BuiltImageName, SparkPlugError>();

  async function pull(image: PlannedImage, registryRef: string): Promise<boolean> {
    const name = `pull ${image.name} image`;
    const startedAt = performance.now();
    report({ kind: 'step-started', step: name });
    try {
      await docker.pull(registryRef, { signal });
      await docker.tag(registryRef, image.ref);
      report({ kind: 'step-done', step: name, durationMs: performance.now() - startedAt });
      return true;
    } catch (error) {
      report({ kind: 'step-failed', step: name, durationMs: performance.now() - startedAt });
      if (!(error instanceof SparkPlugError) || error.code === 'DISK_FULL') throw error;
      failures.set(image.name, error);
      if (error.code !== 'IMAGE_MISSING' && refused === null) {
        refused = error;
        if (build !== 'never') report({ kind: 'warning', text: `${error.message}; building instead` });
      }
      return false;
    }
  }

  return {
    tryPull: async (image) =>
      image.registryRef !== null && refused === null ? await pull(image, image.registryRef) : false,
    explainMissing: (image) => {
      const failure = refused ?? failures.get(image.name);
      if (failure !== undefined && failure !== null && failure.code !== 'IMAGE_MISSING') return failure;
      const place = image.registryRef ?? image.ref;
      return new SparkPlugError(
        'IMAGE_MISSING',
        `the image ${place} is neither here nor in a registry, and building is off`,
        {
          place: image.registryRef === null ? 'images' : 'images.registry',
          met: place,
          hint: 'sparkplug images push from a computer that has it, or run the command without --no-build',
        },
      );
    },
  };
}

/** By name and label: an image that only carries our name was not made by us. */
async function findPresent(docker: Docker, image: PlannedImage): Promise<string | null> {
  const found = await docker.inspectImage(image.ref);
  return found?.labels[contentLabel] === image.contentHash ? found.id : null;
}

/** On images: the content hash that also stands in the tag. */
export const contentLabel = 'sparkplug.content';

async function requireId(docker: Docker, image: PlannedImage): Promise<string> {
  const id = await docker.imageId(image.ref);
  if (id === null) throw new Error(`${image.ref} was obtained but is not there`);
  return id;
}

function describe(image: PlannedImage, id: string, how: ObtainedImage['how'], durationMs: number): ObtainedImage {
  return { name: image.name, ref: image.ref, id, how, durationMs };
}
