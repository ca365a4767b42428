// Removes everything of one project from an engine, found by label: services, networks, configs, secrets, volumes.

import pWaitFor, { TimeoutError } from 'p-wait-for';
import { SparkPlugError } from '../errors.ts';
import { formatDuration } from '../units.ts';
import type { RemovingDocker } from './engine-docker.ts';
import { labels } from './labels.ts';
import { observeCluster } from './observe-cluster.ts';

export interface Removal {
  /** True: the data goes too. */
  readonly volumes: boolean;
  /** How long containers may take to stop and let go of networks and volumes; 90 s by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Named {
  readonly name: string;
}

const defaultTimeoutMs = 90_000;
const pollMs = 300;

/**
 * Removes a cluster, also one that was only half made; returns when all of it is gone. Nothing there: nothing done.
 * @throws SparkPlugError REMOVAL_STUCK naming what is left after the timeout.
 */
export async function removeCluster(
  docker: RemovingDocker & Parameters<typeof observeCluster>[0],
  projectId: string,
  removal: Removal,
): Promise<void> {
  const filter = { [labels.project]: projectId };
  const state = await observeCluster(docker, projectId);
  const namespaces = new Set(state.services.map((service) => service.namespace));
  for (const namespace of namespaces) await docker.stackRemove(namespace);
  await waitUntilGone('containers', removal, () => docker.containers({ labels: filter, all: true }));
  await clear(
    'networks',
    removal,
    () => docker.networks(filter),
    (name) => docker.removeNetwork(name),
  );
  await clear(
    'configs',
    removal,
    () => docker.configs(filter),
    (name) => docker.removeConfig(name),
  );
  await clear(
    'secrets',
    removal,
    () => docker.secrets(filter),
    (name) => docker.removeSecret(name),
  );
  if (removal.volumes) {
    await clear(
      'volumes',
      removal,
      () => docker.volumes(filter),
      (name) => docker.removeVolume(name),
    );
  }
}

/** Tries to remove what is listed until nothing is: a network or volume is held until its last container is gone. */
async function clear(
  kind: string,
  removal: Removal,
  list: () => Promise<readonly Named[]>,
  remove: (name: string) => Promise<unknown>,
): Promise<void> {
  await waitUntilGone(kind, removal, async () => {
    const there = await list();
    const outcomes = await Promise.allSettled(there.map(({ name }) => remove(name)));
    return there.filter((_, index) => outcomes[index]?.status === 'rejected');
  });
}

async function waitUntilGone(kind: string, removal: Removal, left: () => Promise<readonly Named[]>): Promise<void> {
  const { timeoutMs = defaultTimeoutMs, signal } = removal;
  let names: readonly string[] = [];
  const isGone = async () => {
    names = (await left()).map(({ name }) => name);
    return names.length === 0;
  };
  try {
    await pWaitFor(isGone, { interval: pollMs, timeout: timeoutMs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new SparkPlugError('REMOVAL_STUCK', `These ${kind} are still there after ${formatDuration(timeoutMs)}.`, {
      met: names.join(', '),
      hint: 'Find what holds them with `docker ps -a`, stop it, and run `sparkplug down` again.',
      cause: error,
    });
  }
}
