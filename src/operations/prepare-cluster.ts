// What `up`, `run`, `plan --compose` and `secret set` share: everything a desired state needs, gathered and made.
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Docker } from '../adapters/docker/docker.ts';
import { readSocketGid } from '../adapters/host/read-socket-gid.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { type ProjectState, type WebTrust, writeProjectState } from '../config/project-state.ts';
import { ensureSecrets, secretFolder } from '../config/user-folder.ts';
import type { ClusterState } from '../engine/cluster-state.ts';
import { readPlacements } from '../engine/current-placements.ts';
import { labels } from '../engine/labels.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import type { Machine } from '../plan/cluster-plan.ts';
import { planCluster } from '../plan/plan-cluster.ts';
import type { Report } from '../progress.ts';
import { chooseSubnets } from '../stack/choose-subnets.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { swarmName } from '../stack/hash-content.ts';
import { namedSecrets } from '../stack/job-secrets.ts';
import { buildDesired, resolveWorkerShape, settleListen } from './build-desired.ts';
import { choosePort, chooseRegistryPort } from './choose-port.ts';
import { createProjectClient } from './cluster-access.ts';
import { findPortHolder } from './find-port-holder.ts';
import { ensureProjectState, type OpenedProject } from './open-project.ts';
import { nameProjectImages, prepareProjectImages } from './prepare-project-images.ts';
import { prepareRegistry } from './prepare-registry.ts';
import { prepareTls } from './prepare-tls.ts';
import { prepareWebhooks } from './prepare-webhooks.ts';
import { refuseTakenName } from './refuse-taken-name.ts';
import { requireEngine, setUpEngine } from './set-up-engine.ts';
import { surveyMachines } from './survey-machines.ts';
import { takenSubnets } from './taken-subnets.ts';

export interface PreparedCluster {
  readonly desired: DesiredState;
  readonly state: ProjectState;
  /** What runs already. */
  readonly observed: ClusterState;
  readonly machines: readonly Machine[];
}

interface Preparation {
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Make a Swarm where there is none. */
  readonly swarm: boolean;
  /** `obtain`: pulled or else built; `pull`: never built; `name`: only named. */
  readonly images: 'obtain' | 'pull' | 'name';
  /** True: have a registry although there is one machine yet, since others are about to come. */
  readonly expectMachines?: boolean;
}

/**
 * Makes the Swarm, id, port, secrets and images as far as they are missing, and builds the desired state from them.
 * Interrupted anywhere, the next call finishes: every part is kept once it is made.
 */
export async function prepareCluster(project: OpenedProject, options: Preparation): Promise<PreparedCluster> {
  const { docker } = project;
  const { report, signal } = options;
  if (options.swarm) await setUpEngine(docker, { report, signal });
  else await requireEngine(docker);
  signal.throwIfAborted();
  const fresh = await ensureProjectState(project);
  const host = await project.findHost();
  const machines = await surveyMachines(docker, fresh.id);
  const config = settleListen(project.config, host);
  refuseTakenName(config.name, fresh.id, await listProjectIds(docker));
  const observed = await observeCluster(docker, fresh.id);
  const webPort = await findPort(docker, config, fresh, host);
  // First of all: an interrupted rotation decides which token the secrets are about.
  await createProjectClient({ ...project, state: fresh });
  const ownSecrets = await ensureSecrets(fresh.id, namesOfSecrets(config), report);
  const tls = await prepareTls({ projectId: fresh.id, projectDir: project.dir, web: config.web, host, report });
  const webhooks = await prepareWebhooks({ projectId: fresh.id, config, report });
  const secrets = [...ownSecrets, ...tls.secrets, ...webhooks];
  const workerShape = resolveWorkerShape(config, fresh.workerShape, machines);
  // Minutes of building images are not spent on a cluster that has no room.
  planCluster(config, machines, { workerShape, current: readPlacements(observed, machines) });
  const registryPort = await findRegistryPort(
    docker,
    fresh,
    host,
    machines.length > 1 || options.expectMachines === true,
  );
  const settled = config.spark.worker === 'auto' ? workerShape : fresh.workerShape;
  const webTrust = observed.services.length === 0 ? [tls.trust] : chooseTrust(tls.trust, fresh.webTrust);
  const state: ProjectState = {
    ...fresh,
    webPort,
    registryPort,
    webTrust,
    context: project.context,
    workerShape: settled,
  };
  await writeProjectState(project.dir, state);
  const { refs: images, registryRef } =
    options.images !== 'name'
      ? await prepareProjectImages(project, state.id, {
          ...{ report, signal, registry: registryPort !== null },
          build: options.images === 'obtain',
        })
      : await nameProjectImages(project);
  signal.throwIfAborted();
  const fleet =
    registryPort === null || registryRef === null ? null : await describeRegistry(docker, state.id, registryPort);
  const desired = buildDesired({
    config,
    projectId: state.id,
    images,
    workerShape,
    webPort,
    subnets: await findSubnets(docker, state.id, host === null ? null : images.conductor),
    socketGid: await findSocketGid(docker, host, images.conductor),
    secrets: [...secrets, ...(fleet?.secrets ?? [])],
    ...(fleet === null || registryRef === null ? {} : { registry: { ...fleet.registry, image: registryRef } }),
  });
  return { desired, state, observed, machines };
}

