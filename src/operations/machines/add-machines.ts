// Use case `machine add`: further machines of any provider join the Swarm, and the cluster uses them.
import pWaitFor, { TimeoutError } from 'p-wait-for';
import type { MachineView } from '../../api/schemas.ts';
import { SparkPlugError } from '../../errors.ts';
import { step } from '../../progress.ts';
import { formatDuration } from '../../units.ts';
import { connectToCluster } from '../cluster-access.ts';
import { locateProject, type ProjectChoice } from '../open-project.ts';
import { type Gathered, gather, type MachineProvider, type ProvidedMachine } from './machine-provider.ts';
import { type Preparing, prepareJoin } from './prepare-join.ts';
import type { JoinOrder } from './render-join-script.ts';

/** A machine in use. */
export interface AddedMachine {
  /** By which the provider knows it. */
  readonly key: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly containers: readonly string[];
  /** Why no more workers stand there. */
  readonly explanation: string;
}

/** The cluster that machines join. */
export interface JoiningCluster {
  /** Once for all machines. */
  prepareJoin(advertise: string | null): Promise<JoinOrder>;
  /** Resolves when the cluster uses the machine. @throws SparkPlugError CLUSTER_NOT_READY */
  awaitInUse(machine: ProvidedMachine): Promise<MachineView>;
}

/** A machine pulls its images first, hundreds of MiB. */
const inUseTimeoutMs = 600_000;
const pollMs = 1_000;

/**
 * Readies machines, joins them to the Swarm, and returns when the cluster uses them. Each on its own: one with which it
 * goes wrong is a failure beside the others. Run again it finishes what was interrupted, and changes nothing on a machine
 * that is in.
 * @throws SparkPlugError SWARM_UNUSABLE, SWARM_ADDRESS_NEEDED, and what `up` throws
 */
export async function addMachines<Wanted>(
  choice: ProjectChoice,
  provider: Pick<MachineProvider<Wanted>, 'describe' | 'acquire'>,
  wanted: readonly Wanted[],
  options: Preparing,
  cluster: JoiningCluster = createJoiningCluster(choice, options),
): Promise<Gathered<AddedMachine>> {
  const described = await provider.describe(wanted);
  if (described.machines.length === 0) return { machines: [], failures: described.failures };
  const seenFrom = described.machines.map((offered) => offered.seenFrom).find((address) => address !== null) ?? null;
  let order: Promise<JoinOrder> | null = null;
  const acquired = await provider.acquire(
    described.machines.map((offered) => offered.wanted),
    () => {
      order ??= cluster.prepareJoin(options.advertise ?? seenFrom);
      return order;
    },
  );
  // What keeps the cluster from being joined at all is no single machine's failure.
  await order;
  const used = await gather(
    acquired.machines,
    ({ key }) => key,
    async (machine): Promise<AddedMachine> => {
      const fill = () => cluster.awaitInUse(machine);
      const view = await step(options.report, `fill ${machine.key}`, fill, 'the scheduler found it');
      const { name, cores, memoryMiB, containers, explanation } = view;
      const services = containers.map(({ service }) => service);
      return { key: machine.key, name, cores, memoryMiB, containers: services, explanation };
    },
  );
  return {
    machines: used.machines,
    failures: [...described.failures, ...acquired.failures, ...used.failures],
  };
}

/** The project's own cluster. */
export function createJoiningCluster(
  choice: ProjectChoice,
  { report, signal }: Omit<Preparing, 'advertise'>,
): JoiningCluster {
  const look = createLook(choice, signal);
  return {
    prepareJoin: (advertise) => prepareJoin(choice, { advertise, report, signal }),
    awaitInUse: (machine) => awaitInUse(look, machine, signal),
  };
}

export interface Sight {
  readonly machines: readonly MachineView[];
  /** False while an operation changes it. */
  readonly still: boolean;
}

/** Machines that are waited for at the same time share one question. */
function createLook(choice: ProjectChoice, signal: AbortSignal): () => Promise<Sight> {
  let asking: Promise<Sight> | null = null;
  const ask = async (): Promise<Sight> => {
    const api = await connectToCluster(await locateProject(choice));
    const [machines, status] = await Promise.all([api.machines({ signal }), api.clusterStatus({ signal })]);
    return { machines, still: status.operation === null };
  };
  return () => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
}

/** A scheduler that is replaced, or slow on a machine that just pulls its images, answers later. */
function nullWhileAway(error: unknown): null {
  if (error instanceof SparkPlugError && error.exitCode === 3) return null;
  throw error;
}

/** Until the machine has its containers and all of them answer; one with room for none is in use as far as it can be. */
export async function awaitInUse(
  look: () => Promise<Sight>,
  { hostname, nodeId }: ProvidedMachine,
  signal: AbortSignal,
): Promise<MachineView> {
  let found: MachineView | undefined;
  const isInUse = async (): Promise<boolean> => {
    const sight = await look().catch(nullWhileAway);
    if (sight === null) return false;
    const { machines, still } = sight;
    found = machines.find(({ id }) => id === nodeId) ?? machines.find(({ name }) => name === hostname);
    if (found === undefined || found.state !== 'ready') return false;
    // Its agent may come a look later than all else: the machine is asked for what it needs first.
    if (!found.containers.some(({ component }) => component === 'agent')) return false;
    return still && found.containers.every(({ state }) => state === 'ready');
  };
  try {
    await pWaitFor(isInUse, { interval: pollMs, timeout: inUseTimeoutMs, signal });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new SparkPlugError('CLUSTER_NOT_READY', `${hostname} is not in use after ${formatDuration(inUseTimeoutMs)}`, {
      place: hostname,
      hint: 'sparkplug machine; sparkplug status; the events say what the scheduler tried',
    });
  }
  if (found === undefined) throw new Error('a machine in use was found');
  return found;
}

/**
 * What went wrong with machines as one error: its own where it was one, else all of them as problems.
 * @param what was to be done with them: `added`
 */
export function summarizeFailures({ failures, machines }: Gathered<unknown>, what: string): SparkPlugError | null {
  const [first] = failures;
  if (first === undefined) return null;
  if (failures.length === 1) return first.error;
  const all = failures.length + machines.length;
  return new SparkPlugError('MACHINES_FAILED', `${failures.length} of ${all} machines were not ${what}`, {
    hint: 'mend what each says, then the same command again: what is done stays as it is',
    problems: failures.map(({ key, error }) => ({ place: key, message: `${error.code}: ${error.message}` })),
  });
}
