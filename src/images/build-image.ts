// One image: its context laid out in a folder of its own, built, and the folder removed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Docker } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import { openBuildLog } from './build-log.ts';
import { explainBuildFailure } from './explain-build-failure.ts';
import { copyTree, type FileTree, listTree } from './file-tree.ts';
import { findStages } from './find-stages.ts';
import { type HostSettings, writeHostSettings } from './host-settings.ts';
import type { PlannedImage } from './image-plan.ts';
import { isBroughtIn } from './read-recipes.ts';

export interface BuildInput {
  readonly image: PlannedImage;
  /** The image's folder below images/. */
  readonly recipeFolder: string;
  readonly host: HostSettings;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Further files, by their path in the context. */
  readonly texts: Readonly<Record<string, string>>;
  /** Further folders, by their path in the context. */
  readonly trees: Readonly<Record<string, FileTree>>;
  readonly onLine: (line: string) => void;
  /** Told the ids of images that the build leaves behind and nobody needs. */
  readonly onLeftover: (id: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** @throws SparkPlugError IMAGE_BUILD_FAILED, REQUIREMENT_FAILED, PACKAGE_FAILED, APT_FAILED, DISK_FULL, DOCKER_* */
export async function buildImage(docker: Docker, input: BuildInput): Promise<void> {
  // mkdtemp's folder is closed to everyone else: host settings may hold passwords of package servers.
  const contextDir = await mkdtemp(join(tmpdir(), 'sparkplug-build-'));
  const log = await openBuildLog(input.image.name);
  let succeeded = false;
  try {
    await stageContext(contextDir, input);
    await docker.build({
      contextDir,
      dockerfile: join(contextDir, 'Dockerfile'),
      tag: input.image.ref,
      buildArgs: { ...input.host.proxyArgs, ...input.buildArgs },
      labels: input.labels,
      signal: input.signal,
      onLine: (coloured) => {
        const line = stripVTControlCharacters(coloured).trimEnd();
        log.write(line);
        input.onLine(line);
      },
    });
    succeeded = true;
  } catch (error) {
    throw explain(error, input, log);
  } finally {
    for (const id of findStages(log.lines, succeeded)) input.onLeftover(id);
    await Promise.all([log.close(), rm(contextDir, { recursive: true, force: true })]);
  }
}

async function stageContext(contextDir: string, { recipeFolder, host, texts, trees }: BuildInput): Promise<void> {
  await copyTree(await listTree(recipeFolder, isBroughtIn), contextDir);
  await writeHostSettings(join(contextDir, 'host'), host);
  for (const [path, text] of Object.entries(texts)) await writeFile(join(contextDir, path), text, { mode: 0o644 });
  for (const [path, tree] of Object.entries(trees)) await copyTree(tree, join(contextDir, path));
}

/** The engine's own troubles keep their codes; a step that failed is explained by what it printed. */
function explain(error: unknown, { image }: BuildInput, log: { file: string; lines: readonly string[] }): unknown {
  if (!(error instanceof SparkPlugError) || error.code !== 'DOCKER_FAILED') return error;
  return explainBuildFailure(image.name, log.lines.length > 0 ? log.lines : [error.message], log.file);
}
