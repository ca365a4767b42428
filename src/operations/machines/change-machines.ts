// Use cases of `machine` on a running cluster: list, drain, take back.
import type { MachineList } from '../../api/schemas.ts';
import { withCluster } from '../cluster-access.ts';
import { followSubmission } from '../follow-operation.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { FollowedChange } from '../scale.ts';

/** The machines with the containers on them, the conductor's first. */
export async function listMachines(choice: ProjectChoice, signal: AbortSignal): Promise<MachineList['machines']> {
  return await withCluster(choice, (api) => api.machines({ signal }));
}

/**
 * Takes everything of the project off a machine: executors decommissioned, blocks replicated elsewhere. False where
 * nothing stood there.
 * @throws SparkPlugError MACHINE_UNKNOWN, MACHINE_IS_CONDUCTOR, REPLICATION_IMPOSSIBLE, and what stops the operation
 */
export async function drainMachine(choice: ProjectChoice, name: string, change: FollowedChange): Promise<boolean> {
  const { now, force, report, signal } = change;
  return await withCluster(choice, async (api) =>
    followSubmission(await api.drainMachine(name, { now, force, signal }), { api, report, signal }),
  );
}

/** Lets a drained machine take containers again. */
export async function returnMachine(choice: ProjectChoice, name: string, change: FollowedChange): Promise<boolean> {
  const { now, force, report, signal } = change;
  return await withCluster(choice, async (api) =>
    followSubmission(await api.returnMachine(name, { now, force, signal }), { api, report, signal }),
  );
}
