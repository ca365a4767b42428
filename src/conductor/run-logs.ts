// What is known of a run besides its record: its driver's log, its executors' logs, and where Spark shows its application.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { SchedulerDesk } from '../api/scheduler-routes.ts';
import { finishedStates } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';
import type { RunContext } from '../runs/run-context.ts';
import { runLogFile } from '../runs/run-log.ts';
import { unknownRun } from '../runs/run-queue.ts';
import type { StoredRun } from '../runs/state/run-store.ts';
import { driverPort } from './component-probes.ts';

export function createRunLogs(
  context: Pick<RunContext, 'runs' | 'logFolder' | 'executorLogs'>,
): Pick<SchedulerDesk, 'runLog' | 'logSources' | 'application'> {
  const { runs, logFolder, executorLogs } = context;
  const mustRun = (id: string): StoredRun => {
    const run = runs.get(id);
    if (run === null) throw unknownRun(id);
    return run;
  };
  return {
    runLog: async (id, source) => {
      const run = mustRun(id);
      if (source !== 'driver') {
        const found = (await executorLogs.list(run.id)).find(({ name }) => name === source);
        if (found === undefined) throw logMissing(run.id, source);
        return createReadStream(found.file);
      }
      // A run that has not started has no log yet.
      return (await sizeOf(runLogFile(logFolder, run.id))) === null
        ? Readable.from([])
        : createReadStream(runLogFile(logFolder, run.id));
    },
    logSources: async (id) => {
      const run = mustRun(id);
      const driver = { name: 'driver', bytes: (await sizeOf(runLogFile(logFolder, run.id))) ?? 0 };
      const executors = (await executorLogs.list(run.id)).map(({ name, bytes }) => ({ name, bytes }));
      return { sources: [driver, ...executors] };
    },
    application: async (id) => {
      const run = runs.ofApplication(id);
      if (run === null) throw applicationUnknown(id);
      const attempt = runs.lastAttempt(run.id);
      const lives =
        !finishedStates.includes(run.state) && attempt?.finishedAt === null && run.applications.at(-1) === id;
      if (lives && attempt.address !== null) {
        return { run: run.id, driver: `${attempt.address}:${driverPort}`, executors: {} };
      }
      const logs = (await executorLogs.list(run.id)).filter(({ application }) => application === id);
      const executors = Object.fromEntries(logs.map(({ executor, name }) => [executor, name]));
      return { run: run.id, driver: null, executors };
    },
  };
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function logMissing(run: string, source: string): SparkPlugError {
  return new SparkPlugError('LOG_MISSING', `run ${run} has no log ${source}`, {
    met: source,
    hint: `GET /api/v1/runs/${run}/log-sources lists those that it has; those of executors are there once the run has ended`,
  });
}

function applicationUnknown(id: string): SparkPlugError {
  return new SparkPlugError('APPLICATION_UNKNOWN', `no run that is kept has the Spark application ${id}`, {
    met: id,
    hint: 'sparkplug runs list',
  });
}
