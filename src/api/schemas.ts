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
  trigger: z.enum(['cli', 'rest', 'schedule']),
  /** The moment of the schedule that asked for it, null for other triggers. */
  tick: z.string().nullable().default(null),
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
  /** Spark's ids of the applications that it started, in their order; usually one for each attempt. */
  applications: z.array(z.string()).default([]),
});
export type Run = z.infer<typeof Run>;

/** Where the end of a run is told; `secret` names the secret that signs. */
/** One line that a component wrote; `at` is the engine's RFC 3339 time of it. */
export const ComponentLine = z.object({ at: z.string(), line: z.string() });
export type ComponentLine = z.infer<typeof ComponentLine>;

export const NotifyTarget = z.object({ url: z.string(), secret: z.string().nullable() });
export type NotifyTarget = z.infer<typeof NotifyTarget>;

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
  onFailure: NotifyTarget.optional(),
  onSuccess: NotifyTarget.optional(),
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
  /** `away`: its machine does not answer, or was told by Docker to hold nothing; the cluster does without it meanwhile. */
  state: z.enum(['ready', 'starting', 'failing', 'missing', 'away']),
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
  /** Numbers that `scale` set instead of the file's: "workers=3 by scale (the file says auto)". */
  overrides: z.array(z.string()).default([]),
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
export const RunList = z.object({
  runs: z.array(Run),
  /** `?before=` of the next page; null on the last one. */
  next: z.string().nullable().default(null),
});
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

// ── Schedules ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** When a job runs by itself. */
export const ScheduleRule = z.strictObject({
  /** Five fields, as in crontab(5). */
  cron: z.string(),
  /** IANA name: `Europe/Zurich`. */
  timezone: z.string(),
  /** A tick while a run of the job is queued or at work: left out, or queued behind it. */
  overlap: z.enum(['skip', 'queue']),
  /** Ticks that passed while the scheduler was down: left out, or made up for by one run. */
  missed: z.enum(['skip', 'once']),
});
export type ScheduleRule = z.infer<typeof ScheduleRule>;

export const Schedule = z.object({
  job: z.string(),
  rule: ScheduleRule,
  /** True: set over REST; lasts until the project file's own value changes. */
  overridden: z.boolean(),
  paused: z.boolean(),
  /** The next five times, none while paused. */
  next: z.array(z.string()),
  /** The last tick and what became of it, null before the first. */
  last: z
    .object({ at: z.string(), outcome: z.enum(['queued', 'skipped', 'missed']), run: z.string().nullable() })
    .nullable(),
});
export type Schedule = z.infer<typeof Schedule>;
export const ScheduleList = z.object({ schedules: z.array(Schedule) });
export type ScheduleList = z.infer<typeof ScheduleList>;
/** `PUT /api/v1/schedules/{job}`: what is left out stays as it is. */
export const ScheduleChange = ScheduleRule.partial();
export type ScheduleChange = z.infer<typeof ScheduleChange>;

// ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A job of the last `up`. Values of `env` stay out: they may be confidential. */
export const JobInfo = z.object({
  name: z.string(),
  main: z.string(),
  args: z.array(z.string()),
  results: z.array(z.string()),
  schedule: Schedule.nullable(),
  lastRun: Run.nullable(),
});
export type JobInfo = z.infer<typeof JobInfo>;
export const JobList = z.object({ jobs: z.array(JobInfo) });
export type JobList = z.infer<typeof JobList>;

// ── Machines and their use ───────────────────────────────────────────────────────────────────────────────────────────

export const ContainerView = z.object({
  /** Service name: `spark-worker-1`. */
  service: z.string(),
  /** `spark-worker`, `datanode`, `web`, … */
  component: z.string(),
  /** Cores that the planner gave it; 0: shares what is left by weight. */
  cores: z.number(),
  /** Its limit. */
  memoryMiB: z.number(),
  state: z.enum(['ready', 'starting', 'failing', 'missing', 'away']),
  /** Cores in use now; null where nothing was measured yet. */
  coresUsed: z.number().nullable(),
  memoryUsedMiB: z.number().nullable(),
});
export type ContainerView = z.infer<typeof ContainerView>;

