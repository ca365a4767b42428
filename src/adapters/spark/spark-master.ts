// What the Spark master says at /json/: workers, applications, and who holds which cores.
import { z } from 'zod';
import { type FetchOptions, fetchJson } from '../fetch-json.ts';

export interface SparkWorker {
  readonly id: string;
  /** Address on the data network. */
  readonly host: string;
  readonly alive: boolean;
  readonly cores: number;
  readonly coresUsed: number;
  readonly memoryMiB: number;
  readonly memoryUsedMiB: number;
}

export interface SparkApplication {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Cores granted so far. */
  readonly cores: number;
  /** Heap asked for each executor. */
  readonly executorMemoryMiB: number;
}

export interface MasterState {
  /** `ALIVE`; `RECOVERING` for some seconds after a restart. */
  readonly status: string;
  readonly workers: readonly SparkWorker[];
  readonly applications: readonly SparkApplication[];
}

const Answer = z.object({
  status: z.string(),
  workers: z.array(
    z.object({
      id: z.string(),
      host: z.string(),
      state: z.string(),
      cores: z.number(),
      coresused: z.number(),
      memory: z.number(),
      memoryused: z.number(),
    }),
  ),
  activeapps: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      state: z.string(),
      cores: z.number(),
      // Older lines of Spark have only the second name.
      memoryperexecutor: z.number().optional(),
      memoryperslave: z.number().optional(),
    }),
  ),
});

/** Reads the master's state. Throws a plain Error when it does not answer in time. */
export async function readMaster(baseUrl: string, options: FetchOptions): Promise<MasterState> {
  const answer = await fetchJson(`${baseUrl}/json/`, Answer, options);
  return {
    status: answer.status,
    workers: answer.workers.map((worker) => ({
      id: worker.id,
      host: worker.host,
      alive: worker.state === 'ALIVE',
      cores: worker.cores,
      coresUsed: worker.coresused,
      memoryMiB: worker.memory,
      memoryUsedMiB: worker.memoryused,
    })),
    applications: answer.activeapps.map((app) => ({
      id: app.id,
      name: app.name,
      state: app.state,
      cores: app.cores,
      executorMemoryMiB: app.memoryperexecutor ?? app.memoryperslave ?? 0,
    })),
  };
}
