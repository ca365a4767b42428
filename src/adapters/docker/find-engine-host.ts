// Where the engine's machine answers: what it publishes is there, and not on this computer when the engine is elsewhere.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { DockerClient } from './docker.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Host name or address of the engine's machine, null for this computer. As the docker client itself decides: the context
 * given, then DOCKER_HOST, DOCKER_CONTEXT, `docker context use`. Asks Docker only where a context is named.
 * @throws SparkPlugError DOCKER_CONTEXT_MISSING
 */
export async function findEngineHost(
  docker: Pick<DockerClient, 'run'> & { readonly context: string | null },
  env: Environment,
): Promise<string | null> {
  const ofEnvironment = env.DOCKER_HOST ? hostOf(env.DOCKER_HOST) : null;
  if (docker.context === null && env.DOCKER_HOST) return ofEnvironment;
  const context = docker.context ?? (env.DOCKER_CONTEXT || (await readCurrentContext(env)));
  if (context === null || context === 'default') return ofEnvironment;
  return hostOf(await docker.run(['context', 'inspect', context, '--format', '{{.Endpoints.docker.Host}}']));
}

/** Host of an endpoint; null for a socket of this computer and for what leads back to it. */
export function hostOf(endpoint: string): string | null {
  const text = endpoint.trim();
  if (!/^(?:tcp|ssh|https?):\/\//.test(text) || !URL.canParse(text)) return null;
  // In other schemes than the web's own, URL leaves brackets and case as they are.
  const { hostname } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === '' || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(host) ? null : host;
}

async function readCurrentContext(env: Environment): Promise<string | null> {
  const file = join(env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
  try {
    const parsed = JSON.parse(await readFile(file, 'utf8')) as { readonly currentContext?: unknown };
    return typeof parsed.currentContext === 'string' && parsed.currentContext !== '' ? parsed.currentContext : null;
  } catch {
    // No file, or one that the client itself will complain about.
    return null;
  }
}
