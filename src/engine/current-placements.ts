// ClusterState → what stands where, as the planner wants to know it.
import type { CurrentPlacements, Machine, Placement } from '../plan/cluster-plan.ts';
import type { ClusterState, ObservedService } from './cluster-state.ts';

/**
 * Workers and DataNodes with the machine that each was told to stay on; where it was told nothing (deployed by hand) the
 * one it runs on. What has neither stands nowhere yet.
 */
export function readPlacements(state: ClusterState, machines: readonly Machine[]): CurrentPlacements {
  const names = new Map(machines.map(({ id, name }) => [id, name]));
  const ofComponent = (component: string): readonly Placement[] =>
    state.services.flatMap((service): readonly Placement[] => {
      const ordinal = readOrdinal(service, component);
      const machineId = findMachine(service);
      return ordinal === null || machineId === null
        ? []
        : [{ ordinal, machineId, machineName: names.get(machineId) ?? machineId }];
    });
  return { workers: ofComponent('spark-worker'), datanodes: ofComponent('datanode') };
}

function readOrdinal({ component, name }: ObservedService, wanted: string): number | null {
  if (component !== wanted || !name.startsWith(`${wanted}-`)) return null;
  const text = name.slice(wanted.length + 1);
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;
}

function findMachine({ machineId, tasks }: ObservedService): string | null {
  if (machineId !== null) return machineId;
  return tasks.find((task) => task.desiredState === 'running' && task.machineId !== null)?.machineId ?? null;
}
