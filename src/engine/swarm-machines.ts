// Docker → Machine[]: the Swarm's machines as the planner sees them.
import type { SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import type { Machine, MachineState } from '../plan/cluster-plan.ts';
import type { SurveyingDocker } from './engine-docker.ts';
import { labels } from './labels.ts';

/**
 * Lists all machines with the state they are in, in a stable order. Memory reserved there by anyone else's services is
 * counted as taken. The conductor is the manager that answers.
 */
export async function swarmMachines(docker: SurveyingDocker, projectId: string): Promise<readonly Machine[]> {
  const [info, nodes, services] = await Promise.all([docker.info(), docker.nodes(), docker.services({})]);
  const others = services.filter((service) => service.labels[labels.project] !== projectId);
  const tasks = await docker.tasks(others.map((service) => service.id));
  return nodes.toSorted(byHostname).map((node) => ({
    id: node.id,
    name: node.hostname,
    cores: countCores(node),
    memoryMiB: node.memoryMiB,
    othersMemoryMiB: reservedOn(node, tasks),
    conductor: node.id === info.swarm.nodeId,
    // A Swarm of one is somebody's computer. Who has several machines has them for this, and has once only one is left:
    // what stands on it would have to shrink.
    shared: nodes.length === 1 && node.labels[labels.reachableSwarm] === undefined,
    storage: node.engineLabels[labels.storage] !== 'none',
    state: stateOf(node, info.swarm.nodeId),
  }));
}

/** Drained counts before away: what is told to hold nothing is not waited for. The one that answers is not away. */
function stateOf(node: SwarmNode, answering: string): MachineState {
  if (!node.active) return 'drained';
  return node.ready || node.id === answering ? 'ready' : 'away';
}

export interface AwayMachine {
  readonly name: string;
  /** Why it takes no containers, as what follows its name. */
  readonly reason: string;
}

/** Of these further machines those whose containers Swarm cannot start now, by id. */
export function findAway(
  further: readonly Pick<Machine, 'id' | 'name'>[],
  nodes: readonly SwarmNode[],
): ReadonlyMap<string, AwayMachine> {
  return new Map(
    further.flatMap(({ id, name }): (readonly [string, AwayMachine])[] => {
      const node = nodes.find((one) => one.id === id);
      if (node === undefined) return [[id, { name, reason: 'left the Swarm' }]];
      if (!node.ready) return [[id, { name, reason: 'does not answer' }]];
      return node.active ? [] : [[id, { name, reason: 'was drained by `docker node update`' }]];
    }),
  );
}

/** A simulated machine counts more cores than its engine can see; the label says how many. */
export function countCores({ cores, labels: own }: Pick<SwarmNode, 'cores' | 'labels'>): number {
  const labelled = own[labels.cores] ?? '';
  return /^[1-9]\d*$/.test(labelled) ? Number(labelled) : cores;
}

function reservedOn(node: SwarmNode, tasks: readonly TaskInspect[]): number {
  const here = tasks.filter((task) => task.nodeId === node.id && task.desiredState === 'running');
  return here.reduce((sum, task) => sum + task.reservations.memoryMiB, 0);
}

/** Two machines may share a host name; the id decides then. */
function byHostname(a: SwarmNode, b: SwarmNode): number {
  return a.hostname === b.hostname ? compareText(a.id, b.id) : compareText(a.hostname, b.hostname);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
