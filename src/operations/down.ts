// Use case `down`: stop the cluster and keep its data, or with volumes remove all that the project owns.
import type { Docker } from '../adapters/docker/docker.ts';
import { readProjectState, writeProjectState } from '../config/project-state.ts';
import { removeUserFolder } from '../config/user-folder.ts';
import type { ClusterState } from '../engine/cluster-state.ts';
import { readPlacements } from '../engine/current-placements.ts';
import { labels } from '../engine/labels.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { removeCluster } from '../engine/remove-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import { createProjectClient } from './cluster-access.ts';
import { leaveSwarmIfOurs } from './ensure-swarm.ts';
import { type LocatedProject, locateProject, type ProjectChoice } from './open-project.ts';
import { removeFarVolumes } from './remove-far-volumes.ts';

interface DownOptions {
  readonly volumes: boolean;
  /** Kills containers instead of letting them stop by themselves. */
  readonly now: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface DownReport {
  readonly projectId: string | null;
  /** Services that ran. */
  readonly stopped: readonly string[];
  readonly removedVolumes: readonly string[];
  readonly removedImages: readonly string[];
  /** The Swarm that SparkPlug made, left because no project needs it any more. */
  readonly leftSwarm: boolean;
}

/** What to ask before stopping, null when nothing would be lost by it. */
export async function describeDown(
  choice: ProjectChoice,
  { volumes }: { readonly volumes: boolean },
): Promise<string | null> {
  const project = await locateProject(choice);
  if (project.state === null) return null;
  const active = await countActiveRuns(project);
  const data = volumes ? await project.docker.volumes({ [labels.project]: project.state.id }) : [];
  const losses = [
    ...(active === 0 ? [] : [`${active} ${active === 1 ? 'run' : 'runs'} waiting or at work will be ended`]),
    ...(data.length === 0 ? [] : [`all files, results and history of ${project.state.id} will be removed`]),
  ];
  return losses.length === 0 ? null : `${losses.join('; ')}. Go on?`;
}

/** Removes the cluster as far as it is there; a second call has nothing to do. */
export async function takeDown(choice: ProjectChoice, options: DownOptions): Promise<DownReport> {
  const project = await locateProject(choice);
  const { docker, state } = project;
  if (state === null) {
    return { projectId: null, stopped: [], removedVolumes: [], removedImages: [], leftSwarm: false };
  }
  const { id } = state;
  const inSwarm = await isInSwarm(docker);
  const before = inSwarm ? await observeCluster(docker, id) : { projectId: id, services: [] };
  if (!options.volumes) await noteDatanodes(project, before);
  const stopped = inSwarm ? await stopServices(docker, before, options) : [];
  if (!options.volumes) return { projectId: id, stopped, removedVolumes: [], removedImages: [], leftSwarm: false };
  const farVolumes = await removeFarVolumes(docker, before, options);
  const removedVolumes = [...(await removeVolumes(docker, id, options)), ...farVolumes];
  const removedImages = await removeImages(docker, id);
  const leftSwarm = await leaveSwarm(docker, options.report);
  await removeUserFolder(id);
  await forgetCluster(project);
  return { projectId: id, stopped, removedVolumes, removedImages, leftSwarm };
}

/** So that the next `up` starts each DataNode where its volume is. A cluster that is stopped already is noted already. */
async function noteDatanodes({ dir, docker }: LocatedProject, before: ClusterState): Promise<void> {
  const state = await readProjectState(dir);
  if (state === null || before.services.length === 0) return;
  const names = new Map((await docker.nodes()).map(({ id, hostname }) => [id, hostname]));
  const datanodes = readPlacements(before, []).datanodes.map(({ ordinal, machineId }) => ({
    ordinal,
    machineName: names.get(machineId) ?? machineId,
  }));
  await writeProjectState(dir, { ...state, datanodes });
}

/** Zero where nobody answers: then no run is at work either, or none that could be asked. */
async function countActiveRuns(project: LocatedProject): Promise<number> {
  const api = await createProjectClient(project);
  if (api === null) return 0;
  try {
    const { runs } = await api.clusterStatus();
    return runs.queued + runs.running;
  } catch (error) {
    if (error instanceof SparkPlugError) return 0;
    throw error;
  }
}

async function isInSwarm(docker: Docker): Promise<boolean> {
  const { swarm } = await docker.info();
  return swarm.state === 'active' && swarm.manager;
}

async function stopServices(
  docker: Docker,
  { projectId, services }: ClusterState,
  { volumes, now, report, signal }: DownOptions,
): Promise<readonly string[]> {
  const removal = async () => {
    const removing = removeCluster(docker, projectId, { volumes, signal });
    await Promise.all([removing, ...(now ? [killContainers(docker, projectId)] : [])]);
  };
  // Nothing runs: networks, configs and secrets of an interrupted deploy may be left all the same.
  if (services.length === 0) await removal();
  else await step(report, `stop ${services.length} services`, removal);
  return services.map(({ name }) => name);
}

async function killContainers(docker: Docker, projectId: string): Promise<void> {
  const containers = await docker.containers({ labels: { [labels.project]: projectId } });
  // One that has just stopped by itself is no loss.
  await Promise.allSettled(containers.map(({ id }) => docker.kill(id, 'SIGKILL')));
}

/** Those left by a cluster whose Swarm is gone, too. */
async function removeVolumes(docker: Docker, projectId: string, { report }: DownOptions): Promise<readonly string[]> {
  const volumes = await docker.volumes({ [labels.project]: projectId });
  if (volumes.length === 0) return [];
  await step(report, `remove ${volumes.length} volumes`, async () => {
    for (const { name } of volumes) await docker.removeVolume(name);
  });
  return volumes.map(({ name }) => name);
}

/** Worker and driver images of this project; those shared by all projects stay. */
async function removeImages(docker: Docker, projectId: string): Promise<readonly string[]> {
  const images = await docker.listImages({ [labels.project]: projectId });
  const removed: string[] = [];
  for (const tag of images.flatMap((image) => image.tags)) {
    if ((await docker.removeImage(tag)) === 'removed') removed.push(tag);
  }
  return removed;
}

/** The last project leaves the Swarm that SparkPlug made. */
async function leaveSwarm(docker: Docker, report: Report): Promise<boolean> {
  const left = await leaveSwarmIfOurs(docker);
  if (left) report({ kind: 'note', text: 'left the Swarm: SparkPlug had made it and nothing needs it any more' });
  return left;
}

/** The id stays, so that a later `up` is the same project; its token, port and worker shape are settled anew. */
async function forgetCluster({ dir }: LocatedProject): Promise<void> {
  const state = await readProjectState(dir);
  if (state !== null)
    await writeProjectState(dir, {
      ...state,
      webPort: null,
      registryPort: null,
      datanodes: [],
      webTrust: [{ kind: 'plain' }],
      workerShape: null,
    });
}
