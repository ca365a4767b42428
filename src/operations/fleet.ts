// The containers of the cluster wherever they are: on the conductor's own engine, or behind a machine's agent.
import type { AgentClient, AgentClients } from '../adapters/agent/agent-client.ts';
import type { AgentSignal } from '../adapters/agent/agent-protocol.ts';
import type { ContainerStats, ContainerUse } from '../adapters/docker/container-stats.ts';
import type { Docker, PipedOutput, PipeOptions } from '../adapters/docker/docker.ts';
import type { ClusterState, ObservedService } from '../engine/cluster-state.ts';
import { labels } from '../engine/labels.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { SparkPlugError } from '../errors.ts';
import { agentPort } from '../stack/build-agent.ts';
import { findComponent } from './find-component.ts';

/** What is done to containers and volumes, named as in the cluster and not as on some machine. */
export interface ContainerHost {
  /** To PID 1 of each of the service's running containers; `absent`: none runs. @throws AGENT_AWAY */
  signal(service: string, signal: AgentSignal): Promise<'sent' | 'absent'>;
  /** A volume of the project by its name on the machine; one that is gone is no error. @throws AGENT_AWAY */
  removeVolume(machineId: string, volume: string): Promise<void>;
  /** Every container of the project that could be read; a machine whose agent is silent is left out. */
  stats(): Promise<readonly ContainerUse[]>;
  /** In the newest running container of the component. @throws COMPONENT_UNKNOWN, CLUSTER_NOT_READY, AGENT_AWAY */
  exec(component: string, command: readonly string[], options?: PipeOptions): AsyncIterable<PipedOutput>;
  /** Takes the cluster's images that no container uses, but `keep`, off the machines that answer. */
  pruneImages(registry: string, keep: readonly string[]): Promise<void>;
}

export interface ContainerHostParts {
  readonly docker: Pick<
    Docker,
    | 'services'
    | 'tasks'
    | 'nodes'
    | 'info'
    | 'execPiped'
    | 'kill'
    | 'volumes'
    | 'removeVolume'
    | 'listImages'
    | 'removeImage'
  >;
  /** Of the conductor's engine. */
  readonly containerStats: ContainerStats;
  /** Null where there is one machine. */
  readonly agents: AgentClients | null;
  readonly projectId: string;
}

/** Shorter than the pause between two readings, so that none pile up. */
const statsTimeoutMs = 4_000;

interface RunningContainer {
  readonly id: string;
  readonly machineId: string;
}

export function createContainerHost(parts: ContainerHostParts): ContainerHost {
  const { docker, containerStats, agents, projectId } = parts;
  const project = { [labels.project]: projectId };
  let ownId: Promise<string> | null = null;

  /** Never changes while this process lives; a question that failed is asked again. */
  const isOwn = async (machineId: string): Promise<boolean> => {
    ownId ??= docker.info().then(({ swarm }) => swarm.nodeId);
    const id = await ownId.catch((error: unknown) => {
      ownId = null;
      throw error;
    });
    return machineId === id;
  };
  const agentOn = async (state: ClusterState, machineId: string): Promise<AgentClient> => {
    const service = state.services.find((one) => one.component === 'agent' && one.machineId === machineId);
    if (service !== undefined && agents !== null) return connectAgent(agents, service.name);
    const machine = (await docker.nodes()).find(({ id }) => id === machineId)?.hostname ?? machineId;
    throw new SparkPlugError('AGENT_AWAY', `${machine} has no agent yet`, { place: machine, hint: 'sparkplug up' });
  };
  const locate = async (name: string) => {
    const state = await observeCluster(docker, projectId);
    return { state, containers: requireRunning(findComponent(state.services, name)) };
  };

  return {
    signal: async (service, signal) => {
      const state = await observeCluster(docker, projectId);
      const containers = listRunning(state.services.find(({ name }) => name === service));
      for (const { id, machineId } of containers) {
        if (await isOwn(machineId)) await docker.kill(id, signal);
        else await (await agentOn(state, machineId)).signal(id, signal);
      }
      return containers.length === 0 ? 'absent' : 'sent';
    },
    removeVolume: async (machineId, volume) => {
      if (!(await isOwn(machineId))) {
        await (await agentOn(await observeCluster(docker, projectId), machineId)).removeVolume(volume);
        return;
      }
      if ((await docker.volumes(project)).some(({ name }) => name === volume)) await docker.removeVolume(volume);
    },
    stats: async () => {
      const readOthers = async (): Promise<readonly ContainerUse[]> => {
        if (agents === null) return [];
        const services = await docker.services({ ...project, [labels.component]: 'agent' });
        const others = services.map(({ labels: { [labels.service]: name = '' } }) =>
          connectAgent(agents, name).uses({ timeoutMs: statsTimeoutMs }),
        );
        return (await Promise.allSettled(others)).flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      };
      // Together: one that fails while nobody waits for it yet would end the process.
      const own = containerStats.read(project, { timeoutMs: statsTimeoutMs });
      return (await Promise.all([own, readOthers()])).flat();
    },
    async *exec(component, command, options = {}) {
      const { state, containers } = await locate(component);
      const [{ id, machineId }] = containers;
      if (await isOwn(machineId)) yield* docker.execPiped(id, command, options);
      else yield* (await agentOn(state, machineId)).exec(id, command, options);
    },
    pruneImages: async (registry, keep) => {
      await untagImages(docker, registry, keep);
      if (agents === null) return;
      const services = await docker.services({ ...project, [labels.component]: 'agent' });
      await Promise.allSettled(
        services.map(({ labels: { [labels.service]: name = '' } }) => connectAgent(agents, name).pruneImages(keep)),
      );
    },
  };
}

/** On the conductor's engine only the registry's names go: the images have others there, by which `up` knows them. */
async function untagImages(
  docker: Pick<Docker, 'listImages' | 'removeImage'>,
  registry: string,
  keep: readonly string[],
): Promise<void> {
  const kept = new Set(keep);
  const images = await docker.listImages({ [labels.image]: null });
  const names = images.flatMap(({ tags }) => tags).filter((tag) => tag.startsWith(`${registry}/`) && !kept.has(tag));
  for (const name of new Set(names)) await docker.removeImage(name);
}

/** The agent behind a service, `agent-big`. */
export function connectAgent(agents: Pick<AgentClients, 'connect'>, service: string): AgentClient {
  return agents.connect(service.replace(/^agent-/, ''), `https://${service}:${agentPort}`);
}

/** Newest first. */
function requireRunning(service: ObservedService): readonly [RunningContainer, ...RunningContainer[]] {
  const [first, ...more] = listRunning(service);
  if (first !== undefined) return [first, ...more];
  throw new SparkPlugError('CLUSTER_NOT_READY', `${service.name} has no running container`, {
    place: service.name,
    hint: `sparkplug logs ${service.name}`,
  });
}

function listRunning(service: ObservedService | undefined): readonly RunningContainer[] {
  return (service?.tasks ?? []).flatMap(({ state, containerId, machineId }) =>
    state === 'running' && containerId !== null && machineId !== null ? [{ id: containerId, machineId }] : [],
  );
}
