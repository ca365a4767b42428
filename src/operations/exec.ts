// A command in a component's container, with the terminal of this process.
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import { notUp } from './cluster-access.ts';
import { findComponent } from './find-component.ts';
import { locateProject, type ProjectChoice } from './open-project.ts';

/**
 * Runs `command` and gives its exit code.
 * @throws SparkPlugError COMPONENT_UNKNOWN, CLUSTER_NOT_READY where the component has no running container
 */
export async function execInComponent(
  choice: ProjectChoice,
  component: string,
  command: readonly string[],
  options: { readonly tty: boolean },
): Promise<number> {
  const { docker, state } = await locateProject(choice);
  if (state === null) throw notUp();
  const { services } = await observeCluster(docker, state.id);
  if (services.length === 0) throw notUp();
  const service = findComponent(services, component);
  const containerId = service.tasks.find((task) => task.state === 'running')?.containerId;
  if (containerId === undefined || containerId === null) {
    throw new SparkPlugError('CLUSTER_NOT_READY', `${service.name} has no running container`, {
      place: service.name,
      hint: `sparkplug logs ${service.name}`,
    });
  }
  return await docker.execAttached(containerId, command, { tty: options.tty });
}
