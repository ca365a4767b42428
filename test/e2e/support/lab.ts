// A lab and the cluster on it, as tests look at them: the machines from outside, the cluster through its own API.
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import type { ApiClient } from '../../../src/api/client.ts';
import type { ClusterStatus, MachineView, Operation } from '../../../src/api/schemas.ts';
import { SparkPlugError } from '../../../src/errors.ts';
import { withCluster } from '../../../src/operations/cluster-access.ts';
import { mustRun, mustRunJson } from './sparkplug.ts';

export interface LabCluster {
  readonly folder: string;
  readonly projectId: string;
  /** Docker context of the lab's conductor. */
  readonly context: string;
}

/** Brings up a lab of these machines and the project on it. */
export async function upLabCluster(folder: string, machines: readonly string[]): Promise<LabCluster> {
  await mustRun(folder, ['lab', 'up', ...machines, '--yes'], { timeoutMs: 300_000 });
  const { lab } = (await mustRunJson(folder, ['lab'])) as { lab: { projectId: string; context: string } };
  await mustRun(folder, ['up', '--yes'], { timeoutMs: 600_000 });
  return { folder, projectId: lab.projectId, context: lab.context };
}

/** Asks the cluster's API as the command line does. */
export async function askApi<T>({ folder }: LabCluster, use: (api: ApiClient) => Promise<T>): Promise<T> {
  return await withCluster({ fromDir: folder, overrides: [] }, use);
}

/** A shell script as root of a machine; returns what it printed. */
export async function onMachine({ projectId }: LabCluster, machine: string, script: string): Promise<string> {
  return (await execa('docker', ['exec', `${projectId}-lab-${machine}`, 'sh', '-c', `set -eu; ${script}`])).stdout;
}

/** Docker of the lab's conductor. */
export async function innerDocker({ context }: LabCluster, ...args: readonly string[]): Promise<string> {
  return (await execa('docker', ['--context', context, ...args])).stdout;
}

export async function findMachine(cluster: LabCluster, name: string): Promise<MachineView | undefined> {
  return (await askApi(cluster, (api) => api.machines())).find((machine) => machine.name === name);
}

/** What of the project stands on a machine, without its agent: names of services. */
export async function servicesOn(cluster: LabCluster, name: string): Promise<readonly string[]> {
  const containers = (await findMachine(cluster, name))?.containers ?? [];
  return containers.flatMap(({ component, service }) => (component === 'agent' ? [] : [service])).toSorted();
}

/** Until the cluster stands still, every component answers, and `isReached` holds. */
export async function awaitCluster(
  cluster: LabCluster,
  isReached: (status: ClusterStatus) => boolean | Promise<boolean>,
  timeoutMs = 120_000,
): Promise<void> {
  const isSettled = async () => {
    const status = await readStatus(cluster);
    return status?.ready === true && status.operation === null && (await isReached(status));
  };
  await pWaitFor(isSettled, { interval: 1_000, timeout: timeoutMs });
}

/** Null while web or scheduler are being replaced. */
async function readStatus(cluster: LabCluster): Promise<ClusterStatus | null> {
  try {
    return await askApi(cluster, (api) => api.clusterStatus());
  } catch (error) {
    if (error instanceof SparkPlugError && error.exitCode === 3) return null;
    throw error;
  }
}

/** Waits for a step of the running operation that reads like this, and returns the operation. */
export async function awaitStep(cluster: LabCluster, step: RegExp): Promise<Operation> {
  let found: Operation | null = null;
  const isMet = () =>
    askApi(cluster, async (api) => {
      const { operation } = await api.clusterStatus();
      if (operation === null) return false;
      found = await api.operation(operation);
      return found.steps.some(({ text }) => step.test(text));
    });
  await pWaitFor(isMet, { interval: 250, timeout: 120_000 });
  if (found === null) throw new Error('a step belongs to an operation');
  return found;
}
