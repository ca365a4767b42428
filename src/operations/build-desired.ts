// Config, images and what was settled before → DesiredState; pure.
import type { ClusterConfig, WorkerShape } from '../config/cluster-config.ts';
import type { SecretFile } from '../config/user-folder.ts';
import { chooseWorkerShape } from '../plan/choose-worker-shape.ts';
import type { Machine } from '../plan/cluster-plan.ts';
import type { ClusterRegistry, DesiredConfig, DesiredState } from '../stack/desired-state.ts';
import { swarmName } from '../stack/hash-content.ts';
import { isOwnSecret, signingSecrets } from '../stack/job-secrets.ts';
import type { ImageRefs } from '../stack/stack-spec.ts';
import { version } from '../version.ts';

export interface DesiredParts {
  readonly config: DesiredConfig;
  readonly projectId: string;
  readonly images: ImageRefs;
  readonly workerShape: WorkerShape;
  readonly webPort: number;
  readonly subnets: DesiredState['subnets'];
  readonly socketGid: number;
  readonly secrets: readonly SecretFile[];
  readonly registry?: ClusterRegistry;
}

export function buildDesired(parts: DesiredParts): DesiredState {
  const { secrets, projectId, ...rest } = parts;
  return {
    version,
    projectId,
    // One that was deployed by hand keeps its own name: the engine goes by what the services carry.
    namespace: projectId,
    ...rest,
    secrets: secrets
      .map(({ name, hash }) => ({ name, swarmName: swarmName(projectId, name, hash) }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** A run's tree says nothing about the registry and the certificates: they stay as the last `up` made them. */
export function keepInfrastructure(desired: DesiredState, current: DesiredState): DesiredState {
  const known = new Set(desired.secrets.map(({ name }) => name));
  const kept = current.secrets.filter(({ name }) => !known.has(name) && isOwnSecret(name));
  return {
    ...desired,
    ...(current.registry === undefined ? {} : { registry: current.registry }),
    secrets: [...desired.secrets, ...kept].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/**
 * `web.listen: auto` is `local` where the conductor is on this computer (`host` null), however many machines join it:
 * nothing is opened that nobody asked for. Elsewhere `local` would lock its own user out.
 */
export function settleListen(config: ClusterConfig, host: string | null): DesiredConfig {
  const { listen } = config.web;
  const settled = host === null ? 'local' : 'all';
  return { ...config, web: { ...config.web, listen: listen === 'auto' ? settled : listen } };
}

/** The file's own shape; under `auto` the one settled at the first `up`, else the best for these machines. */
export function resolveWorkerShape(
  config: ClusterConfig,
  settled: WorkerShape | null,
  machines: readonly Machine[],
): WorkerShape {
  if (config.spark.worker !== 'auto') return config.spark.worker;
  return settled ?? chooseWorkerShape(config, machines);
}

/** True when a run of the new tree needs nothing of the cluster but another driver image and job definitions. */
export function differsOnlyInJobs(before: DesiredState, after: DesiredState): boolean {
  return stableText(withoutJobs(before)) === stableText(withoutJobs(after));
}

function withoutJobs(desired: DesiredState): unknown {
  // What the scheduler added is none of the command line's.
  const { scale: _scale, drained: _drained, ...own } = desired;
  const { jobs, ...config } = own.config;
  // Which secrets jobs name decides what is mounted into driver, workers and scheduler.
  const mounted = [jobs.flatMap((job) => job.secrets), jobs.flatMap(signingSecrets)].map((names) =>
    [...new Set(names)].toSorted(),
  );
  return { ...own, version: '', config, mounted, images: { ...own.images, driver: '' } };
}

/** JSON with keys in order: the scheduler may hand a state back in another one. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
