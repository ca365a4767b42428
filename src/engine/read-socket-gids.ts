// The group of each machine's Docker socket, which an agent needs to use it without root: asked once, kept as a label.
import type { Docker, SwarmNode } from '../adapters/docker/docker.ts';
import { labels } from './labels.ts';
import type { RegistryAccess } from './publish-images.ts';
import { dockerSocket, type JobDocker, machineUnusable, runMachineJob } from './run-machine-job.ts';

export type AskingDocker = JobDocker & Pick<Docker, 'labelNode'>;

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
  { projectId, image, registry, signal, timeoutMs }: Parameters<typeof askSocketGids>[2],
): Promise<number> {
  const answer = await runMachineJob(docker, machine, {
    name: `${projectId}_ask-${machine.id.slice(0, 12)}`,
    image,
    user: '10001:10001',
    command: ['stat', '-c', '%g', dockerSocket],
    login: registry.login,
    signal,
    timeoutMs,
  });
  if (!/^\d{1,10}\s*$/.test(answer)) throw machineUnusable(machine, answer.slice(0, 200), image);
  return Number(answer);
}
