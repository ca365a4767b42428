// The way to a running cluster's REST API, and why there is none.
import { type ApiClient, createApiClient } from '../api/client.ts';
import type { ProjectState } from '../config/project-state.ts';
import { labels } from '../engine/labels.ts';
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import { version } from '../version.ts';
import { compareVersions } from './compare-versions.ts';
import { type LocatedProject, locateProject, type ProjectChoice } from './open-project.ts';
import { settleToken } from './own-token.ts';

/**
 * Calls `use` with the API of the project's cluster.
 * @throws SparkPlugError CLUSTER_NOT_UP, CLUSTER_UNREACHABLE (exit 3), CLI_TOO_OLD
 */
export async function withCluster<T>(choice: ProjectChoice, use: (api: ApiClient) => Promise<T>): Promise<T> {
  const project = await locateProject(choice);
  try {
    return await use(await connectToCluster(project));
  } catch (error) {
    throw await explainUnreachable(project, error);
  }
}

/** The same for a stream of values. */
export async function* streamFromCluster<T>(
  choice: ProjectChoice,
  use: (api: ApiClient) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const project = await locateProject(choice);
  try {
    yield* use(await connectToCluster(project));
  } catch (error) {
    throw await explainUnreachable(project, error);
  }
}

/** The client, once the cluster has answered; an older command line is refused. */
export async function connectToCluster(project: LocatedProject): Promise<ApiClient> {
  const api = await createProjectClient(project);
  if (api === null) throw notUp();
  refuseOlderCli((await api.health()).version);
  return api;
}

/** The client without asking anything; null where the project never had a cluster. */
export async function createProjectClient({
  state,
  findHost,
}: Pick<LocatedProject, 'state' | 'findHost'>): Promise<ApiClient | null> {
  if (state === null) return null;
  const connect = connectWith(state, await findHost());
  if (connect === null) return null;
  const token = await settleToken(state.id, connect);
  return token === null ? null : connect(token);
}

/** Makes the client of any token; null before the project has a port. @param host of the engine's machine, null here */
export function connectWith(
  { webPort, webTrust }: ProjectState,
  host: string | null,
): ((token: string) => ApiClient) | null {
  if (webPort === null) return null;
  const baseUrl = `${schemeOf(webTrust)}://${toAuthority(host)}:${webPort}`;
  return (token) => createApiClient({ baseUrl, token, trust: webTrust });
}

/** Where people open the published port: under the name in a certificate of the user's own, else on the engine's machine. */
export function urlOf(webPort: number, webTrust: ProjectState['webTrust'], host: string | null): string {
  const [trust] = webTrust;
  const named = trust?.kind === 'tls' ? trust.host : null;
  return `${schemeOf(webTrust)}://${named ?? toAuthority(host)}:${webPort}`;
}

/** As a URL writes it; an engine of this computer publishes on loopback as well. */
function toAuthority(host: string | null): string {
  if (host === null) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** SHA-256 of the certificate that browsers are shown; null without TLS. */
export function fingerprintOf(webTrust: ProjectState['webTrust']): string | null {
  const [trust] = webTrust;
  return trust?.kind === 'tls' ? trust.fingerprint : null;
}

function schemeOf([trust]: ProjectState['webTrust']): 'http' | 'https' {
  return trust?.kind === 'tls' ? 'https' : 'http';
}

export function notUp(): SparkPlugError {
  return new SparkPlugError('CLUSTER_NOT_UP', 'this project has no cluster', { hint: 'sparkplug up' });
}

/** @throws SparkPlugError CLI_TOO_OLD */
export function refuseOlderCli(theirs: string): void {
  if (compareVersions(version, theirs) >= 0) return;
  throw new SparkPlugError('CLI_TOO_OLD', `the cluster runs SparkPlug ${theirs}, this command line is ${version}`, {
    met: version,
    hint: `upgrade this copy of SparkPlug to ${theirs} or later`,
  });
}

/** What a port gives on which nobody listens, or by now somebody else. */
const strangerCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CLUSTER_UNREACHABLE',
  'CERTIFICATE_MISMATCH',
  'AUTH_REQUIRED',
  'API_FAILED',
]);

/** A port that does not answer is one thing with services behind it and another without. */
export async function explainUnreachable(project: LocatedProject, error: unknown): Promise<unknown> {
  if (!(error instanceof SparkPlugError) || !strangerCodes.has(error.code) || project.state === null) return error;
  const services = await project.docker.services({ [labels.project]: project.state.id }).catch(() => null);
  return services !== null && services.length === 0 ? notUp() : error;
}
