// Asks machines that joined for what their agents need. The scheduler's alone: of two who ask at a time, each would remove
// the other's containers.
import type { PublishingDocker } from '../engine/engine-docker.ts';
import type { Execution } from '../engine/execute-change-set.ts';
import { publishImages, type RegistryAccess } from '../engine/publish-images.ts';
import { type AskingDocker, askSocketGids, findUnaskedMachines } from '../engine/read-socket-gids.ts';
import { step } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { PreparedChange } from './apply-desired.ts';

/** Several machines: their registry, and the engine through which they are asked. */
export interface FleetAccess extends RegistryAccess {
  readonly docker: PublishingDocker & AskingDocker;
}

export interface FleetExecution extends Pick<Execution, 'report' | 'signal'> {
  /** Null or absent where there is one machine. */
  readonly fleet?: FleetAccess | null;
}

/**
 * Asks machines that came since for what their agents need; true where there were any. Publishes the image that they
 * are asked with where that has not happened yet.
 * @throws SparkPlugError MACHINE_UNUSABLE
 */
export async function askNewMachines(
  { projectId, registry }: DesiredState,
  { plan, stack }: PreparedChange,
  { fleet = null, report, signal }: FleetExecution,
): Promise<boolean> {
  if (registry === undefined || fleet === null) return false;
  const { docker } = fleet;
  const conductorId = plan.machines.find(({ conductor }) => conductor)?.id ?? null;
  const machines = findUnaskedMachines(await docker.nodes(), conductorId);
  const image = stack.published?.find(({ name }) => name === 'conductor');
  if (machines.length === 0 || image === undefined) return false;
  const name = `look at ${machines.map(({ hostname }) => hostname).join(', ')}`;
  const work = async () => {
    await publishImages([image], { registry: fleet, report, step: name, ...(signal === undefined ? {} : { signal }) });
    await askSocketGids(docker, machines, { projectId, image: image.ref, registry: fleet, signal });
  };
  await step(report, name, work, 'an agent needs the group of the Docker socket');
  return true;
}
