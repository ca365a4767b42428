// Use case `run`: rebuild what the tree changed, bring the cluster up to it, start the run, follow it to its end.
import { randomUUID } from 'node:crypto';
import type { ApiClient } from '../api/client.ts';
import type { JobDefinition, NewRun, Progress, Run } from '../api/schemas.ts';
import type { ClusterConfig, JobConfig } from '../config/cluster-config.ts';
import { ensureSecrets } from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { DesiredConfig, DesiredState } from '../stack/desired-state.ts';
import { buildDesired, differsOnlyInJobs, keepInfrastructure, resolveWorkerShape } from './build-desired.ts';
import { connectToCluster, explainUnreachable, notUp } from './cluster-access.ts';
import { type OpenedProject, openProject, type ProjectChoice } from './open-project.ts';
import { namesOfSecrets } from './prepare-cluster.ts';
import { prepareProjectImages } from './prepare-project-images.ts';
import { surveyMachines } from './survey-machines.ts';
import { submit } from './up.ts';

export interface RunJobOptions {
  /** Not needed where the file has one job only. */
  readonly job?: string;
  /** Instead of the file's `args`; none: the file's. */
  readonly args: readonly string[];
  readonly detach: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly onStarted: (run: Run) => void;
  readonly onLog: (line: string) => void;
  /** Null: the run left the stage of running. */
  readonly onProgress: (progress: Progress | null) => void;
  /** Why a run does not start yet, each reason once. */
  readonly onWaiting: (reason: string) => void;
}

/**
 * Returns the run as it ended, whatever its outcome; with `detach` as it was queued.
 * @throws SparkPlugError JOB_UNKNOWN, CLUSTER_NOT_UP, and what building and updating throw
 */
export async function runJob(choice: ProjectChoice, options: RunJobOptions): Promise<Run> {
  const project = await openProject(choice);
  const job = findJob(project.config, options.job);
  try {
    const api = await connectToCluster(project);
    const desired = await bringUpToTree(project, api, options);
    const newRun = describeRun(project.config, job, desired.images.driver, options.args);
    const { signal } = options;
    const run = await api.startRun(job.name, newRun, { signal, idempotencyKey: randomUUID() });
    options.onStarted(run);
    return options.detach ? run : await follow(api, run, options);
  } catch (error) {
    throw await explainUnreachable(project, error);
  }
}

/** @throws SparkPlugError JOB_UNKNOWN naming those there are */
export function findJob(config: ClusterConfig, name: string | undefined): JobConfig {
  const names = config.jobs.map((job) => job.name);
  const found =
    name === undefined && config.jobs.length === 1 ? config.jobs[0] : config.jobs.find((job) => job.name === name);
  if (found !== undefined) return found;
  const message = name === undefined ? 'the project has several jobs; which one?' : `the project has no job ${name}`;
  throw new SparkPlugError('JOB_UNKNOWN', message, {
    place: 'jobs',
    ...(name === undefined ? {} : { met: name }),
    hint: names.map((known) => `sparkplug run ${known}`).join(' | '),
  });
}

/** Images of the tree as it is; a change beyond code and job definitions becomes a revision first. */
async function bringUpToTree(
  project: OpenedProject,
  api: ApiClient,
  { report, signal }: RunJobOptions,
): Promise<DesiredState> {
  const { config, docker, state } = project;
  if (state === null || state.webPort === null) throw notUp();
  const secrets = await ensureSecrets(state.id, namesOfSecrets(config), report);
  const { refs: images } = await prepareProjectImages(project, state.id, {
    report,
    signal,
    build: true,
    registry: false,
  });
  const current = (await api.desiredState({ signal })).desired;
  const machines =
    config.spark.worker === 'auto' && state.workerShape === null ? await surveyMachines(docker, state.id) : [];
  const built = buildDesired({
    config: keepListen(config, current),
    projectId: state.id,
    images,
    workerShape: resolveWorkerShape(config, state.workerShape, machines),
    webPort: config.web.port === 'auto' ? current.webPort : config.web.port,
    subnets: current.subnets,
    socketGid: current.socketGid,
    secrets,
  });
  const desired = keepInfrastructure(built, current);
  if (differsOnlyInJobs(current, desired)) return desired;
  report({ kind: 'note', text: 'the project file changed more than its jobs: the cluster is brought up to it first' });
  await submit(project, desired, api, { report, signal, now: false });
  return desired;
}

/** A run is no occasion to open or close the published port: `auto` stays what `up` made of it. */
function keepListen(config: ClusterConfig, current: DesiredState): DesiredConfig {
  const { listen } = config.web;
  return { ...config, web: { ...config.web, listen: listen === 'auto' ? current.config.web.listen : listen } };
}

/** The job as the tree has it, recorded with the run. */
export function describeRun(
  config: ClusterConfig,
  job: JobConfig,
  driverImage: string,
  args: readonly string[],
): NewRun {
  const definition: JobDefinition = {
    name: job.name,
    main: job.main,
    className: job.className,
    args: [...job.args],
    env: { ...job.env },
    secrets: [...job.secrets],
    timeoutMs: job.timeoutMs,
    retries: job.retries,
    results: job.results.map((result) => ({ ...result })),
    ...(job.onFailure && { onFailure: job.onFailure }),
    ...(job.onSuccess && { onSuccess: job.onSuccess }),
  };
  return {
    ...(args.length === 0 ? {} : { args: [...args] }),
    definition,
    driverImage,
    sparkConf: { ...config.spark.conf },
  };
}

async function follow(api: ApiClient, started: Run, options: RunJobOptions): Promise<Run> {
  const { signal, onLog, onProgress, onWaiting } = options;
  let latest = started;
  let reason: string | null = null;
  const note = (run: Run) => {
    latest = run;
    if (run.waiting !== null && run.waiting !== reason) onWaiting(run.waiting);
    reason = run.waiting;
    if (run.state !== 'running') onProgress(null);
  };
  note(started);
  for await (const { event } of api.followRun(started.id, { signal })) {
    if (event.kind === 'log') onLog(event.line);
    else if (event.kind === 'progress') onProgress(event.progress);
    else note(event.run);
  }
  return latest;
}
