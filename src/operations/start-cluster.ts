// The two deployments that the command line makes itself: of a cluster that is not there, and around a dead conductor.
import pWaitFor from 'p-wait-for';
import type { Docker } from '../adapters/docker/docker.ts';
import type { ObservedTask } from '../engine/cluster-state.ts';
import { describeReadiness } from '../engine/describe-readiness.ts';
import type { Execution } from '../engine/execute-change-set.ts';
import { labels } from '../engine/labels.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import type { RegistryAccess } from '../engine/publish-images.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { applyDesired } from './apply-desired.ts';
import { refuseDrain } from './drain-workers.ts';
import type { StoredDatanode } from './effective-desired.ts';
import { readRegistryAccess } from './read-registry-access.ts';
import { trustRegistry } from './trust-registry.ts';

interface Deployment {
  readonly docker: Docker;
  readonly desired: DesiredState;
  /** The user's own secrets, one file each. */
  readonly secretFolder: string;
  readonly now: boolean;
  /** Where DataNodes stood before a `down`. */
  readonly datanodesBefore: readonly StoredDatanode[];
  readonly report: Report;
  readonly signal: AbortSignal;
}

const pollMs = 1_000;
const restartTimeoutMs = 120_000;

/** What the scheduler waits for and looks after is left to it. DataNodes do not go without it. */
const withoutScheduler: Pick<Execution, 'waitUntilReady' | 'waitUntilIdle' | 'drain' | 'discard' | 'replicate'> = {
  waitUntilReady: async () => {},
  waitUntilIdle: async () => {},
  drain: async ({ services }) => refuseDrain(services),
  discard: async () => {},
  replicate: async () => {},
};

/**
 * The text that a new scheduler adopts as its first revision, and one whose volume was kept as its next.
 * @param deployedAt tells two deployments of one desired state apart: in between the cluster may have had another
 */
export function bootstrapText(desired: DesiredState, deployedAt: string | null = null): string {
  return `${JSON.stringify({ ...desired, ...(deployedAt !== null && { deployedAt }) }, null, 2)}\n`;
}

/** Deploys a cluster of which nothing runs. Returns when Docker has taken it; readiness is asked from the cluster. */
export async function startCluster(deployment: Deployment): Promise<void> {
  const { docker, desired, secretFolder, datanodesBefore, report, signal } = deployment;
  const change = {
    desired,
    datanodesBefore,
    previous: null,
    stack: { bootstrap: bootstrapText(desired, new Date().toISOString()) },
    situation: { runActive: false, now: true },
  };
  await applyDesired(docker, change, {
    secrets: { secrets: 'file', secretFolder },
    report,
    ...withoutScheduler,
    waitUntilReady: (services) => awaitRegistry(deployment, services),
    signal,
    registry: await accessRegistry(deployment),
  });
}

/** Images are sent to it while all else is only deployed. Ready is what Swarm calls running: its probe has answered. */
async function awaitRegistry({ docker, desired, signal }: Deployment, services: readonly string[]): Promise<void> {
  if (!services.includes('registry')) return;
  const isRunning = async () => {
    const { services: observed } = await observeCluster(docker, desired.projectId);
    const registry = observed.find(({ name }) => name === 'registry');
    const isNew = ({ state, specHash }: ObservedTask) => state === 'running' && specHash === registry?.specHash;
    return registry?.tasks.some(isNew) === true;
  };
  await pWaitFor(isRunning, {
    interval: pollMs,
    timeout: { milliseconds: restartTimeoutMs, message: registryAway() },
    signal,
  });
}

function registryAway(): SparkPlugError {
  return new SparkPlugError('CLUSTER_NOT_READY', "the cluster's registry did not start", {
    place: 'registry',
    hint: 'sparkplug logs registry',
  });
}

/** Null where there is one machine. */
async function accessRegistry({ docker, desired }: Deployment): Promise<RegistryAccess | null> {
  const login = await readRegistryAccess(desired);
  if (login === null) return null;
  await trustRegistry(docker, desired);
  return { docker, login };
}

/**
 * Applies the desired state without a scheduler. What differs is deployed; web and scheduler, where they do not differ,
 * are started anew.
 */
export async function repairCluster(deployment: Deployment): Promise<void> {
  const { docker, desired, secretFolder, datanodesBefore, report, signal } = deployment;
  const change = {
    desired,
    datanodesBefore,
    previous: null,
    stack: { bootstrap: (await readBootstrap(docker, desired.projectId)) ?? bootstrapText(desired) },
    situation: { runActive: false, now: true },
  };
  const { stack } = await applyDesired(docker, change, {
    secrets: { secrets: 'file', secretFolder },
    report,
    ...withoutScheduler,
    waitUntilReady: (services) => awaitRegistry(deployment, services),
    signal,
    registry: await accessRegistry(deployment),
  });
  const conductor = await docker.services({ [labels.project]: desired.projectId });
  for (const name of ['web', 'scheduler'] as const) {
    const service = conductor.find((one) => one.labels[labels.service] === name);
    if (service === undefined) continue;
    await step(report, `restart ${name}`, () =>
      docker.run(['service', 'update', '--force', '--detach', service.id], { signal }),
    );
  }
  const isStarted = async () => {
    const { services } = describeReadiness(await observeCluster(docker, desired.projectId), stack, Date.now());
    return services
      .filter(({ service }) => service === 'web' || service === 'scheduler')
      .every(({ state }) => state === 'started');
  };
  // Not the end of the wait, only of this step: what the cluster answers is asked afterwards.
  await pWaitFor(isStarted, {
    interval: pollMs,
    timeout: { milliseconds: restartTimeoutMs, fallback: () => {} },
    signal,
  });
}

/** The bootstrap of the first deploy, so that the scheduler's definition stays what it was. */
async function readBootstrap(docker: Pick<Docker, 'configs' | 'run'>, projectId: string): Promise<string | null> {
  const configs = await docker.configs({ [labels.project]: projectId });
  const found = configs.find(({ name }) => name.startsWith(`${projectId}_desired_`));
  if (found === undefined) return null;
  const data = await docker.run(['config', 'inspect', '--format', '{{json .Spec.Data}}', found.name]);
  const encoded: unknown = JSON.parse(data);
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('utf8') : null;
}
