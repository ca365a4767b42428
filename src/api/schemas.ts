// The REST API's shapes, once: they validate requests, type the client, and describe the service.
import { z } from 'zod';

export const RunState = z.enum(['queued', 'starting', 'running', 'publishing', 'succeeded', 'failed', 'cancelled']);
export type RunState = z.infer<typeof RunState>;
export const finishedStates: readonly RunState[] = ['succeeded', 'failed', 'cancelled'];

export const ProblemDetails = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  hint: z.string().optional(),
  problems: z
    .array(
      z.object({ place: z.string(), met: z.string().optional(), message: z.string(), hint: z.string().optional() }),
    )
    .optional(),
});
/** `application/problem+json`, with the code of the error catalogue. */
export type ProblemDetails = z.infer<typeof ProblemDetails>;

/** Why something failed: a catalogue code, a sentence, a fix. */
export const Failure = z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() });
export type Failure = z.infer<typeof Failure>;

export const Progress = z.object({
  stagesDone: z.number().int(),
  stagesTotal: z.number().int(),
  tasksDone: z.number().int(),
  tasksTotal: z.number().int(),
  /** Name of the stage that runs now. */
  stage: z.string().nullable(),
});
export type Progress = z.infer<typeof Progress>;

export const Attempt = z.object({
  number: z.number().int(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  failure: Failure.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

export const Run = z.object({
  id: z.string(),
  job: z.string(),
  state: RunState,
  args: z.array(z.string()),
  trigger: z.enum(['cli', 'rest']),
  /** Content-addressed reference of the driver image, and its image id. */
  image: z.string(),
  imageDigest: z.string().nullable(),
  queuedAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  failure: Failure.nullable(),
  /** What a queued or waiting run waits for, in a sentence. */
  waiting: z.string().nullable(),
  attempts: z.array(Attempt),
  progress: Progress.nullable(),
  /** Results published by this run: name → rows. */
  published: z.record(z.string(), z.number().int()),
});
export type Run = z.infer<typeof Run>;

export const JobDefinition = z.object({
  name: z.string(),
  main: z.string(),
  className: z.string().nullable(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  timeoutMs: z.number().int().nullable(),
  retries: z.number().int(),
  results: z.array(z.object({ name: z.string(), path: z.string(), key: z.string().nullable(), unique: z.boolean() })),
});
export type JobDefinition = z.infer<typeof JobDefinition>;

/** `POST /api/v1/jobs/{job}/runs`. Without `definition` and `driverImage` the last `up`'s are used. */
export const NewRun = z.strictObject({
  args: z.array(z.string()).optional(),
  definition: JobDefinition.optional(),
  driverImage: z.string().optional(),
  /** Spark settings of the file at the time of the run. */
  sparkConf: z.record(z.string(), z.string()).optional(),
});
export type NewRun = z.infer<typeof NewRun>;

/** Server-sent events of one run, `GET /api/v1/runs/{id}/events?from=N`: event name = `kind`, id = `seq`. */
export const RunEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('state'), run: Run }),
  z.object({ kind: z.literal('log'), line: z.string() }),
  z.object({ kind: z.literal('progress'), progress: Progress }),
  z.object({ kind: z.literal('end'), run: Run }),
]);
export type RunEvent = z.infer<typeof RunEvent>;

export const Step = z.object({
  text: z.string(),
  /** Why this step is needed. */
  cause: z.string(),
  state: z.enum(['pending', 'running', 'done', 'failed', 'skipped']),
  /** Milliseconds it took; null before it ends. */
  durationMs: z.number().nullable(),
});
export type Step = z.infer<typeof Step>;

export const Operation = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(['running', 'succeeded', 'failed', 'cancelled']),
  revision: z.number().int(),
  steps: z.array(Step),
  failure: Failure.nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type Operation = z.infer<typeof Operation>;

export const ComponentHealth = z.object({
  /** Service name: `datanode-1`. */
  name: z.string(),
  state: z.enum(['ready', 'starting', 'failing', 'missing']),
  detail: z.string(),
});
export type ComponentHealth = z.infer<typeof ComponentHealth>;

