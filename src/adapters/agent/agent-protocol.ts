// What scheduler and agents say to each other: shapes and the form of a command's output.
import { z } from 'zod';

export const agentPaths = {
  uses: '/v1/containers/use',
  exec: (container: string) => `/v1/containers/${container}/exec`,
  signal: (container: string) => `/v1/containers/${container}/signal`,
  volume: (name: string) => `/v1/volumes/${name}`,
  images: '/v1/images',
  prune: '/v1/images/prune',
  notice: '/v1/notice',
} as const;

export const Uses = z.object({
  containers: z.array(
    z.object({
      id: z.string(),
      labels: z.record(z.string(), z.string()),
      readAtMs: z.number(),
      cpuSeconds: z.number(),
      memoryBytes: z.number(),
      memoryLimitBytes: z.number(),
    }),
  ),
});

/** Signals that end or rouse a container; by name, as `docker kill` takes them. */
export const SignalRequest = z.strictObject({
  signal: z.enum(['PWR', 'TERM', 'KILL', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2']),
});
export type AgentSignal = z.output<typeof SignalRequest>['signal'];

/** Names of images that stay although no container uses them. */
export const PruneRequest = z.strictObject({ keep: z.array(z.string().max(512)).max(10_000) });
export const Pruned = z.object({ removed: z.array(z.string()) });
export const Images = z.object({
  images: z.array(z.object({ id: z.string(), tags: z.array(z.string()), sizeBytes: z.number() })),
});

/** That the machine's provider takes it away soon. */
export const Notice = z.object({
  /** In the provider's words: `terminate`, `stop`, `hibernate`. */
  action: z.string().max(64),
  /** Until when it is there; null where nobody said. */
  until: z.iso.datetime().nullable(),
});
export type Notice = Readonly<z.output<typeof Notice>>;
export const NoticeAnswer = z.object({ notice: Notice.nullable() });

/** A command's output goes over the wire as one JSON text a line. */
export const OutputLine = z.union([
  z.strictObject({ stdout: z.base64() }),
  z.strictObject({ stderr: z.base64() }),
  z.strictObject({ exitCode: z.number().int() }),
  z.strictObject({ failure: z.string() }),
]);
export type OutputLine = z.output<typeof OutputLine>;

export const outputType = 'application/x-ndjson';
export const inputType = 'application/octet-stream';

/** A problem as every conductor process answers it. */
export const Problem = z.object({ code: z.string(), detail: z.string(), hint: z.string().optional() });
