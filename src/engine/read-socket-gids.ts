// The group of each machine's Docker socket, which an agent needs to use it without root: asked once, kept as a label.
import pWaitFor, { TimeoutError } from 'p-wait-for';
import type { Docker, SwarmNode, TaskInspect } from '../adapters/docker/docker.ts';
import { withRegistryLogin } from '../adapters/docker/registry-login.ts';
import { SparkPlugError } from '../errors.ts';
import { formatDuration } from '../units.ts';
import { labels } from './labels.ts';
import type { RegistryAccess } from './publish-images.ts';

export type AskingDocker = Pick<Docker, 'nodes' | 'run' | 'tasks' | 'removeService' | 'labelNode'>;

const dockerSocket = '/var/run/docker.sock';
const pollMs = 500;
/** The machine pulls the conductor's image first, some 150 MB over whatever line it has. */
const defaultTimeoutMs = 15 * 60_000;
/** A machine that takes tasks takes one within seconds. */
const pendingTimeoutMs = 60_000;

/** Of the machines that were asked before. */
export function readSocketGids(nodes: readonly SwarmNode[]): ReadonlyMap<string, number> {
  return new Map(
    nodes.flatMap(({ id, labels: own }) => {
      const text = own[labels.socketGid] ?? '';
      return /^\d{1,10}$/.test(text) ? [[id, Number(text)] as const] : [];
    }),
  );
}

/** Machines besides the conductor's that take containers now and were not asked yet. */
export function findUnaskedMachines(nodes: readonly SwarmNode[], conductorId: string | null): readonly SwarmNode[] {
  const known = readSocketGids(nodes);
  return nodes.filter(({ id, ready, active }) => ready && active && id !== conductorId && !known.has(id));
}

/**
 * Asks all at once, each by a container of its own that looks at the socket and ends. What one answers is kept even
 * where another cannot.
 * @param image reference by which further machines pull the conductor's image
 * @throws SparkPlugError MACHINE_UNUSABLE naming the first machine that could not start the container
 */
export async function askSocketGids(
  docker: AskingDocker,
  machines: readonly SwarmNode[],
  asking: {
    readonly projectId: string;
    readonly image: string;
    readonly registry: RegistryAccess;
    readonly signal?: AbortSignal | undefined;
    readonly timeoutMs?: number;
  },
): Promise<void> {
  const outcomes = await Promise.allSettled(
    machines.map(async (machine) => {
      const gid = await askOne(docker, machine, asking);
      await docker.labelNode(machine.id, { [labels.socketGid]: String(gid) });
    }),
  );
  asking.signal?.throwIfAborted();
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function askOne(
  docker: AskingDocker,
  machine: SwarmNode,
  { projectId, image, registry, signal, timeoutMs = defaultTimeoutMs }: Parameters<typeof askSocketGids>[2],
): Promise<number> {
  const name = `${projectId}_ask-${machine.id.slice(0, 12)}`;
  // Without the project's label: it is no part of the cluster that a reconcile would compare.
  await docker.removeService(name);
  try {
    const id = await withRegistryLogin(registry.login, (dockerConfig) =>
      docker.run(
        [
          ...['service', 'create', '--detach', '--quiet', '--name', name, '--mode', 'replicated-job'],
          ...['--constraint', `node.id==${machine.id}`, '--restart-condition', 'none', '--with-registry-auth'],
          ...['--no-resolve-image', '--cap-drop', 'ALL', '--user', '10001:10001', '--entrypoint', 'stat'],
          ...['--mount', `type=bind,source=${dockerSocket},target=${dockerSocket},readonly`],
          ...[image, '-c', '%g', dockerSocket],
        ],
        { signal, env: { DOCKER_CONFIG: dockerConfig } },
      ),
    );
    const task = await awaitEnd(docker, id.trim(), machine, { signal, timeoutMs });
    if (task.state !== 'complete') throw unusable(machine, task.error ?? task.message, image);
    const answer = await docker.run(['service', 'logs', '--raw', name], { signal });
    if (!/^\d{1,10}\s*$/.test(answer)) throw unusable(machine, answer.slice(0, 200), image);
    return Number(answer);
  } finally {
    await docker.removeService(name);
  }
}

const endedStates: readonly string[] = ['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove'];

async function awaitEnd(
  docker: AskingDocker,
  service: string,
  machine: SwarmNode,
  { signal, timeoutMs }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<TaskInspect> {
  const startedAt = performance.now();
  let task: TaskInspect | undefined;
  const hasEnded = async (): Promise<boolean> => {
    [task] = await docker.tasks([service]);
    const isPending = task === undefined || task.state === 'pending' || task.state === 'new';
    if (isPending && performance.now() - startedAt >= Math.min(pendingTimeoutMs, timeoutMs)) {
      throw unusable(machine, task?.error ?? task?.message ?? 'no task was made', service);
    }
    return task !== undefined && endedStates.includes(task.state);
  };
  try {
    await pWaitFor(hasEnded, { interval: pollMs, timeout: timeoutMs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    const state = `${task?.state ?? 'no task'} after ${formatDuration(timeoutMs)}`;
    throw unusable(machine, state, service);
  }
  if (task === undefined) throw new Error('a task that has ended is known');
  return task;
}

function unusable({ hostname }: SwarmNode, said: string, image: string): SparkPlugError {
  return new SparkPlugError('MACHINE_UNUSABLE', `${hostname} could not start a container of the cluster: ${said}`, {
    place: hostname,
    met: image,
    hint:
      `run the line of \`sparkplug machine join-command\` on ${hostname}: it lets the machine trust the cluster's ` +
      'registry; then sparkplug up',
  });
}
