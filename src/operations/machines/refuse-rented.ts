// Machines that AWS rents out do not end by leaving the Swarm: whoever removes one so goes on paying for it.
import type { MachineView } from '../../api/schemas.ts';
import type { ProjectState } from '../../config/project-state.ts';
import { SparkPlugError } from '../../errors.ts';
import { locateProject, type ProjectChoice } from '../open-project.ts';
import { listMachines } from './change-machines.ts';
import type { ProvidedMachine } from './machine-provider.ts';

/** @throws SparkPlugError USAGE for a machine of `aws up` that still answers */
export async function refuseRented(
  choice: ProjectChoice,
  provided: readonly ProvidedMachine[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { state } = await locateProject(choice);
  if (state === null || state.aws === null) return;
  refuseRentedOf(state, await listMachines(choice, signal), provided, names);
}

/** The pure half: what was added over SSH is nobody's but the user's, and an instance that is gone may be forgotten. */
export function refuseRentedOf(
  { aws }: Pick<ProjectState, 'aws'>,
  present: readonly Pick<MachineView, 'id' | 'name' | 'reachable' | 'conductor'>[],
  provided: readonly ProvidedMachine[],
  names: readonly string[],
): void {
  if (aws === null) return;
  const rented = present.find(
    ({ id, name, reachable, conductor }) =>
      (names.includes(name) || names.includes(id)) &&
      reachable &&
      !conductor &&
      !provided.some((one) => one.nodeId === id || one.hostname === name),
  );
  if (rented === undefined) return;
  throw new SparkPlugError('USAGE', `${rented.name} is an instance on AWS, which would go on and cost`, {
    met: rented.name,
    hint: 'sparkplug aws scale followers=N drains the last ones and ends them; machine drain empties any',
  });
}
