// What the project file says once it is read: valid, complete with defaults, units in the names.

/** `executors` JVMs of `cores` cores each in one worker container of `memoryMiB` (the whole container). */
export interface WorkerShape {
  readonly executors: number;
  readonly cores: number;
  readonly memoryMiB: number;
}

/** A Parquet folder in HDFS that a job writes and `web` serves. */
export interface ResultConfig {
  readonly name: string;
  /** Absolute path in HDFS. */
  readonly path: string;
  /** Column for look-ups by `/results/{name}/{key}`; null: table only. */
  readonly key: string | null;
  /** False: several rows may share a key and a look-up is always an array. */
  readonly unique: boolean;
}

/** Where the end of a run is told. */
export interface NotifyTarget {
  /** `https:` or `http:`, without credentials. */
  readonly url: string;
  /** Name of the secret that signs what is sent; null: unsigned. */
  readonly secret: string | null;
}

/** When a job runs by itself. */
export interface ScheduleConfig {
  /** Five fields, as in crontab(5). */
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  /** A tick while a run of the job is queued or at work: left out, or queued behind it. */
  readonly overlap: 'skip' | 'queue';
  /** Ticks that passed while the scheduler was down: left out, or made up for by one run. */
  readonly missed: 'skip' | 'once';
}

export interface JobConfig {
  readonly name: string;
  /** `.py` or `.jar`, relative to the project folder. */
  readonly main: string;
  /** Main class of a jar; null for Python. */
  readonly className: string | null;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly timeoutMs: number | null;
  /** Further attempts after the first. */
  readonly retries: number;
  /** Null: runs only when asked for. */
  readonly schedule: ScheduleConfig | null;
  readonly results: readonly ResultConfig[];
  readonly onFailure?: NotifyTarget;
  readonly onSuccess?: NotifyTarget;
}

export interface ClusterConfig {
  readonly name: string;
  readonly jobs: readonly JobConfig[];
  /** Path of a pip requirements file relative to the project folder, null for none. */
  readonly requirements: string | null;
  /** Maven coordinates `group:artifact:version`. */
  readonly packages: readonly string[];
  readonly apt: readonly string[];
  readonly spark: {
    readonly version: string;
    readonly workers: 'auto' | number;
    readonly worker: 'auto' | WorkerShape;
    /** The history server and the event logs that it reads; `auto`: where memory allows. Absent in older revisions. */
    readonly history?: 'auto' | boolean;
    readonly conf: Readonly<Record<string, string>>;
  };
  readonly hdfs: { readonly datanodes: 'auto' | number; readonly replication: 'auto' | number };
  readonly reserve: { readonly memoryMiB: 'auto' | number };
  readonly web: {
    readonly port: 'auto' | number;
    /**
     * `all`: other computers may connect, by HTTPS only; `auto`: `local` where the cluster is on this computer alone. A
     * desired state has one of the two.
     */
    readonly listen: 'auto' | 'local' | 'all';
    /** Certificate as a file of the project, its key as a secret; null: one that SparkPlug makes. */
    readonly tls: { readonly certificate: string; readonly key: string } | null;
  };
  readonly images: { readonly registry: string | null };
  readonly runs: { readonly keep: number; readonly parallel: number };
}
