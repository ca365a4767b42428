// What somebody on this computer needs to use the cluster's registry: to push, or to let a machine join.
import { readSecret } from '../config/user-folder.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { registryUser } from './fleet-names.ts';

export interface ClusterRegistryAccess {
  /** `IP:PORT`. */
  readonly address: string;
  /** PEM. */
  readonly caCertificate: string;
  readonly user: string;
  readonly password: string;
}

/** Null where the cluster has no registry, or its password lies on another computer. */
export async function readRegistryAccess({
  projectId,
  registry,
}: Pick<DesiredState, 'projectId' | 'registry'>): Promise<ClusterRegistryAccess | null> {
  if (registry === undefined) return null;
  const password = await readSecret(projectId, 'registry_password');
  if (password === null) return null;
  const { address, caCertificate } = registry;
  return { address, caCertificate, user: registryUser, password };
}
