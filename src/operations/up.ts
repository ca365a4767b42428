// Use case `up`: from the project file to a cluster that really works, whatever part of it is there already.
import type { ApiClient } from '../api/client.ts';
import type { ClusterStatus } from '../api/schemas.ts';
import { writeProjectState } from '../config/project-state.ts';
import { secretFolder } from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { awaitReachable } from './await-reachable.ts';
import { createProjectClient, fingerprintOf, refuseOlderCli, urlOf } from './cluster-access.ts';
import { submitAndFollow } from './follow-operation.ts';
import { warnOfFullDisk } from './judge-disk.ts';
import { createLoginLink } from './open-page.ts';
import { type OpenedProject, openProject, type ProjectChoice } from './open-project.ts';
import { createSwarmSecrets, type PreparedCluster, prepareCluster } from './prepare-cluster.ts';
import { pruneReplacedImages } from './prepare-project-images.ts';
import { repairCluster, startCluster } from './start-cluster.ts';
import { trustRegistry } from './trust-registry.ts';
import { waitUntilReady } from './wait-until-ready.ts';

export interface UpOptions {
  /** Restarts what must restart without waiting for runs. */
  readonly now: boolean;
  /** False: what cannot be pulled is an error. */
  readonly build: boolean;
  /** True: further machines are about to join, so that they find a registry. */
  readonly expectMachines?: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface UpReport {
  readonly projectId: string;
  readonly url: string;
  /** SHA-256 of the certificate under `url`, null without TLS. */
  readonly fingerprint: string | null;
  /** Logs a browser in, once and within ten minutes; null where the cluster gave no code. */
  readonly login: string | null;
  readonly context: string | null;
  readonly revision: number;
  /** False: everything was as it should be. */
  readonly changed: boolean;
  readonly components: readonly { readonly name: string; readonly state: string }[];
  /** Commands that make sense now. */
  readonly next: readonly string[];
}

/**
 * Makes the cluster what the project file says and waits until it works. Interrupted anywhere, the next call finishes.
 * @throws SparkPlugError PORT_TAKEN, NAME_TAKEN, NO_ROOM, COMPONENT_CRASHING, CLUSTER_NOT_READY, and what its parts throw
 */
export async function bringUp(choice: ProjectChoice, options: UpOptions): Promise<UpReport> {
  const project = await openProject(choice);
  const prepared = await prepareCluster(project, {
    ...options,
    swarm: true,
    images: options.build ? 'obtain' : 'pull',
  });
  const warning = await warnOfFullDisk(await project.docker.info());
  if (warning !== null) options.report({ kind: 'warning', text: warning });
  const api = await createProjectClient({ ...project, state: prepared.state });
  if (api === null) throw new Error('a prepared cluster has a port and a token');
  const changed = await makeSo(project, prepared, api, options);
  const { projectId } = prepared.desired;
  const status = await waitUntilReady({ ...options, api, docker: project.docker, projectId });
  await pruneReplacedImages(project, prepared.desired);
  // From now on it shows its new certificate, and nothing else is taken for it.
  const state = { ...prepared.state, webTrust: prepared.state.webTrust.slice(0, 1) };
  await writeProjectState(project.dir, state);
  const host = await project.findHost();
  const login = await findLogin(api, state, host);
  return { ...describeUp(project, { ...prepared, state }, host, status, changed), login };
}

/** True when something was changed. */
async function makeSo(
  project: OpenedProject,
  { desired, observed, state }: PreparedCluster,
  api: ApiClient,
  options: UpOptions,
): Promise<boolean> {
  const { docker } = project;
  const { report, signal } = options;
  const deployment = {
    docker,
    desired,
    secretFolder: secretFolder(desired.projectId),
    now: options.now,
    datanodesBefore: state.datanodes,
    report,
    signal,
  };
  if (observed.services.length === 0) {
    await startCluster(deployment);
    await waitUntilReady({ ...options, api, docker, projectId: desired.projectId });
    // A scheduler that kept its volume also kept its last revision: it is told what is wanted now.
    await submit(project, desired, api, options);
    return true;
  }
  if (await awaitReachable({ api, docker, projectId: desired.projectId, report, signal })) {
    return await submit(project, desired, api, options);
  }
  await step(report, 'repair the conductor', () => repairCluster(deployment), 'web or scheduler does not answer');
  await waitUntilReady({ ...options, api, docker, projectId: desired.projectId });
  await submit(project, desired, api, options);
  return true;
}

/** Hands the desired state to the scheduler and follows what it does. */
export async function submit(
  { docker }: Pick<OpenedProject, 'docker'>,
  desired: DesiredState,
  api: ApiClient,
  options: Omit<UpOptions, 'build'>,
): Promise<boolean> {
  refuseOlderCli((await api.health(options)).version);
  await createSwarmSecrets(docker, desired);
  // The scheduler publishes by the engine of its machine.
  await trustRegistry(docker, desired, options.signal);
  return await submitAndFollow({ ...options, api, desired });
}

/** A cluster that works is up, whether or not it gives a link. */
async function findLogin(api: ApiClient, state: PreparedCluster['state'], host: string | null): Promise<string | null> {
  try {
    return await createLoginLink(api, state, host, 'cluster');
  } catch (error) {
    if (error instanceof SparkPlugError) return null;
    throw error;
  }
}

function describeUp(
  { config, context }: OpenedProject,
  { desired, state }: PreparedCluster,
  host: string | null,
  status: ClusterStatus,
  changed: boolean,
): Omit<UpReport, 'login'> {
  return {
    projectId: desired.projectId,
    url: urlOf(desired.webPort, state.webTrust, host),
    fingerprint: fingerprintOf(state.webTrust),
    context,
    revision: status.revision,
    changed,
    components: status.components.map(({ name, state }) => ({ name, state })),
    next: [...config.jobs.map(({ name }) => `sparkplug run ${name}`).slice(0, 3), 'sparkplug status'],
  };
}
