// Images of the engine: build, move, name, remove.
import type { BuildRequest, DockerClient, ImageCalls, ImageSummary, StreamOptions, TransferOptions } from './docker.ts';
import { inspectMany, splitLines, toFilterArgs, toLabelArgs } from './inspect-many.ts';
import { mapDockerFailure, saysInUse, saysMissing } from './map-docker-failure.ts';
import { digLabels, digNumber, digText, digTexts } from './read-json.ts';

function readImage(value: unknown): ImageSummary {
  return {
    id: digText(value, 'Id'),
    tags: digTexts(value, 'RepoTags'),
    digests: digTexts(value, 'RepoDigests'),
    labels: digLabels(value, 'Config', 'Labels'),
    createdAt: digText(value, 'Created'),
    sizeBytes: digNumber(value, 'Size'),
  };
}

function toBuildArgs(request: BuildRequest, buildKit: boolean): readonly string[] {
  return [
    'build',
    ...['--network', 'host', '--tag', request.tag, '--file', request.dockerfile],
    // The old builder leaves its containers behind after a failure.
    ...(buildKit ? ['--progress', 'plain'] : ['--force-rm']),
    ...Object.entries(request.buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...toLabelArgs(request.labels),
    request.contextDir,
  ];
}

export function createImageCalls(client: DockerClient, context: string | null): ImageCalls {
  let buildKit: Promise<boolean> | null = null;

  /** Clients from 23 on build with BuildKit only through the buildx plugin; without it they need the old builder. */
  function hasBuildKit(): Promise<boolean> {
    buildKit ??= client.tryRun(['buildx', 'version']).then(({ exitCode }) => exitCode === 0);
    return buildKit;
  }

  async function consume(
    args: readonly string[],
    options: Parameters<DockerClient['stream']>[1],
    onLine: (line: string) => void = ignore,
  ) {
    for await (const { line } of client.stream(args, options)) onLine(line);
  }

  async function inspectImage(ref: string): Promise<ImageSummary | null> {
    const [found] = await inspectMany(client, ['image', 'inspect'], [ref]);
    return found === undefined ? null : readImage(found);
  }

  return {
    inspectImage,

    async imageId(ref) {
      return (await inspectImage(ref))?.id ?? null;
    },

    async build(request) {
      const withBuildKit = await hasBuildKit();
      const env = withBuildKit
        ? // Another builder would not see the engine's own images, on which ours are built.
          { DOCKER_BUILDKIT: '1', BUILDX_BUILDER: context ?? 'default' }
        : { DOCKER_BUILDKIT: '0' };
      await consume(toBuildArgs(request, withBuildKit), { env, signal: request.signal }, request.onLine);
    },

    async pull(ref, options = {}) {
      await consume(['pull', ref], transfer(options), options.onLine);
    },

    async push(ref, options = {}) {
      await consume(['push', ref], transfer(options), options.onLine);
    },

    async tag(source, target) {
      await client.run(['tag', source, target]);
    },

    async removeImage(ref) {
      const args = ['image', 'rm', ref];
      const { exitCode, stderr } = await client.tryRun(args);
      if (exitCode === 0) return 'removed';
      if (saysInUse(stderr)) return 'in-use';
      if (saysMissing(stderr)) return 'missing';
      throw mapDockerFailure(args, stderr, context);
    },

    async listImages(filter) {
      const ids = await client.run(['images', '--quiet', '--no-trunc', ...toFilterArgs(filter)]);
      const images = await inspectMany(client, ['image', 'inspect'], splitLines(ids));
      return images.map(readImage).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    },
  };
}

function transfer({ signal, dockerConfig }: TransferOptions): StreamOptions {
  return { signal, ...(dockerConfig === undefined ? {} : { env: { DOCKER_CONFIG: dockerConfig } }) };
}

function ignore(): void {}
