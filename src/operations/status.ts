// How the cluster is: what the scheduler says, or what Docker says while the conductor is away.
import type { ClusterStatus, ComponentHealth } from '../api/schemas.ts';
import type { ObservedService } from '../engine/cluster-state.ts';
import { findFailingServices } from '../engine/find-failing-services.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import { createProjectClient, fingerprintOf, notUp, urlOf } from './cluster-access.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';

export interface StatusReport extends Omit<ClusterStatus, 'revision' | 'version'> {
  readonly url: string | null;
  /** SHA-256 of the certificate under `url`, null without TLS. */
  readonly fingerprint: string | null;
  /** Docker context, null for Docker's default. */
  readonly context: string | null;
  /** False: the REST API does not answer and the components are as Docker tells. */
  readonly reachable: boolean;
  readonly revision: number | null;
  /** Version of the conductor. */
  readonly version: string | null;
}

/** @throws SparkPlugError CLUSTER_NOT_UP, CLUSTER_UNREACHABLE (both exit 3) */
export async function readStatus(
  choice: ProjectChoice,
  { signal }: { readonly signal: AbortSignal },
): Promise<StatusReport> {
  const project = await locateProject(choice);
  if (project.state === null) throw notUp();
  const { id, webPort, webTrust } = project.state;
  const api = await createProjectClient(project);
  const place = {
    url: webPort === null ? null : urlOf(webPort, webTrust, await project.findHost()),
    fingerprint: fingerprintOf(webTrust),
    context: project.context,
  };
  try {
    if (api !== null) return { ...(await api.clusterStatus({ signal })), ...place, reachable: true };
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
  }
  const { services } = await observeCluster(project.docker, id).catch((error: unknown) => {
    throw explainSilentEngine(error);
  });
  if (services.length === 0) throw notUp();
  return { ...describeByDocker(id, services, Date.now()), ...place };
}

const engineAway: ReadonlySet<string> = new Set(['DOCKER_NOT_RUNNING', 'DOCKER_MISSING', 'DOCKER_NOT_PERMITTED']);

/** With neither conductor nor engine to ask, the cluster cannot be reached; the engine's fix is the fix. */
export function explainSilentEngine(error: unknown): unknown {
  if (!(error instanceof SparkPlugError) || !engineAway.has(error.code)) return error;
  const { hint, message, code } = error;
  return new SparkPlugError('CLUSTER_UNREACHABLE', `the REST API does not answer, and ${message} (${code})`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

/** The report without a conductor to ask; nothing in it is `ready`, since nobody has asked the components. */
export function describeByDocker(
  projectId: string,
  services: readonly ObservedService[],
  nowMs: number,
): Omit<StatusReport, 'url' | 'fingerprint' | 'context'> {
  const failing = new Map(findFailingServices({ projectId, services }, nowMs).map((one) => [one.service, one]));
  return {
    projectId,
    reachable: false,
    ready: false,
    revision: null,
    version: null,
    components: services.map((service) => describeService(service, failing.get(service.name)?.error)),
    spark: null,
    hdfs: null,
    runs: { queued: 0, running: 0 },
    operation: null,
    overrides: [],
    warnings: ['the REST API does not answer; this is what Docker tells. `sparkplug up` repairs the conductor'],
  };
}

function describeService(service: ObservedService, failure: string | undefined): ComponentHealth {
  const { name, tasks } = service;
  if (failure !== undefined) return { name, state: 'failing', detail: failure };
  const [newest] = tasks;
  if (newest === undefined) return { name, state: 'missing', detail: 'no container yet' };
  if (newest.state === 'running') return { name, state: 'starting', detail: 'its container runs' };
  return { name, state: 'starting', detail: newest.error ?? newest.state };
}
