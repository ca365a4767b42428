// The containers and volumes of one project as drains need them, on whichever machine they are.
import type { Docker } from '../adapters/docker/docker.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';
import type { Clock } from '../runs/clock.ts';
import type { DrainParts } from './carry-out-drains.ts';
import type { ContainerHost } from './fleet.ts';

const pollMs = 500;
/** A container whose service is gone holds its volume until it has stopped: 10 s by the services' grace time. */
const removalTimeoutMs = 60_000;

/** A volume on a machine that is gone, or away, goes with it: its blocks are on other DataNodes by then. */
export function createDrainHost(
  containers: Pick<ContainerHost, 'signal' | 'removeVolume'>,
  clock: Clock,
): Pick<DrainParts, 'host' | 'removeVolume'> {
  return {
    host: containers,
    removeVolume: async (machineId, volume, signal) => {
      if (machineId === null) return;
      const deadline = clock.now() + removalTimeoutMs;
      for (;;) {
        signal.throwIfAborted();
        try {
          await containers.removeVolume(machineId, volume);
          return;
        } catch (error) {
          if (!(error instanceof SparkPlugError)) throw error;
          if (error.code === 'AGENT_AWAY') return;
          if (clock.now() >= deadline) throw error;
        }
        await clock.wait(pollMs, signal);
      }
    },
  };
}

/** Id of a service's running container on this engine, null where there is none. */
export async function findOwnContainer(
  docker: Pick<Docker, 'containers'>,
  projectId: string,
  service: string,
): Promise<string | null> {
  const found = await docker.containers({ labels: { [labels.project]: projectId, [labels.service]: service } });
  return found.find(({ running }) => running)?.id ?? null;
}
