// Docker → ClusterState: the services of one project, found by label, and the history of their tasks.
import type { ServiceInspect, TaskInspect } from '../adapters/docker/docker.ts';
import type { ClusterState, ObservedService, ObservedTask } from './cluster-state.ts';
import type { ObservingDocker } from './engine-docker.ts';
import { labels } from './labels.ts';

/** Reads what of a project runs on this engine's Swarm: two calls to Docker, however many services. */
export async function observeCluster(docker: ObservingDocker, projectId: string): Promise<ClusterState> {
  const services = await docker.services({ [labels.project]: projectId });
  const tasks = services.length === 0 ? [] : await docker.tasks(services.map((service) => service.id));
  return { projectId, services: services.map((service) => toObserved(service, tasks)).toSorted(byName) };
}

function toObserved(service: ServiceInspect, tasks: readonly TaskInspect[]): ObservedService {
  const own = service.labels;
  return {
    id: service.id,
    name: own[labels.service] ?? service.name,
    component: own[labels.component] ?? '',
    specHash: own[labels.spec] ?? '',
    image: service.image,
    namespace: own['com.docker.stack.namespace'] ?? '',
    memoryLimitMiB: service.limits.memoryMiB,
    replicas: service.replicas ?? 0,
    machineId: own[labels.machine] ?? null,
    tasks: tasks
      .filter((task) => task.serviceId === service.id)
      .map(toTask)
      .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1)),
  };
}

function toTask(task: TaskInspect): ObservedTask {
  return {
    id: task.id,
    state: task.state,
    desiredState: task.desiredState,
    error: task.error,
    containerId: task.containerId,
    exitCode: task.exitCode,
    machineId: task.nodeId,
    specHash: task.labels[labels.spec] ?? '',
    createdAt: task.createdAt,
  };
}

function byName(a: ObservedService, b: ObservedService): number {
  return a.name < b.name ? -1 : 1;
}
