// Use case `machine remove`: machines are drained, taken out of the Swarm, and given back to where they came from.
import type { MachineView } from '../../api/schemas.ts';
import { SparkPlugError } from '../../errors.ts';
import { withCluster } from '../cluster-access.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { FollowedChange } from '../scale.ts';
import { drainMachine } from './change-machines.ts';
import type { MachineFailure, MachineProvider, ProvidedMachine } from './machine-provider.ts';

/** The cluster that machines leave. */
export interface LeavingCluster {
  machines(): Promise<readonly MachineView[]>;
  /** Address of its registry, null for none. */
  registry(): Promise<string | null>;
  drain(name: string): Promise<void>;
  /** Makes the Swarm forget it. */
  forget(name: string): Promise<void>;
}

/** What became of a machine. */
export interface RemovedMachine {
  readonly name: string;
  /** `given-back`; `refused`: it has not heard of it, `failure` says why; `unknown`: the provider has no such machine. */
  readonly back: 'given-back' | 'refused' | 'unknown';
  readonly failure: MachineFailure | null;
}

export interface Removal {
  readonly machines: readonly RemovedMachine[];
  /** What a machine that was not given back still trusts. */
  readonly registry: string | null;
}

/**
 * Drains machines one after another, makes the Swarm forget each, and gives those back that the provider knows. One that
 * the Swarm has forgotten already is only given back, so that an interrupted removal is finished by the same call.
 * @throws SparkPlugError MACHINE_UNKNOWN, MACHINE_IS_CONDUCTOR, and what a drain throws; machines before that one are gone
 */
export async function removeMachines(
  choice: ProjectChoice,
  provider: Pick<MachineProvider<never>, 'list' | 'release'>,
  names: readonly string[],
  change: FollowedChange,
  cluster: LeavingCluster = createLeavingCluster(choice, change),
): Promise<Removal> {
  const registry = await cluster.registry();
  const machines: RemovedMachine[] = [];
  for (const name of new Set(names)) {
    const [present, provided] = await Promise.all([cluster.machines(), provider.list()]);
    const node = present.find((machine) => machine.name === name || machine.id === name);
    const own = findProvided(provided, present, node ?? null, name);
    await takeOut(cluster, node === undefined && own !== null ? (own.nodeId ?? own.hostname) : name, own);
    const [failure = null] = own === null ? [] : await provider.release([own]);
    const back = own === null ? 'unknown' : failure === null ? 'given-back' : 'refused';
    machines.push({ name, back, failure });
  }
  return { machines, registry };
}

/** One that the provider knows and the Swarm does not is out already; the scheduler's word counts, not what was listed. */
async function takeOut(cluster: LeavingCluster, name: string, own: ProvidedMachine | null): Promise<void> {
  try {
    await cluster.drain(name);
    await cluster.forget(name);
  } catch (error) {
    const isOut = own !== null && error instanceof SparkPlugError && error.code === 'MACHINE_UNKNOWN';
    if (!isOut) throw error;
  }
}

/** By its node; by its name where the node is another one by now, or gone, and no other machine is called so. */
function findProvided(
  provided: readonly ProvidedMachine[],
  present: readonly MachineView[],
  node: MachineView | null,
  name: string,
): ProvidedMachine | null {
  const exact = provided.find(({ nodeId, key }) => key === name || (nodeId !== null && nodeId === (node?.id ?? name)));
  if (exact !== undefined) return exact;
  const isElsewhere = ({ nodeId }: ProvidedMachine): boolean => present.some(({ id }) => id === nodeId);
  const [alike, ...more] = provided.filter((one) => one.hostname === (node?.name ?? name) && !isElsewhere(one));
  if (alike === undefined || more.length > 0) return null;
  return { ...alike, nodeId: node?.id ?? alike.nodeId };
}

export function createLeavingCluster(choice: ProjectChoice, change: FollowedChange): LeavingCluster {
  const { signal } = change;
  return {
    machines: () => withCluster(choice, (api) => api.machines({ signal })),
    registry: () =>
      withCluster(choice, async (api) => (await api.desiredState({ signal })).desired.registry?.address ?? null),
    drain: async (name) => void (await drainMachine(choice, name, change)),
    forget: (name) => withCluster(choice, (api) => api.removeMachine(name, { signal })),
  };
}
