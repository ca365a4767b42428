// What containers of this engine use, straight from its API: `docker stats` would take two seconds for every answer.
import { Pool } from 'undici';
import { z } from 'zod';
import type { LabelFilter, Labels } from './docker.ts';

/** One reading of a running container. */
export interface ContainerUse {
  readonly id: string;
  readonly labels: Labels;
  /** When it was read, milliseconds since 1970, by the engine's clock. */
  readonly readAtMs: number;
  /** Since the container's start. */
  readonly cpuSeconds: number;
  /** Without the page cache that the kernel would give back: the number that `docker stats` shows. */
  readonly memoryBytes: number;
  /** Of the container, or the machine's memory where it has none. */
  readonly memoryLimitBytes: number;
}

export interface ContainerStats {
  /**
   * Every running container with these labels; one that ends meanwhile is left out. Throws a plain Error when the
   * engine does not answer within `timeoutMs`, whatever it was asked by then.
   */
  read(
    labels: LabelFilter,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<readonly ContainerUse[]>;
  close(): Promise<void>;
}

const Container = z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullable() });
const Stats = z.object({
  read: z.string(),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  // Without it while a container starts or ends.
  memory_stats: z
    .object({
      usage: z.number().optional(),
      limit: z.number().optional(),
      // cgroup v2 has inactive_file, v1 total_inactive_file; v1's own inactive_file leaves child groups out.
      stats: z.object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() }).optional(),
    })
    .default({}),
});
type Stats = z.infer<typeof Stats>;

/** Requests to the engine at once. */
const connections = 4;
const nanosecondsPerSecond = 1e9;

/** Connects at the first reading. Paths without a version take the engine's own: every engine since 20.10 has these. */
export function createContainerStats(socketPath: string): ContainerStats {
  const pool = new Pool('http://docker', { socketPath, connections });

  /** Null for 404 and 409: the container has just gone. */
  const ask = async <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | null> => {
    const answer = await pool.request({ path, method: 'GET', signal });
    if (answer.statusCode === 200) return schema.parse(await answer.body.json());
    await answer.body.dump();
    if (answer.statusCode === 404 || answer.statusCode === 409) return null;
    throw new Error(`the engine answered ${answer.statusCode} to ${path.split('?')[0]}`);
  };

  const readOne = async (
    { Id, Labels }: z.infer<typeof Container>,
    signal: AbortSignal,
  ): Promise<ContainerUse | null> => {
    // one-shot: without it the engine waits a second for another reading.
    const stats = await ask(`/containers/${Id}/stats?stream=false&one-shot=true`, Stats, signal);
    // A container that has stopped has neither memory nor a time.
    if (stats === null || stats.memory_stats.usage === undefined) return null;
    return {
      id: Id,
      labels: Labels ?? {},
      readAtMs: Date.parse(stats.read),
      cpuSeconds: stats.cpu_stats.cpu_usage.total_usage / nanosecondsPerSecond,
      memoryBytes: measureMemory(stats.memory_stats),
      memoryLimitBytes: stats.memory_stats.limit ?? 0,
    };
  };

  return {
    read: async (labels, options) => {
      const limit = AbortSignal.timeout(options.timeoutMs);
      const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
      const filter = Object.entries(labels).map(([name, value]) => (value === null ? name : `${name}=${value}`));
      const query = new URLSearchParams({ filters: JSON.stringify({ label: filter }) });
      const containers = (await ask(`/containers/json?${query}`, z.array(Container), signal)) ?? [];
      const read = await Promise.all(containers.map((container) => readOne(container, signal)));
      return read.filter((use) => use !== null);
    },
    close: () => pool.destroy(),
  };
}

function measureMemory({ usage = 0, stats = {} }: Stats['memory_stats']): number {
  const cache = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return cache < usage ? usage - cache : usage;
}