export const MachineView = z.object({
  /** Swarm's id of it: names may be the same. */
  id: z.string().default(''),
  name: z.string(),
  conductor: z.boolean(),
  reachable: z.boolean(),
  /** `away`: its engine or its link is down. `drained`: it takes nothing of the project. */
  state: z.enum(['ready', 'away', 'drained']).default('ready'),
  /** Why no more workers stand there: "1.5 GiB left, one worker needs 2 GiB; memory ran out first". */
  explanation: z.string().default(''),
  cores: z.number(),
  memoryMiB: z.number(),
  /** Left alone by the planner, and used by other projects. */
  reservedMiB: z.number(),
  containers: z.array(ContainerView),
});
export type MachineView = z.infer<typeof MachineView>;
export const MachineList = z.object({ machines: z.array(MachineView) });
export type MachineList = z.infer<typeof MachineList>;

/** One moment of `GET /api/v1/cluster/history?minutes=60`, oldest first. */
export const ClusterSample = z.object({
  at: z.string(),
  ready: z.boolean(),
  coresUsed: z.number(),
  memoryUsedMiB: z.number(),
  /** Spark cores that executors hold. */
  sparkCoresUsed: z.number(),
  hdfsUsedMiB: z.number(),
});
export type ClusterSample = z.infer<typeof ClusterSample>;
export const ClusterHistory = z.object({ samples: z.array(ClusterSample) });
export type ClusterHistory = z.infer<typeof ClusterHistory>;

// ── Notifications ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is sent to the `on_failure` and `on_success` of a job, as JSON, after the end of a run. */
export const Notification = z.object({
  /** Version of this shape: keys may be added to it, never taken away. */
  version: z.literal(1),
  event: z.enum(['run.failed', 'run.succeeded']),
  project: z.string(),
  job: z.string(),
  run: z.string(),
  state: RunState,
  trigger: z.string(),
  queuedAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  /** From the start of the first attempt to the end; null for a run that never started. */
  durationSeconds: z.number().nullable(),
  attempts: z.number().int(),
  failure: Failure.nullable(),
  /** Result → rows, empty unless the run succeeded. */
  results: z.record(z.string(), z.number().int()),
  /** The run's page, below the address that the dashboard has for its reader. */
  link: z.string(),
});
export type Notification = z.infer<typeof Notification>;

// ── Logs of a run ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Logs kept of a run: `driver`, and `executor-N` once it has ended. */
export const LogSources = z.object({ sources: z.array(z.object({ name: z.string(), bytes: z.number().int() })) });
export type LogSources = z.infer<typeof LogSources>;

/** The scheduler's `GET /internal/applications/{id}`: what web needs to show Spark's pages of an application. */
export const SparkApplication = z.object({
  run: z.string(),
  /** `address:port` of its driver's pages, null once it has ended. */
  driver: z.string().nullable(),
  /** Executor id → name of its log among those of the run. */
  executors: z.record(z.string(), z.string()),
});
export type SparkApplication = z.infer<typeof SparkApplication>;

// ── Access ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const Scope = z.enum(['admin', 'run', 'read']);
/** `read` looks, `run` also starts and cancels runs, `admin` does everything. */
export type Scope = z.infer<typeof Scope>;

export const TokenInfo = z.object({
  name: z.string(),
  scope: Scope,
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
  /** Null: never. */
  expiresAt: z.string().nullable(),
});
export type TokenInfo = z.infer<typeof TokenInfo>;
export const TokenInfoList = z.object({ tokens: z.array(TokenInfo) });
export type TokenInfoList = z.infer<typeof TokenInfoList>;
/** `POST /api/v1/tokens`. */
export const NewToken = z.strictObject({
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/),
  scope: Scope,
  /** How long it is valid, milliseconds; null or left out: for ever. */
  validMs: z
    .number()
    .int()
    .min(1000)
    .max(100 * 365 * 86_400_000)
    .nullable()
    .optional(),
});
export type NewToken = z.infer<typeof NewToken>;
/** `POST /api/v1/tokens/{name}/rotate`. */
export const Rotation = z.strictObject({
  /** A new token of the caller's own making, 256 random bits, which it has stored already: then a lost answer loses nothing. */
  token: z
    .string()
    .regex(/^sp_[A-Za-z0-9_-]{43}$/)
    .optional(),
});
export type Rotation = z.infer<typeof Rotation>;
/** The only time that the cluster shows a token: when it is made. */
export const IssuedToken = z.object({ token: z.string(), info: TokenInfo });
export type IssuedToken = z.infer<typeof IssuedToken>;

