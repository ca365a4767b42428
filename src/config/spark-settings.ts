// Which keys of `spark.conf` are the user's, and which SparkPlug sets itself and why.

interface OwnedSetting {
  readonly pattern: RegExp;
  /** Completes "SparkPlug sets this itself: …". */
  readonly because: string;
  readonly hint: string;
}

const remove = 'Remove it.';

const ownedSettings: readonly OwnedSetting[] = [
  { pattern: /^spark\.master(\.|$)/, because: 'the cluster it starts is the master.', hint: remove },
  { pattern: /^spark\.submit\.deployMode$/, because: 'the driver runs in its own container.', hint: remove },
  {
    pattern: /^spark\.driver\.(host|bindAddress|port)$/,
    because: "the driver's address is that of its container on the data network.",
    hint: remove,
  },
  {
    pattern: /^spark\.(blockManager|driver\.blockManager)\.port$/,
    because: 'no port inside the data network needs fixing.',
    hint: remove,
  },
  {
    pattern: /^spark\.(authenticate|network\.crypto|ssl|io\.encryption)(\.|$)/,
    because: 'every connection of Spark is authenticated and encrypted with a secret made for this cluster.',
    hint: remove,
  },
  {
    pattern: /^spark\.executor\.(memory|memoryOverhead|memoryOverheadFactor|pyspark\.memory)$/,
    because: "executors divide the worker's container, a figure here would contradict it.",
    hint: 'Set `spark.worker.memory` instead.',
  },
  {
    pattern: /^spark\.memory\.offHeap\./,
    because: "it would be taken beside the heap, beyond the worker's container.",
    hint: remove,
  },
  {
    pattern: /^spark\.executor\.cores$/,
    because: 'it follows from the worker.',
    hint: 'Set `spark.worker.cores` instead.',
  },
  {
    pattern: /^spark\.executor\.instances$/,
    because: 'a run gets executors on all workers.',
    hint: 'Set `spark.workers` and `spark.worker.executors` instead.',
  },
  {
    pattern: /^spark\.(cores\.max|deploy\.defaultCores)$/,
    because: 'a run gets all cores, divided by the runs that may run side by side.',
    hint: 'Set `runs.parallel` instead.',
  },
  {
    pattern: /^spark\.driver\.(memory|memoryOverhead|memoryOverheadFactor|cores)$/,
    because: "it follows from the conductor machine's memory.",
    hint: remove,
  },
  {
    pattern: /^spark\.(deploy|worker|shuffle\.service)\./,
    because: 'it concerns the daemons, not an application.',
    hint: remove,
  },
  {
    pattern: /^spark\.ui\.(enabled|port|reverseProxy|reverseProxyUrl|proxyBase|proxyRedirectUri|killEnabled|filters)$/,
    because: "the driver's own pages and REST API stand behind the cluster's log-in, read only.",
    hint: remove,
  },
  {
    pattern: /^spark\.(hadoop\.fs\.(defaultFS|default\.name)|yarn\..*|kubernetes\..*)$/,
    because: 'the default file system is the HDFS it starts.',
    hint: remove,
  },
  {
    pattern: /^spark\.(eventLog|history)\./,
    because: 'event logs go where the history server reads them, and are removed with their run.',
    hint: 'Set `spark: { history: false }` to go without.',
  },
  {
    pattern: /^spark\.hadoop\.dfs\.replication$/,
    because: 'it follows from the DataNodes.',
    hint: 'Set `hdfs.replication` instead.',
  },
  {
    pattern: /^spark\.jars\.(packages|repositories|ivy|ivySettings|excludes)$/,
    because: 'JVM packages are resolved when the image is built.',
    hint: 'List them under `packages:` instead.',
  },
  {
    pattern: /^spark\.pyspark\.(python|driver\.python)$/,
    because: "driver and workers share the image's Python.",
    hint: 'List Python packages in `requirements:` instead.',
  },
  {
    pattern: /^spark\.(driver|executor)\.defaultJavaOptions$/,
    because: 'it holds the options of the class-data archives.',
    hint: 'Use `extraJavaOptions`, which Spark appends.',
  },
  {
    pattern: /^spark\.executor\.extraClassPath$|^spark\.driver\.extraClassPath$/,
    because: 'the class path is that of the image.',
    hint: 'List packages under `packages:` instead.',
  },
];

/** Why a key of `spark.conf` cannot be set, and what to do; null for one that can. */
export function refuseSparkSetting(key: string): { readonly message: string; readonly hint: string } | null {
  if (!key.startsWith('spark.') || key === 'spark.') {
    return {
      message: 'Settings of Spark start with `spark.`.',
      hint: `Write \`spark.${key.replace(/^spark\.?/, '')}\`; Hadoop's own settings go under \`spark.hadoop.\`.`,
    };
  }
  if (/[\s=:#!\\]/.test(key)) return { message: 'This cannot be the name of a setting.', hint: remove };
  const owned = ownedSettings.find(({ pattern }) => pattern.test(key));
  return owned === undefined ? null : { message: `SparkPlug sets this itself: ${owned.because}`, hint: owned.hint };
}
