// The containers and volumes of one project on this engine, as drains need them.
import type { Docker } from '../adapters/docker/docker.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';
import type { Clock } from '../runs/clock.ts';
import type { DrainParts } from './carry-out-drains.ts';

type HostDocker = Pick<Docker, 'containers' | 'kill' | 'removeVolume'>;

export interface OwnEngineHost extends Pick<DrainParts, 'host' | 'removeVolume'> {
  /** Id of a service's running container on this engine, null where there is none. */
  container(service: string): Promise<string | null>;
}

const pollMs = 500;
/** A container whose service is gone holds its volume until it has stopped: 10 s by the services' grace time. */
const removalTimeoutMs = 60_000;

/** Reaches only what is on this engine: a container elsewhere is `absent`, a volume elsewhere is not there. */
export function createOwnEngineHost(docker: HostDocker, projectId: string, clock: Clock): OwnEngineHost {
  const container = async (service: string): Promise<string | null> => {
    const found = await docker.containers({ labels: { [labels.project]: projectId, [labels.service]: service } });
    return found.find(({ running }) => running)?.id ?? null;
  };

  return {
    container,
    host: {
      signal: async (service, signal) => {
        const id = await container(service);
        if (id === null) return 'absent';
        await docker.kill(id, signal);
        return 'sent';
      },
    },
    removeVolume: async (_machineId, volume, signal) => {
      const deadline = clock.now() + removalTimeoutMs;
      for (;;) {
        signal.throwIfAborted();
        try {
          await docker.removeVolume(volume);
          return;
        } catch (error) {
          if (!(error instanceof SparkPlugError) || clock.now() >= deadline) throw error;
        }
        await clock.wait(pollMs, signal);
      }
    },
  };
}