/** `POST /api/v1/login-codes`: valid for ten minutes, once, with the scope of whoever asked. */
export const LoginCode = z.object({ code: z.string(), expiresAt: z.string() });
export type LoginCode = z.infer<typeof LoginCode>;
/** `POST /api/v1/session` with a code sets the cookie. */
export const LogIn = z.strictObject({ code: z.string() });
export type LogIn = z.infer<typeof LogIn>;
/** `GET /api/v1/session`: who this browser is logged in as. */
export const Session = z.object({ name: z.string(), scope: Scope, expiresAt: z.string().nullable() });
export type Session = z.infer<typeof Session>;

// ── The service, and changes of the cluster ──────────────────────────────────────────────────────────────────────────

/** `GET /healthz`. */
export const Health = z.object({ status: z.literal('ok'), version: z.string() });
export type Health = z.infer<typeof Health>;

/** `PUT /api/v1/cluster/desired`: what the conductor reads of it itself; a newer command line may send more. */
export const NewDesiredState = z.looseObject({
  version: z.string(),
  projectId: z.string(),
  namespace: z.string(),
  config: z.looseObject({ name: z.string(), jobs: z.array(z.looseObject({ name: z.string() })) }),
  images: z.looseObject({ driver: z.string() }),
  workerShape: z.looseObject({}),
  webPort: z.number(),
  subnets: z.looseObject({ control: z.string(), data: z.string() }),
});

/** `POST /api/v1/cluster/scale`: one number or both; `file`: what `sparkplug.yaml` says. */
export const ScaleChange = z
  .strictObject({
    workers: z.union([z.number().int().min(1).max(100_000), z.literal('file')]).optional(),
    datanodes: z.union([z.number().int().min(1).max(10_000), z.literal('file')]).optional(),
  })
  .refine(({ workers, datanodes }) => workers !== undefined || datanodes !== undefined, 'names workers or datanodes');
export type ScaleChange = z.infer<typeof ScaleChange>;

/** `GET /api/v1/cluster/desired`. */
export const DesiredAnswer = z.object({ revision: z.number().int(), desired: NewDesiredState });

/** `POST /api/v1/components/{name}/exec`. */
export const ExecRequest = z.strictObject({
  /** The program and its arguments; no shell. */
  command: z.array(z.string().max(65_536)).min(1).max(1000),
  /** Standard input, base64; without it standard input is closed. */
  input: z.base64().optional(),
});
export type ExecRequest = z.infer<typeof ExecRequest>;

/** What a command prints, as it comes; its exit code last. */
export type ExecEvent =
  | { readonly kind: 'output'; readonly source: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly kind: 'exit'; readonly exitCode: number };

/** Data of the events `output` and `exit` of a command. */
export const ExecOutput = z.object({ source: z.enum(['stdout', 'stderr']), data: z.base64() });
export const ExecExit = z.object({ exitCode: z.number().int() });

/** A submitted desired state is carried out by this operation, or there was nothing to do. */
export const OperationStarted = z.object({ operation: z.string() });
export const Unchanged = z.object({ revision: z.number().int(), unchanged: z.literal(true) });

/** `GET /api/v1/results/{name}/{key}`: a row, or the rows of the key where keys repeat (`unique: false`). */
export const KeyedRows = z.union([z.array(z.record(z.string(), z.unknown())), z.record(z.string(), z.unknown())]);
export type KeyedRows = z.infer<typeof KeyedRows>;
