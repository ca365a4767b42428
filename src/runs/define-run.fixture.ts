// A run for tests: the least that one is made of, and what the test is about.
import type { JobDefinition, Run } from '../api/schemas.ts';
import type { RunRecord } from './state/run-store.ts';

const queued = {
  state: 'queued',
  args: [],
  trigger: 'rest',
  tick: null,
  image: 'app:1',
  imageDigest: null,
  startedAt: null,
  finishedAt: null,
  exitCode: null,
  failure: null,
  waiting: null,
  progress: null,
  published: {},
  applications: [],
} as const;

/** As the REST API shows it. */
export function defineRun(run: Pick<Run, 'id' | 'job' | 'queuedAt'> & Partial<Run>): Run {
  return { ...queued, args: [], applications: [], attempts: [], ...run };
}

/** As the scheduler keeps it: revision 1, without Spark settings. */
export function defineRunRecord(
  definition: JobDefinition,
  run: Pick<RunRecord, 'id' | 'queuedAt'> & Partial<RunRecord>,
): RunRecord {
  return {
    ...queued,
    args: [],
    applications: [],
    job: definition.name,
    definition,
    sparkConf: {},
    revision: 1,
    ...run,
  };
}
