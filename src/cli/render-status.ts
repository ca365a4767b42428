// `status` as text.
import pc from 'picocolors';
import type { StatusReport } from '../operations/status.ts';
import { formatMemory, formatTable } from './format.ts';

const colours = { ready: pc.green, starting: pc.yellow, failing: pc.red, missing: pc.red, away: pc.yellow } as const;

/** Head, components, workers, files, runs, warnings. */
export function renderStatus(status: StatusReport): string {
  const table = formatTable(
    ['COMPONENT', 'STATE', ''],
    status.components.map(({ name, state, detail }) => [name, colours[state](state), detail]),
  );
  return [
    ...head(status),
    '',
    table,
    '',
    ...spark(status),
    ...hdfs(status),
    `runs   ${status.runs.running} running, ${status.runs.queued} queued`,
    ...(status.operation === null ? [] : [`now    operation ${status.operation} changes the cluster`]),
    ...status.overrides.map((text) => `scale  ${text}`),
    ...status.warnings.map((text) => `${pc.yellow('warning:')} ${text}`),
  ].join('\n');
}

function head({ projectId, ready, url, fingerprint, context, revision, version }: StatusReport): readonly string[] {
  const state = ready ? pc.green('ready') : pc.yellow('not ready');
  const facts = [
    ...(revision === null ? [] : [`revision ${revision}`]),
    ...(version === null ? [] : [`SparkPlug ${version}`]),
    `context ${context ?? 'default'}`,
  ];
  return [
    `${pc.bold(projectId)}  ${state}  ${facts.join(', ')}`,
    ...(url === null ? [] : [url]),
    ...(fingerprint === null ? [] : [`certificate SHA-256 ${fingerprint}`]),
  ];
}

function spark({ spark }: StatusReport): readonly string[] {
  if (spark === null) return [];
  const memory = `${formatMemory(spark.memoryUsedMiB)} of ${formatMemory(spark.memoryMiB)} executor memory`;
  return [`spark  ${spark.workers} workers, ${spark.coresUsed} of ${spark.cores} cores and ${memory} in use`];
}

function hdfs({ hdfs }: StatusReport): readonly string[] {
  if (hdfs === null) return [];
  const faults = [
    ...(hdfs.safeMode ? ['safe mode'] : []),
    ...(hdfs.missingBlocks > 0 ? [`${hdfs.missingBlocks} blocks missing`] : []),
    ...(hdfs.underReplicatedBlocks > 0 ? [`${hdfs.underReplicatedBlocks} blocks with too few copies`] : []),
  ];
  const space = `${formatMemory(hdfs.usedMiB)} of ${formatMemory(hdfs.capacityMiB)}`;
  return [
    `hdfs   ${[`${hdfs.datanodes} DataNodes, ${space} in use, copies ${hdfs.replication}`, ...faults].join(', ')}`,
  ];
}