export const ClusterStatus = z.object({
  projectId: z.string(),
  version: z.string(),
  revision: z.number().int(),
  /** True when every component of the revision answers as it should. */
  ready: z.boolean(),
  components: z.array(ComponentHealth),
  spark: z
    .object({
      workers: z.number(),
      cores: z.number(),
      coresUsed: z.number(),
      memoryMiB: z.number(),
      memoryUsedMiB: z.number(),
    })
    .nullable(),
  hdfs: z
    .object({
      datanodes: z.number(),
      capacityMiB: z.number(),
      usedMiB: z.number(),
      missingBlocks: z.number(),
      underReplicatedBlocks: z.number(),
      safeMode: z.boolean(),
      replication: z.number(),
    })
    .nullable(),
  runs: z.object({ queued: z.number(), running: z.number() }),
  /** The operation in progress, null when none. */
  operation: z.string().nullable(),
  warnings: z.array(z.string()),
});
export type ClusterStatus = z.infer<typeof ClusterStatus>;

export const FileStatus = z.object({
  /** Absolute path in HDFS. */
  path: z.string(),
  kind: z.enum(['file', 'folder']),
  bytes: z.number().int(),
  replication: z.number().int(),
  owner: z.string(),
  modifiedAt: z.string(),
});
export type FileStatus = z.infer<typeof FileStatus>;

export const FileUsage = z.object({
  path: z.string(),
  bytes: z.number().int(),
  bytesWithReplicas: z.number().int(),
  files: z.number().int(),
  folders: z.number().int(),
});
export type FileUsage = z.infer<typeof FileUsage>;

export const ResultInfo = z.object({
  name: z.string(),
  job: z.string(),
  run: z.string(),
  version: z.number().int(),
  rows: z.number().int(),
  key: z.string().nullable(),
  unique: z.boolean(),
  publishedAt: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
});
export type ResultInfo = z.infer<typeof ResultInfo>;

export const ResultPage = z.object({
  result: z.string(),
  run: z.string(),
  version: z.number().int(),
  rows: z.array(z.record(z.string(), z.unknown())),
  /** Rows that match the filter, before paging. */
  total: z.number().int(),
  limit: z.number().int(),
  offset: z.number().int(),
});
export type ResultPage = z.infer<typeof ResultPage>;

/** `GET /api/v1/runs`, newest first. */
export const RunList = z.object({ runs: z.array(Run) });
export type RunList = z.infer<typeof RunList>;

/** `GET /api/v1/results`, and the scheduler's `GET /internal/results`: the versions served now, by name. */
export const ResultList = z.object({ results: z.array(ResultInfo) });
export type ResultList = z.infer<typeof ResultList>;

/** `GET /api/v1/hdfs/{folder}?op=list`, by name. */
export const FileList = z.object({ path: z.string(), entries: z.array(FileStatus) });
export type FileList = z.infer<typeof FileList>;

/** One line of the cluster's history, `GET /api/v1/events` → `{events}`, newest last. */
export const ClusterEvent = z.object({ seq: z.number().int(), at: z.string(), kind: z.string(), message: z.string() });
export type ClusterEvent = z.infer<typeof ClusterEvent>;
export const ClusterEventList = z.object({ events: z.array(ClusterEvent) });
export type ClusterEventList = z.infer<typeof ClusterEventList>;

/** Scheduler to web: publish these results of a finished run, all or none. */
export const PublicationRequest = z.object({
  run: z.string(),
  job: z.string(),
  results: z.array(
    z.object({
      name: z.string(),
      path: z.string(),
      key: z.string().nullable(),
      unique: z.boolean(),
      /** Start of the attempt in milliseconds since 1970: an older folder was not written by this run. */
      notBeforeMs: z.number(),
    }),
  ),
});
export type PublicationRequest = z.infer<typeof PublicationRequest>;

export const PublishedResult = z.object({
  name: z.string(),
  rows: z.number().int(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
});
export const Publication = z.object({ published: z.array(PublishedResult) });
export type Publication = z.infer<typeof Publication>;

/** Scheduler to web: the kept versions of these runs are no longer wanted. */
export const VersionRemoval = z.object({ runs: z.array(z.string()) });
export type VersionRemoval = z.infer<typeof VersionRemoval>;
