// Volumes on machines whose agents are gone with the rest of the cluster: each removes its own by a last job.
import type { SwarmNode } from '../adapters/docker/docker.ts';
import type { ClusterState } from '../engine/cluster-state.ts';
import { labels } from '../engine/labels.ts';
import { readSocketGids } from '../engine/read-socket-gids.ts';
import { type JobDocker, runMachineJob } from '../engine/run-machine-job.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';

/** The containers are stopping still: a volume is free when the last of them is gone. */
const timeoutMs = 120_000;
const script = [
  'filter="label=$1"',
  'while [ -n "$(docker ps --all --quiet --filter "$filter")" ]; do sleep 0.5; done',
  'for volume in $(docker volume ls --quiet --filter "$filter"); do docker volume rm "$volume"; done',
].join('\n');

/**
 * After the services are gone. `before`: what ran, whose agents' images the machines still have. A machine that is away
 * keeps its volumes, and is named in a warning.
 * @returns names of the volumes removed
 */
export async function removeFarVolumes(
  docker: JobDocker,
  before: ClusterState,
  { report, signal }: { readonly report: Report; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const agents = before.services.filter(({ component }) => component === 'agent');
  if (agents.length === 0) return [];
  const nodes = await docker.nodes();
  const gids = readSocketGids(nodes);
  const left = ({ hostname }: SwarmNode, reason: string): readonly string[] => {
    report({ kind: 'warning', text: `volumes of ${before.projectId} may be left on ${hostname}: ${reason}` });
    return [];
  };
  const removeOn = async ({ machineId, image }: (typeof agents)[number]): Promise<readonly string[]> => {
    const machine = nodes.find(({ id }) => id === machineId);
    const gid = gids.get(machineId ?? '');
    if (machine === undefined || gid === undefined) return [];
    if (!machine.ready) return left(machine, `${machine.hostname} does not answer`);
    try {
      const answer = await runMachineJob(docker, machine, {
        name: `${before.projectId}_clear-${machine.id.slice(0, 12)}`,
        image,
        user: `10001:${gid}`,
        command: ['sh', '-c', script, 'clear', `${labels.project}=${before.projectId}`],
        login: null,
        signal,
        timeoutMs,
      });
      return answer.split('\n').filter((name) => name !== '');
    } catch (error) {
      if (!(error instanceof SparkPlugError)) throw error;
      return left(machine, error.message);
    }
  };
  const work = async () => (await Promise.all(agents.map(removeOn))).flat();
  return await step(report, `remove volumes on ${agents.length} further machines`, work);
}
