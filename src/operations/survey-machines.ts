// The machines to plan for: the Swarm's, or this one where there is no Swarm yet.
import type { EngineInfo } from '../adapters/docker/docker.ts';
import type { SurveyingDocker } from '../engine/engine-docker.ts';
import { swarmMachines } from '../engine/swarm-machines.ts';
import type { Machine } from '../plan/cluster-plan.ts';

/** Changes nothing; `projectId` null for a project that has none yet: then all reservations are other people's. */
export async function surveyMachines(docker: SurveyingDocker, projectId: string | null): Promise<readonly Machine[]> {
  const info = await docker.info();
  if (info.swarm.state === 'active' && info.swarm.manager) return await swarmMachines(docker, projectId ?? '');
  return [machineOf(info)];
}

function machineOf({ name, cores, memoryMiB }: EngineInfo): Machine {
  const own = { othersMemoryMiB: 0, conductor: true, shared: true, storage: true, state: 'ready' as const };
  return { id: name, name, cores, memoryMiB, ...own };
}
