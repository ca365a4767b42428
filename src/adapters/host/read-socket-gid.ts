import { stat } from 'node:fs/promises';

/** Where the engine's socket is on its own machine, and inside the scheduler's container. */
const dockerSocket = '/var/run/docker.sock';

/** Group of the Docker socket on this computer; null where there is none (the engine is elsewhere). */
export async function readSocketGid(socket = dockerSocket): Promise<number | null> {
  return await stat(socket).then(
    (found) => (found.isSocket() ? found.gid : null),
    () => null,
  );
}
