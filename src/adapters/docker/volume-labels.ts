// Labels of this engine's volumes, straight from its API: what is asked every few seconds starts no process.
import { Pool } from 'undici';
import { z } from 'zod';
import type { Labels } from './docker.ts';

export interface VolumeLabels {
  /**
   * All labels of each volume that has this one, whatever its value. Throws a plain Error when the engine does not answer
   * within `timeoutMs`.
   */
  read(label: string, options: { readonly timeoutMs: number }): Promise<readonly Labels[]>;
  close(): Promise<void>;
}

const Volumes = z.object({
  Volumes: z.array(z.object({ Labels: z.record(z.string(), z.string()).nullish() })).nullish(),
});

/** Connects at the first reading. */
export function createVolumeLabels(socketPath: string): VolumeLabels {
  const pool = new Pool('http://docker', { socketPath, connections: 1 });
  return {
    read: async (label, { timeoutMs }) => {
      const query = new URLSearchParams({ filters: JSON.stringify({ label: [label] }) });
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await pool.request({ path: `/volumes?${query}`, method: 'GET', signal });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw new Error(`the engine answered ${answer.statusCode} to /volumes`);
      }
      const { Volumes: volumes } = Volumes.parse(await answer.body.json());
      return (volumes ?? []).map(({ Labels: labels }) => labels ?? {});
    },
    close: () => pool.destroy(),
  };
}
