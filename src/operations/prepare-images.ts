// From a project and this copy of SparkPlug to the images its cluster runs on: planned by content, then obtained.
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import type { Docker, EngineInfo } from '../adapters/docker/docker.ts';
import { measureFreeDiskMiB } from '../adapters/host/disk.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';
import { buildImage } from '../images/build-image.ts';
import { installConductorModules } from '../images/conductor-modules.ts';
import { ensureDebianImage } from '../images/debian-image.ts';
import { type FileTree, hashTree, listTree } from '../images/file-tree.ts';
import { readHostSettings } from '../images/host-settings.ts';
import { type BuiltImageName, type ImagePlan, type PlannedImage, planImages } from '../images/image-plan.ts';
import { type Build, contentLabel, type ObtainedImage, obtainImages } from '../images/obtain-images.ts';
import { listProjectCode } from '../images/project-code.ts';
import { readRecipes, toParentArg } from '../images/read-recipes.ts';
import { readRequirements } from '../images/requirements.ts';
import { packageRoot } from '../package-root.ts';
import type { Report } from '../progress.ts';
import type { ImageRefs } from '../stack/stack-spec.ts';
import { formatMiB } from '../units.ts';
import { version } from '../version.ts';

/** What the conductor's image takes from dist/: its programs, each one whole file, and the dashboard that `web` serves. */
const programs: readonly string[] = ['web.js', 'scheduler.js', 'agent.js'];
const dashboardFolder = 'dashboard';
const builtFiles: readonly string[] = [...programs, `${dashboardFolder}/index.html`];
/** All images together, and what the largest needs while it is built. */
const buildRoomMiB = 4 * 1024;
const clusterImages = ['hdfs', 'spark', 'conductor', 'worker', 'driver'] as const;

