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
  readonly results: readonly ResultConfig[];
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
    readonly conf: Readonly<Record<string, string>>;
  };
  readonly hdfs: { readonly datanodes: 'auto' | number; readonly replication: 'auto' | number };
  readonly reserve: { readonly memoryMiB: 'auto' | number };
  readonly web: { readonly port: 'auto' | number; readonly listen: 'local' };
  readonly images: { readonly registry: string | null };
  readonly runs: { readonly keep: number; readonly parallel: number };
}
