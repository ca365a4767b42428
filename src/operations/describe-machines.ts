// Use case: the machines with the containers on them, as drawn on the dashboard. Pure: what was asked comes in.
import type { SwarmNode } from '../adapters/docker/docker.ts';
import type { ComponentHealth, ContainerView, MachineView } from '../api/schemas.ts';
import type { ClusterState, ObservedService } from '../engine/cluster-state.ts';
import { countCores } from '../engine/swarm-machines.ts';
import type { ClusterPlan } from '../plan/cluster-plan.ts';
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';

/** What is placed where, by plan and in fact. */
export interface MachineSurvey {
  /** Swarm's id of the machine that answers. */
  readonly conductorId: string;
  readonly nodes: readonly SwarmNode[];
  readonly state: ClusterState;
  readonly stack: StackSpec;
  readonly plan: ClusterPlan;
}

/** What one container used when it was last read. */
export interface ContainerLoad {
  readonly service: string;
  readonly component: string;
  /** Number of the container within its service, from 1. */
  readonly replica: number;
  readonly cpuSeconds: number;
  /** Null until it was read twice. */
  readonly coresUsed: number | null;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
}

const bytesPerMiB = 1024 ** 2;

/** The conductor first, then by name. Containers in the order of the stack, and then those that are on their way out. */
export function describeMachines(
  survey: MachineSurvey,
  health: readonly ComponentHealth[],
  loads: readonly ContainerLoad[],
): MachineView[] {
  const placed = survey.stack.services.map((spec) => placeService(survey, spec));
  const leaving = findLeaving(survey);
  const isConductor = (node: SwarmNode): boolean => node.id === survey.conductorId;
  return survey.nodes
    .toSorted((a, b) => Number(isConductor(b)) - Number(isConductor(a)) || compareText(a.hostname, b.hostname))
    .map((node) => ({ node, planned: survey.plan.machines.find(({ id }) => id === node.id) }))
    .map(({ node, planned }) => ({
      id: node.id,
      name: node.hostname,
      conductor: isConductor(node),
      reachable: node.ready,
      state: node.ready ? (planned?.state ?? 'ready') : 'away',
      explanation: planned?.explanation ?? '',
      cores: countCores(node),
      memoryMiB: node.memoryMiB,
      reservedMiB: planned?.reservedMiB ?? 0,
      containers: [
        ...placed
          .filter(({ machineId }) => machineId === node.id)
          .flatMap(({ spec }) => describeContainers(spec, survey.plan, health, loads)),
        ...leaving
          .filter((service) => findMachine(service) === node.id)
          .map((service) => describeLeaving(service, node, survey.plan, loads)),
      ],
    }));
}

/** Workers and DataNodes that are no longer planned: they stand until they have handed over what they hold. */
function findLeaving({ state, stack }: Pick<MachineSurvey, 'state' | 'stack'>): readonly ObservedService[] {
  const planned = new Set(stack.services.map(({ name }) => name));
  return state.services.filter(
    ({ name, component }) => (component === 'spark-worker' || component === 'datanode') && !planned.has(name),
  );
}

/** Where its container is; else where it would be started. */
function placeService(
  { state, conductorId }: MachineSurvey,
  spec: ServiceSpec,
): { readonly spec: ServiceSpec; readonly machineId: string } {
  const observed = state.services.find(({ name }) => name === spec.name);
  return { spec, machineId: findMachine(observed) ?? spec.machineId ?? conductorId };
}

/** Null where it neither runs nor was told where to. */
export function findMachine(service: ObservedService | undefined): string | null {
  const task = service?.tasks.find(({ desiredState, machineId }) => desiredState === 'running' && machineId !== null);
  return task?.machineId ?? service?.machineId ?? null;
}

function describeContainers(
  spec: ServiceSpec,
  { worker }: ClusterPlan,
  health: readonly ComponentHealth[],
  loads: readonly ContainerLoad[],
): ContainerView[] {
  const { name: service, component, limitMiB: memoryMiB } = spec;
  const state = health.find(({ name }) => name === service)?.state ?? 'missing';
  // Cores are counted for workers alone; the others share what is left by weight.
  const cores = component === 'spark-worker' ? worker.executors * worker.cores : 0;
  return Array.from({ length: spec.replicas }, (_, index): ContainerView => {
    const load = loads.find((one) => one.service === service && one.replica === index + 1);
    const memoryUsedMiB = load === undefined ? null : Math.round(load.memoryBytes / bytesPerMiB);
    return { service, component, cores, memoryMiB, state, coresUsed: load?.coresUsed ?? null, memoryUsedMiB };
  });
}

function describeLeaving(
  { name: service, component, memoryLimitMiB: memoryMiB, tasks }: ObservedService,
  { ready }: SwarmNode,
  { worker }: ClusterPlan,
  loads: readonly ContainerLoad[],
): ContainerView {
  const runs = tasks.some(({ state, desiredState }) => state === 'running' && desiredState === 'running');
  const load = loads.find((one) => one.service === service);
  return {
    ...{ service, component, memoryMiB, cores: component === 'spark-worker' ? worker.executors * worker.cores : 0 },
    state: ready ? (runs ? 'ready' : 'missing') : 'away',
    coresUsed: load?.coresUsed ?? null,
    memoryUsedMiB: load === undefined ? null : Math.round(load.memoryBytes / bytesPerMiB),
  };
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