export interface ImageRequest {
  readonly config: ClusterConfig;
  readonly projectDir: string;
  readonly projectId: string;
  readonly report: Report;
  /** `never`: what is neither here nor in the registry is an error. Default `when-needed`. */
  readonly build?: 'when-needed' | 'never';
  /** Also the image of the registry that serves further machines. Default false. */
  readonly registry?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PreparedImages {
  /**
   * Image ids, `sha256:…`. Swarm asks a registry for every image that is given by name, even one that is here already: that
   * would cost seconds a container and might fetch a stranger's image of the same name.
   */
  readonly refs: ImageRefs;
  /** Of the registry, null where it was not asked for. */
  readonly registryRef: string | null;
  readonly images: readonly ObtainedImage[];
}

/** A project's plan with the files it was made of. */
export interface ReadImagePlan {
  readonly plan: ImagePlan;
  readonly requirements: string;
  readonly code: FileTree;
  readonly programs: FileTree;
}

/** Reads what goes into the images and names them. Needs no Docker. @throws SparkPlugError CODE_TOO_LARGE, REQUIREMENT_FAILED, NOT_BUILT */
export async function readImagePlan(request: Pick<ImageRequest, 'config' | 'projectDir'>): Promise<ReadImagePlan> {
  const { config, projectDir } = request;
  const [recipes, code, programTree, requirements] = await Promise.all([
    readRecipes(imagesFolder()),
    listProjectCode(
      projectDir,
      config.jobs.map((job) => job.main),
    ),
    listTree(join(packageRoot(), 'dist'), (path) => !programs.includes(path) && path.split('/')[0] !== dashboardFolder),
    config.requirements === null ? '' : readRequirements(projectDir, config.requirements),
  ]);
  if (!builtFiles.every((file) => programTree.files.some(({ path }) => path === file))) {
    throw new SparkPlugError('NOT_BUILT', 'the conductor has not been built', {
      place: 'dist/',
      hint: 'npm run build',
    });
  }
  const [programsHash, codeHash] = await Promise.all([hashTree(programTree), hashTree(code)]);
  const plan = planImages(config, { version, recipes, programsHash, requirements, codeHash });
  return { plan, requirements, code, programs: programTree };
}

/** Names of the cluster's images, before any of them exists. */
export function listPlannedRefs(plan: ImagePlan): ImageRefs {
  const refs = clusterImages.map((name) => [name, plan[plan[name].sameAs ?? name].ref]);
  return Object.fromEntries(refs) as ImageRefs;
}

/**
 * Has every image of the cluster on the engine: by name where it is there, else from `images.registry`, else built.
 * @throws SparkPlugError IMAGE_MISSING, IMAGE_BUILD_FAILED, REQUIREMENT_FAILED, PACKAGE_FAILED, APT_FAILED, BASE_IMAGE_FAILED,
 *   CODE_TOO_LARGE, DISK_FULL, REGISTRY_*, DOCKER_*
 */
export async function prepareImages(docker: Docker, request: ImageRequest): Promise<PreparedImages> {
  const read = await readImagePlan(request);
  const needed = request.registry === true ? [...clusterImages, 'registry' as const] : clusterImages;
  const images = await obtainPlanned(docker, request, read, needed);
  const ids = new Map(images.map(({ name, id }) => [name, id]));
  const refs = clusterImages.map((name) => [name, ids.get(name) ?? read.plan[name].ref]);
  const registryRef = ids.get('registry') ?? null;
  return { refs: Object.fromEntries(refs) as ImageRefs, registryRef, images };
}

/** Like `prepareImages`, for any of the images. */
export async function obtainPlanned(
  docker: Docker,
  request: ImageRequest,
  read: ReadImagePlan,
  needed: readonly BuiltImageName[],
): Promise<readonly ObtainedImage[]> {
  const leftovers: string[] = [];
  try {
    return await obtainImages(docker, {
      plan: read.plan,
      needed,
      build: request.build ?? 'when-needed',
      parallelBuilds: Math.max(2, availableParallelism()),
      prepareBuild: createBuilds(docker, request, read, (id) => leftovers.push(id)),
      report: request.report,
      signal: request.signal,
    });
  } finally {
    // After all builds: one may still stand on what another left behind. What another command uses stays.
    for (const id of leftovers) await docker.removeImage(id).catch(() => undefined);
  }
}

/** What several builds share is read once, and only when the first of them asks. */
function createBuilds(docker: Docker, request: ImageRequest, read: ReadImagePlan, onLeftover: (id: string) => void) {
  const readOnce = once(readHostSettings);
  const findArch = once(async () => {
    const info = await docker.info();
    await refuseFullDisk(info);
    return info.arch;
  });
  const findDebian = once(async () =>
    ensureDebianImage(docker, { report: request.report, arch: await findArch(), signal: request.signal }),
  );

  return async (image: PlannedImage): Promise<Build> => {
    const { name } = image;
    const standsOnDebian = ['base', 'conductor', 'registry', 'machine'].includes(name);
    const [host, , debian, modules] = await Promise.all([
      readOnce(),
      findArch(),
      standsOnDebian ? findDebian() : null,
      name === 'conductor' ? findArch().then((arch) => installConductorModules(recipeFolder(name), arch)) : null,
    ]);
    return (onLine, signal) =>
      buildImage(docker, {
        image,
        recipeFolder: recipeFolder(name),
        host,
        buildArgs: {
          VERSION: version,
          ...(debian === null ? {} : { DEBIAN_IMAGE: debian }),
          ...Object.fromEntries(image.parents.map((parent) => [toParentArg(parent), findRef(read.plan, parent)])),
          ...(name === 'worker' ? { APT_PACKAGES: request.config.apt.join(' ') } : {}),
        },
        labels: listLabels(image, request),
        texts: name === 'worker' ? listWorkerTexts(request.config, read) : {},
        trees: {
          ...(name === 'driver' ? { code: read.code } : {}),
          ...(modules === null ? {} : { dist: read.programs, node_modules: modules }),
        },
        onLine,
        onLeftover,
        signal,
      });
  };
}

/** Better than a build that fails after minutes. A remote engine's disk is not here to look at. */
async function refuseFullDisk({ name, rootDir }: EngineInfo): Promise<void> {
  const freeMiB = name === hostname() ? await measureFreeDiskMiB(rootDir) : null;
  if (freeMiB === null || freeMiB >= buildRoomMiB) return;
  throw new SparkPlugError('DISK_FULL', `building images needs some ${formatMiB(buildRoomMiB)} of disk`, {
    place: rootDir,
    met: `${formatMiB(freeMiB)} free`,
    hint: 'docker system df; docker system prune',
  });
}

function findRef(plan: ImagePlan, name: BuiltImageName): string {
  return plan[plan[name].sameAs ?? name].ref;
}

function listWorkerTexts(config: ClusterConfig, { requirements }: ReadImagePlan): Readonly<Record<string, string>> {
  return { 'requirements.txt': `${requirements}\n`, 'packages.txt': `${config.packages.join('\n')}\n` };
}

function listLabels(image: PlannedImage, { projectId }: ImageRequest): Readonly<Record<string, string>> {
  return {
    [labels.image]: image.name,
    [contentLabel]: image.contentHash,
    ...(image.ofProject ? { [labels.project]: projectId } : {}),
  };
}

function imagesFolder(): string {
  return join(packageRoot(), 'images');
}

function recipeFolder(name: BuiltImageName): string {
  return join(imagesFolder(), name);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null;
  return () => {
    result ??= work();
    return result;
  };
}
