// What an agent does for the scheduler, on what bears the project's label and on nothing else.
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import {
  agentPaths,
  inputType,
  type Notice,
  type OutputLine,
  outputType,
  PruneRequest,
  SignalRequest,
} from '../adapters/agent/agent-protocol.ts';
import type { ContainerStats } from '../adapters/docker/container-stats.ts';
import type { Docker, Labels, PipedOutput } from '../adapters/docker/docker.ts';
import type { VolumeLabels } from '../adapters/docker/volume-labels.ts';
import { parseRequest } from '../api/parse-request.ts';
import { createApp, type WriteLog } from '../api/web-app.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';

export interface AgentParts {
  readonly docker: Pick<
    Docker,
    'inspectContainer' | 'execPiped' | 'kill' | 'volumes' | 'removeVolume' | 'listImages' | 'removeImage'
  >;
  readonly stats: ContainerStats;
  readonly volumeLabels: Pick<VolumeLabels, 'read'>;
  readonly projectId: string;
  /** `IP:PORT` of the cluster's registry: images from there are the cluster's. */
  readonly registry: string;
  readonly log: WriteLog;
}

const statsTimeoutMs = 4_000;
const noticeTimeoutMs = 4_000;

/** As the engine writes ids: nothing else ever becomes an argument of the docker client. */
const ContainerParams = z.strictObject({ id: z.string().regex(/^[0-9a-f]{64}$/, 'is the full id of a container') });
const VolumeParams = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/, 'is the name of a volume'),
});
const ExecQuery = z.strictObject({
  command: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is a JSON array of texts');
        return z.NEVER;
      }
    })
    .pipe(z.array(z.string()).min(1).max(1000)),
});
const noQuery = z.strictObject({});

/** The application; whoever reaches it has shown the scheduler's certificate. */
export function createAgentApp(parts: AgentParts): FastifyInstance {
  const { docker, stats, projectId } = parts;
  const project = { [labels.project]: projectId };
  const app = createApp({ log: parts.log, admit: () => undefined });
  app.addContentTypeParser(inputType, (_request, payload, done) => done(null, payload));

  app.get('/healthz', { config: { open: true } }, () => ({ status: 'ok' }));
  app.get(agentPaths.uses, async () => ({ containers: await stats.read(project, { timeoutMs: statsTimeoutMs }) }));

  // About the machine and not the project: whoever gives notice knows nothing of projects.
  app.get(agentPaths.notice, async () => {
    const [first] = await parts.volumeLabels.read(labels.notice, { timeoutMs: noticeTimeoutMs });
    return { notice: first === undefined ? null : toNotice(first) };
  });

  app.post(agentPaths.exec(':id'), async (request, reply) => {
    const { id } = parseRequest(ContainerParams, request.params, 'path');
    const { command } = parseRequest(ExecQuery, request.query, 'query');
    await requireContainer(docker, projectId, id);
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    const input = request.body instanceof Readable ? request.body : undefined;
    const output = docker.execPiped(id, command, { input, signal: left.signal });
    return reply.type(outputType).send(Readable.from(writeOutput(output, left.signal), { objectMode: false }));
  });

  app.post(agentPaths.signal(':id'), async (request, reply) => {
    const { id } = parseRequest(ContainerParams, request.params, 'path');
    const { signal } = parseRequest(SignalRequest, request.body, 'body');
    await requireContainer(docker, projectId, id);
    await docker.kill(id, signal);
    return reply.code(204).send();
  });

  app.delete(agentPaths.volume(':name'), async (request, reply) => {
    const { name } = parseRequest(VolumeParams, request.params, 'path');
    parseRequest(noQuery, request.query, 'query');
    // By label first: a name alone could be anybody's. One that is gone is what was wanted.
    if ((await docker.volumes(project)).some((volume) => volume.name === name)) await docker.removeVolume(name);
    else if ((await docker.volumes({})).some((volume) => volume.name === name)) throw notOurs(`volume ${name}`);
    return reply.code(204).send();
  });

  app.get(agentPaths.images, async () => ({ images: await listImages(parts) }));

  app.post(agentPaths.prune, async (request) => {
    const { keep } = parseRequest(PruneRequest, request.body, 'body');
    const kept = new Set(keep);
    const removed: string[] = [];
    for (const { tags } of await listImages(parts)) {
      for (const tag of tags.filter((name) => !kept.has(name))) {
        if ((await docker.removeImage(tag)) === 'removed') removed.push(tag);
      }
    }
    return { removed };
  });
  return app;
}

/** A time that cannot be read is none: the notice counts all the same. */
function toNotice({ [labels.notice]: action = '', [labels.noticeUntil]: until = '' }: Labels): Notice {
  const untilMs = Date.parse(until);
  return { action: action.slice(0, 64), until: Number.isNaN(untilMs) ? null : new Date(untilMs).toISOString() };
}

/** Images of SparkPlug's under names in the cluster's own registry; other names of them are not shown. */
async function listImages({ docker, registry }: AgentParts) {
  const images = await docker.listImages({ [labels.image]: null });
  return images
    .map(({ id, tags, sizeBytes }) => ({ id, tags: tags.filter((tag) => tag.startsWith(`${registry}/`)), sizeBytes }))
    .filter(({ tags }) => tags.length > 0);
}

/** The same answer whether it is not there or somebody else's. */
async function requireContainer(docker: AgentParts['docker'], projectId: string, id: string): Promise<void> {
  const container = await docker.inspectContainer(id);
  if (container?.labels[labels.project] !== projectId) throw notOurs(`container ${id}`);
}

function notOurs(what: string): SparkPlugError {
  return new SparkPlugError('COMPONENT_UNKNOWN', `this cluster has no ${what} here`, { met: what });
}

async function* writeOutput(output: AsyncIterable<PipedOutput>, signal: AbortSignal): AsyncGenerator<string> {
  const write = (line: OutputLine): string => `${JSON.stringify(line)}\n`;
  try {
    for await (const part of output) {
      if (part.kind === 'exit') yield write({ exitCode: part.exitCode });
      else yield write(toLine(part.source, Buffer.from(part.bytes).toString('base64')));
    }
  } catch (error) {
    if (signal.aborted) return;
    yield write({ failure: error instanceof Error ? error.message : String(error) });
  }
}

function toLine(source: 'stdout' | 'stderr', data: string): OutputLine {
  return source === 'stdout' ? { stdout: data } : { stderr: data };
}
