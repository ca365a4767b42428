// Use cases `images …` for the project that the shared flags mean.
import type { ObtainedImage } from '../images/obtain-images.ts';
import type { Report } from '../progress.ts';
import { type ListedImage, listImages } from './list-images.ts';
import { ensureProjectState, locateProject, openProject, type ProjectChoice } from './open-project.ts';
import { type ImageRequest, prepareImages } from './prepare-images.ts';
import { type PushedImage, pushImages } from './push-images.ts';
import { removeImages } from './remove-images.ts';

interface ImageWork {
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** The images of the project as its tree is now. */
export async function listProjectImages(choice: ProjectChoice): Promise<readonly ListedImage[]> {
  const { config, dir, docker } = await openProject(choice);
  return await listImages(docker, { config, projectDir: dir });
}

/** Pulls or builds whatever is missing. */
export async function buildProjectImages(choice: ProjectChoice, work: ImageWork): Promise<readonly ObtainedImage[]> {
  const { docker, request } = await requestOf(choice, work);
  return (await prepareImages(docker, request)).images;
}

/** Pushes all to `images.registry`, building first what is missing. */
export async function pushProjectImages(choice: ProjectChoice, work: ImageWork): Promise<readonly PushedImage[]> {
  const { docker, request } = await requestOf(choice, work);
  return await pushImages(docker, request);
}

/** Removes SparkPlug's images of all projects from the engine, but those that a container needs. */
export async function removeAllImages(choice: ProjectChoice): Promise<readonly string[]> {
  const { docker } = await locateProject(choice);
  return await removeImages(docker);
}

async function requestOf(choice: ProjectChoice, { report, signal }: ImageWork) {
  const project = await openProject(choice);
  const { id } = await ensureProjectState(project);
  const request: ImageRequest = {
    config: project.config,
    projectDir: project.dir,
    projectId: id,
    registry: true,
    report,
    signal,
  };
  return { docker: project.docker, request };
}