/** While the cluster is changed it still shows what it showed before. */
function chooseTrust(wanted: WebTrust, before: readonly WebTrust[]): WebTrust[] {
  return [wanted, ...before.filter((trust) => !isDeepStrictEqual(trust, wanted))];
}

/** Brings new secrets into the Swarm; those that are there stay. The scheduler has none of their contents. */
export async function createSwarmSecrets(
  docker: Pick<Docker, 'secrets' | 'run'>,
  desired: DesiredState,
): Promise<void> {
  const project = { [labels.project]: desired.projectId };
  const there = new Set((await docker.secrets(project)).map(({ name }) => name));
  for (const { name, swarmName: full } of desired.secrets.filter((secret) => !there.has(secret.swarmName))) {
    const file = join(secretFolder(desired.projectId), name);
    // By its file: the content is in no command line, and bytes that are no text stay as they are.
    await docker.run(['secret', 'create', '--label', `${labels.project}=${desired.projectId}`, full, file]);
  }
}

/** Names that jobs list, each once. */
export function namesOfSecrets(config: ClusterConfig): readonly string[] {
  return [...new Set(config.jobs.flatMap(namedSecrets))].toSorted();
}

async function listProjectIds(docker: Pick<Docker, 'services'>): Promise<readonly string[]> {
  const services = await docker.services({ [labels.project]: null });
  return [...new Set(services.flatMap((service) => service.labels[labels.project] ?? []))];
}

async function findPort(
  docker: Docker,
  config: ClusterConfig,
  state: ProjectState,
  host: string | null,
): Promise<number> {
  const [web] = await docker.services({ [labels.project]: state.id, [labels.service]: 'web' });
  return await choosePort({
    configured: config.web.port,
    kept: state.webPort,
    own: web?.publishedPorts[0] ?? null,
    findHolder: (port) => findPortHolder(docker, port, host),
  });
}

/** Null as long as there never was a further machine. */
async function findRegistryPort(
  docker: Docker,
  state: ProjectState,
  host: string | null,
  isNeeded: boolean,
): Promise<number | null> {
  if (state.registryPort === null && !isNeeded) return null;
  const [registry] = await docker.services({ [labels.project]: state.id, [labels.service]: 'registry' });
  return await chooseRegistryPort({
    kept: state.registryPort,
    own: registry?.publishedPorts[0] ?? null,
    findHolder: (port) => findPortHolder(docker, port, host),
  });
}

/** Under the address by which the other machines know the conductor's. */
async function describeRegistry(docker: Pick<Docker, 'run'>, projectId: string, port: number) {
  const host = (await docker.run(['info', '--format', '{{.Swarm.NodeAddr}}'])).trim();
  const address = `${host === '' ? '127.0.0.1' : host}:${port}`;
  const { caCertificate, secrets } = await prepareRegistry(projectId, address);
  return { registry: { address, caCertificate }, secrets };
}

/**
 * Those of the networks that are there: a network's range cannot change. Else ranges that nobody uses.
 * @param prober image to look around with on the engine's machine; null where that is this computer
 */
async function findSubnets(docker: Docker, projectId: string, prober: string | null): Promise<DesiredState['subnets']> {
  const networks = await docker.networks({ [labels.project]: projectId });
  const subnetOf = (name: string) =>
    networks.find((network) => network.name === swarmName(projectId, name))?.subnets[0];
  const [control, data] = [subnetOf('control'), subnetOf('data')];
  if (control !== undefined && data !== undefined) return { control, data };
  return chooseSubnets(await takenSubnets(docker, prober));
}

/** Read from the machine itself where the engine is local, else in a container there. */
async function findSocketGid(docker: Pick<Docker, 'run'>, host: string | null, image: string): Promise<number> {
  const local = host === null ? await readSocketGid() : null;
  if (local !== null) return local;
  const socket = '/var/run/docker.sock';
  const bind = `type=bind,source=${socket},target=${socket},readonly`;
  const print = ['--entrypoint', 'stat', image, '-c', '%g', socket];
  return Number.parseInt(await docker.run(['run', '--rm', '--network', 'none', '--mount', bind, ...print]), 10);
}
