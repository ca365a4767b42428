import type { Docker } from '../adapters/docker/docker.ts';
import { findFailingServices } from '../engine/find-failing-services.ts';
import { observeCluster } from '../engine/observe-cluster.ts';

const conductor = ['web', 'scheduler'] as const;

/** The first of web and scheduler that is not deployed or fails again and again; null when both may come back by themselves. */
export async function findDeadConductor(
  docker: Pick<Docker, 'services' | 'tasks'>,
  projectId: string,
): Promise<string | null> {
  const state = await observeCluster(docker, projectId);
  const deployed = new Set(state.services.map((service) => service.name));
  const failing = new Set(findFailingServices(state, Date.now()).map(({ service }) => service));
  return conductor.find((name) => !deployed.has(name) || failing.has(name)) ?? null;
}
