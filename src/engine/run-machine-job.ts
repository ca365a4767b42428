// One command on one machine of the Swarm, where no agent is there to be asked: a container that looks and ends.
import pWaitFor, { TimeoutError } from 'p-wait-for';
import type { Docker, SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import { type RegistryLogin, withRegistryLogin } from '../adapters/docker/registry-login.ts';
import { SparkPlugError } from '../errors.ts';
import { formatDuration } from '../units.ts';

export type JobDocker = Pick<Docker, 'run' | 'tasks' | 'removeService' | 'nodes'>;

export const dockerSocket = '/var/run/docker.sock';
const pollMs = 500;
/** The machine may pull the image first, some 150 MB over whatever line it has. */
const defaultTimeoutMs = 15 * 60_000;
/** A machine that takes tasks takes one within seconds. */
const pendingTimeoutMs = 60_000;
/** Looks between two questions whether the machine is still there: of one that left, its task says nothing more. */
const looksPerQuestion = 4;

export interface MachineJob {
  /** Of the service, unique in the Swarm; one of this name that was left behind is replaced. */
  readonly name: string;
  readonly image: string;
  /** `uid:gid`; the machine's Docker socket is bound into the container. */
  readonly user: string;
  readonly command: readonly [string, ...string[]];
  /** To pull the image with; null where the machine has it. */
  readonly login: RegistryLogin | null;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs the command once and gives what it printed; nothing of it stays. The service bears no label of the project, so
 * that no reconcile takes it for a part of the cluster.
 * @throws SparkPlugError MACHINE_UNUSABLE naming the machine
 */
export async function runMachineJob(docker: JobDocker, machine: SwarmNode, job: MachineJob): Promise<string> {
  const { name, image, signal, timeoutMs = defaultTimeoutMs } = job;
  await docker.removeService(name);
  try {
    const id = await create(docker, machine, job);
    const task = await awaitEnd(docker, id.trim(), machine, { image, signal, timeoutMs });
    if (task.state !== 'complete') throw machineUnusable(machine, task.error ?? task.message, image);
    return await docker.run(['service', 'logs', '--raw', name], { signal });
  } finally {
    await docker.removeService(name);
  }
}

async function create(
  docker: JobDocker,
  machine: SwarmNode,
  { name, image, user, command: [program, ...args], login, signal }: MachineJob,
): Promise<string> {
  const command = [
    ...['service', 'create', '--detach', '--quiet', '--name', name, '--mode', 'replicated-job'],
    ...['--constraint', `node.id==${machine.id}`, '--restart-condition', 'none', '--no-resolve-image'],
    ...['--cap-drop', 'ALL', '--user', user, '--entrypoint', program],
    ...['--mount', `type=bind,source=${dockerSocket},target=${dockerSocket},readonly`],
    ...(login === null ? [] : ['--with-registry-auth']),
    ...[image, ...args],
  ];
  if (login === null) return await docker.run(command, { signal });
  return await withRegistryLogin(login, (dockerConfig) =>
    docker.run(command, { signal, env: { DOCKER_CONFIG: dockerConfig } }),
  );
}

const endedStates: readonly string[] = ['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove'];

async function awaitEnd(
  docker: JobDocker,
  service: string,
  machine: SwarmNode,
  { image, signal, timeoutMs }: Pick<MachineJob, 'image' | 'signal'> & { readonly timeoutMs: number },
): Promise<TaskInspect> {
  const startedAt = performance.now();
  let task: TaskInspect | undefined;
  let looks = 0;
  const hasEnded = async (): Promise<boolean> => {
    [task] = await docker.tasks([service]);
    looks += 1;
    if (looks % looksPerQuestion === 0 && !(await isThere(docker, machine))) {
      throw machineUnusable(machine, 'it left while it was asked', image);
    }
    const isPending = task === undefined || task.state === 'pending' || task.state === 'new';
    if (isPending && performance.now() - startedAt >= Math.min(pendingTimeoutMs, timeoutMs)) {
      throw machineUnusable(machine, task?.error ?? task?.message ?? 'no task was made', image);
    }
    return task !== undefined && endedStates.includes(task.state);
  };
  try {
    await pWaitFor(hasEnded, { interval: pollMs, timeout: timeoutMs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw machineUnusable(machine, `${task?.state ?? 'no task'} after ${formatDuration(timeoutMs)}`, image);
  }
  if (task === undefined) throw new Error('a task that has ended is known');
  return task;
}

async function isThere(docker: Pick<Docker, 'nodes'>, { id }: SwarmNode): Promise<boolean> {
  return (await docker.nodes()).some((node) => node.id === id && node.ready);
}

export function machineUnusable({ hostname }: SwarmNode, said: string, image: string): SparkPlugError {
  return new SparkPlugError('MACHINE_UNUSABLE', `${hostname} could not start a container of the cluster: ${said}`, {
    place: hostname,
    met: image,
    hint:
      `run the line of \`sparkplug machine join-command\` on ${hostname}: it lets the machine trust the cluster's ` +
      'registry; then sparkplug up',
  });
}
