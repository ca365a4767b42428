// spark-defaults.conf, one for the master and workers, one for drivers (and through them executors).
import type { ClusterConfig } from '../config/cluster-config.ts';
import type { WorkerPlan } from '../plan/cluster-plan.ts';
import { defaultFileSystem } from './core-site.ts';

const masterUrl = 'spark://spark-master:7077';

/** Where drivers write their event logs and the history server reads them. */
const eventLogFolder = `${defaultFileSystem}/spark-logs`;

type SparkSettings = Readonly<Record<string, string>>;

/** Spark's own pages stand behind web, which lets nobody end anything through them. */
const pages: SparkSettings = {
  'spark.ui.killEnabled': 'false',
};

/** How to find HDFS: Spark carries its own client, which sees none of HDFS's files. */
const hdfsClient: SparkSettings = {
  'spark.hadoop.fs.defaultFS': defaultFileSystem,
  'spark.hadoop.dfs.client.use.datanode.hostname': 'false',
  'spark.hadoop.ipc.client.connect.timeout': '5000',
  'spark.hadoop.ipc.client.connect.max.retries.on.timeouts': '3',
};

/** Every connection proves the cluster's secret and is encrypted; entrypoints add the secret itself from its file. */
const authentication: SparkSettings = {
  'spark.authenticate': 'true',
  'spark.network.crypto.enabled': 'true',
  'spark.network.crypto.cipher': 'AES/GCM/NoPadding',
  'spark.network.crypto.authEngineVersion': '2',
  'spark.network.crypto.saslFallback': 'false',
};

const daemons: SparkSettings = {
  ...authentication,
  ...pages,
  // Links lead to web, which stands before the master; the master stands before the workers.
  'spark.ui.reverseProxy': 'true',
  'spark.ui.reverseProxyUrl': '/spark/master',
  // On by default from Spark 4.1, and without authentication.
  'spark.master.rest.enabled': 'false',
  // Running applications outlive a master that is restarted.
  'spark.deploy.recoveryMode': 'FILESYSTEM',
  'spark.deploy.recoveryDirectory': '/data/master',
  'spark.decommission.enabled': 'true',
  // Work folders of finished applications fill the disk otherwise: looked at each half hour, kept one hour.
  'spark.worker.cleanup.enabled': 'true',
  'spark.worker.cleanup.interval': '1800',
  'spark.worker.cleanup.appDataTtl': '3600',
};

/**
 * Builds the defaults of master and workers. They hold nothing that depends on the number of workers, so that a
 * cluster can grow without restarting them; no setting of the project file concerns them.
 */
export function buildDaemonDefaults(): string {
  return renderProperties(daemons);
}

/**
 * Builds the defaults of drivers: how large executors are, where files live. The project file's `spark.conf` changes
 * SparkPlug's defaults but nothing that SparkPlug must set itself (reading the file refuses those keys by name).
 *
 * Nothing here follows from how many workers or DataNodes there are, so that a cluster can grow without restarting the
 * driver: each run is told its cores, the copies of its files and whether it writes an event log when it starts. Whoever
 * starts Spark in the driver's container by hand gets every core and a replication that any cluster has.
 */
export function buildDriverDefaults(worker: WorkerPlan, config: Pick<ClusterConfig, 'spark' | 'hdfs'>): string {
  const { replication } = config.hdfs;
  return renderProperties({
    ...defaultsOfDrivers,
    ...(replication === 'auto' || replication <= 3 ? noReplacement : {}),
    ...config.spark.conf,
    ...ownedByDrivers(worker),
    ...(config.spark.history === false ? {} : eventLog),
    'spark.hadoop.dfs.replication': String(replication === 'auto' ? 1 : replication),
  });
}

/**
 * Builds the settings of the history server. Its heap holds the few applications last looked at; which logs are kept is
 * decided with the runs they belong to, so its own cleaner stays off.
 */
export function buildHistoryDefaults(): string {
  return renderProperties({
    ...hdfsClient,
    'spark.history.fs.logDirectory': eventLogFolder,
    'spark.history.fs.update.interval': '5s',
    'spark.history.fs.cleaner.enabled': 'false',
    'spark.history.fs.numReplayThreads': '1',
    'spark.history.retainedApplications': '3',
    'spark.history.ui.port': '18080',
    // Of one application: Spark's default of 100,000 tasks would need a heap of its own.
    'spark.ui.retainedTasks': '20000',
  });
}

const defaultsOfDrivers: SparkSettings = {
  // Beside what looks like a secret: the jobs' environment, which Spark would show on its pages and in event logs.
  'spark.redaction.regex': '(?i)secret|password|token|access[.]?key|^spark[.]executorEnv[.]',
  // An executor's output would grow without bound on the worker's disk: three pieces of 16 MiB are kept.
  'spark.executor.logs.rolling.strategy': 'size',
  'spark.executor.logs.rolling.maxSize': String(16 * 1024 * 1024),
  'spark.executor.logs.rolling.maxRetainedFiles': '3',
  'spark.sql.warehouse.dir': '/warehouse',
  // Progress comes from the REST API; a bar of carriage returns would only spoil the log.
  'spark.ui.showConsoleProgress': 'false',
};

/** With three copies or fewer a write goes on without a DataNode that failed: often none is left to replace it. */
const noReplacement: SparkSettings = {
  'spark.hadoop.dfs.client.block.write.replace-datanode-on-failure.policy': 'NEVER',
};

function ownedByDrivers(worker: WorkerPlan): SparkSettings {
  return {
    ...authentication,
    ...pages,
    'spark.master': masterUrl,
    'spark.submit.deployMode': 'client',
    'spark.executor.cores': String(worker.cores),
    'spark.executor.memory': `${worker.heapMiB}m`,
    'spark.executor.defaultJavaOptions': executorJavaOptions(worker),
    // Where the scheduler asks for a run's stages.
    'spark.ui.enabled': 'true',
    'spark.ui.port': '4040',
    // Its files are looked for at the root of the host, where they are not.
    'spark.ui.threadDump.flamegraphEnabled': 'false',
    'spark.decommission.enabled': 'true',
    'spark.storage.decommission.enabled': 'true',
    ...hdfsClient,
  };
}

/** Switched on for each run where a history server stands and the folder can be written: Spark would end the job. */
const eventLog: SparkSettings = {
  'spark.eventLog.dir': eventLogFolder,
  'spark.eventLog.compress': 'true',
  'spark.eventLog.compression.codec': 'zstd',
  'spark.eventLog.rolling.enabled': 'true',
  'spark.eventLog.rolling.maxFileSize': '16m',
};

/** Spark puts these before the user's `spark.executor.extraJavaOptions`. */
function executorJavaOptions(worker: WorkerPlan): string {
  return [
    // Part of the base image, where each of them is explained.
    '-XX:VMOptionsFile=/opt/sparkplug/etc/jvm-options',
    // Made when the image is built: start-up maps classes instead of reading and checking them.
    '-XX:SharedArchiveFile=/opt/spark/spark.jsa',
    // Containers share cores by weight, so the JVM would size its pools for the whole machine.
    `-XX:ActiveProcessorCount=${worker.cores}`,
    '-Dlog4j2.configurationFile=file:/opt/sparkplug/etc/log4j2-executor.properties',
  ].join(' ');
}

/** Java's properties format, sorted so that equal settings give equal text whatever order they were written in. */
function renderProperties(settings: SparkSettings): string {
  const lines = Object.entries(settings)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${escapeValue(value)}\n`);
  return lines.join('');
}

/** Keys need no escaping: reading the project file refuses those that would. */
function escapeValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replace(/^\s/, '\\$&');
}
