// Spark's event logs in HDFS: the folder is there before a driver writes, and a log goes with its run.

import { fileName } from '../adapters/hdfs/hdfs-path.ts';
import type { Hdfs } from '../adapters/hdfs/webhdfs.ts';

export interface EventLogs {
  /** True when a driver may write there now; never throws, since no job shall fail for its history. */
  prepare(signal: AbortSignal): Promise<boolean>;
  /** Removes the logs of these applications. Throws where HDFS does not answer. */
  remove(applications: readonly string[], signal: AbortSignal): Promise<void>;
  /** Removes logs last written before `beforeMs` that are of none of the applications in `kept`. */
  sweep(kept: ReadonlySet<string>, beforeMs: number, signal: AbortSignal): Promise<void>;
}

/** `spark.eventLog.dir` and the history server name the same folder. */
export const eventLogFolder = '/spark-logs';
/** A run waits no longer for its history. */
const prepareTimeoutMs = 3_000;

type EventLogHdfs = Pick<Hdfs, 'makeFolders' | 'list' | 'remove'>;

/** `wanted`: false where the project wants no history. */
export function createEventLogs(hdfs: EventLogHdfs, wanted: () => boolean): EventLogs {
  const remove = async (name: string, signal: AbortSignal): Promise<void> => {
    await hdfs.remove(`${eventLogFolder}/${name}`, { recursive: true, signal });
  };
  return {
    prepare: async (signal) => {
      if (!wanted()) return false;
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(prepareTimeoutMs)]);
        await hdfs.makeFolders(eventLogFolder, { signal: limit });
        return true;
      } catch {
        // Away or in safe mode: this attempt goes without.
        return false;
      }
    },
    remove: async (applications, signal) => {
      for (const application of applications) await remove(`eventlog_v2_${application}`, signal);
    },
    sweep: async (kept, beforeMs, signal) => {
      const old: string[] = [];
      for await (const { path, modifiedMs } of hdfs.list(eventLogFolder, { signal })) {
        const name = fileName(path);
        const application = /^eventlog_v2_(app-[\d-]+)$/.exec(name)?.[1];
        if (application !== undefined && !kept.has(application) && modifiedMs < beforeMs) old.push(name);
      }
      for (const name of old) await remove(name, signal);
    },
  };
}
