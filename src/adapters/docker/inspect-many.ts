// Listing and inspecting, the two steps of every query: the client's lists alone do not tell enough.
import type { DockerClient, LabelFilter } from './docker.ts';
import { mapDockerFailure, saysMissing, saysNoSwarm } from './map-docker-failure.ts';

/** `--filter label=…` arguments, all of which must hold. */
export function toFilterArgs(filter: LabelFilter): readonly string[] {
  return Object.entries(filter).flatMap(([label, value]) => [
    '--filter',
    value === null ? `label=${label}` : `label=${label}=${value}`,
  ]);
}

/** `--label` arguments. */
export function toLabelArgs(labels: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(labels).flatMap(([label, value]) => ['--label', `${label}=${value}`]);
}

export function splitLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Ids that a listing command prints. An engine without a Swarm has no services, configs or secrets. */
export async function listIds(client: DockerClient, args: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await client.tryRun(args);
  if (exitCode === 0) return splitLines(stdout);
  if (saysNoSwarm(stderr)) return [];
  throw mapDockerFailure(args, stderr, null);
}

/** Inspects by id; what vanished since it was listed is left out. */
export async function inspectMany(
  client: DockerClient,
  command: readonly string[],
  ids: readonly string[],
): Promise<readonly unknown[]> {
  const unique = [...new Set(ids)];
  if (unique.length === 0) return [];
  const args = [...command, ...unique];
  const { stdout, stderr, exitCode } = await client.tryRun(args);
  if (exitCode !== 0 && !saysMissing(stderr)) throw mapDockerFailure(args, stderr, null);
  const found: unknown = JSON.parse(stdout.trim() === '' ? '[]' : stdout);
  return Array.isArray(found) ? found : [];
}

/** Removes by name; one that is gone already is what was wanted. */
export async function removeQuietly(client: DockerClient, args: readonly string[]): Promise<void> {
  const { stderr, exitCode } = await client.tryRun(args);
  if (exitCode !== 0 && !saysMissing(stderr)) throw mapDockerFailure(args, stderr, null);
}
