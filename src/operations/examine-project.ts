// Use case `doctor` for the project that the shared flags mean, or for this computer alone where there is none.
import { createDocker, type Docker } from '../adapters/docker/docker.ts';
import { findEngineHost } from '../adapters/docker/find-engine-host.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';
import { planCluster } from '../plan/plan-cluster.ts';
import type { Report } from '../progress.ts';
import { formatMiB } from '../units.ts';
import { resolveWorkerShape } from './build-desired.ts';
import { type DoctorRequest, examine, type Finding } from './doctor.ts';
import { chooseContext, type OpenedProject, openProject, type ProjectChoice } from './open-project.ts';
import { surveyMachines } from './survey-machines.ts';

interface Examination {
  readonly fix: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface Diagnosis {
  /** False where something failed; warnings do not count. */
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

/** Looks at everything; a project file with mistakes is one of the findings. */
export async function examineProject(choice: ProjectChoice, examination: Examination): Promise<Diagnosis> {
  const { project, finding } = await openIfThere(choice);
  const about = project === null ? aboutComputer(choice) : await aboutProject(project);
  const found = await examine({ ...about, ...examination });
  const findings = finding === null ? found : [finding, ...found];
  return { healthy: findings.every(({ state }) => state !== 'failed'), findings };
}

interface Opening {
  readonly project: OpenedProject | null;
  readonly finding: Finding | null;
}

async function openIfThere(choice: ProjectChoice): Promise<Opening> {
  try {
    return { project: await openProject(choice), finding: null };
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
    if (error.code === 'PROJECT_MISSING') return { project: null, finding: null };
    const detail = [error.message, ...error.problems.map(({ place, message }) => `${place}: ${message}`)].join(' ');
    const fix = error.hint ?? 'sparkplug plan lists every problem';
    return { project: null, finding: { name: 'project file', state: 'failed', detail, fix, fixable: false } };
  }
}

type About = Omit<DoctorRequest, keyof Examination>;

function aboutComputer({ context, fromDir }: ProjectChoice): About {
  const docker = createDocker({ context: chooseContext(context, process.env, null) });
  return {
    docker,
    findHost: () => findEngineHost(docker, process.env),
    config: null,
    projectDir: fromDir,
    port: null,
    isPortOurs: async () => false,
    checkMemory: null,
  };
}

async function aboutProject({ config, docker, dir, state, findHost }: OpenedProject): Promise<About> {
  const port = config.web.port === 'auto' ? (state?.webPort ?? null) : config.web.port;
  return {
    docker,
    findHost,
    config,
    projectDir: dir,
    port,
    isPortOurs: async () => state !== null && port !== null && (await publishes(docker, state.id, port)),
    checkMemory: async () => describeRoom(config, docker, state?.id ?? null, state?.workerShape ?? null),
  };
}

/** False also where there is no engine to ask: then no `web` of ours is running either. */
async function publishes(docker: Docker, projectId: string, port: number): Promise<boolean> {
  const services = await docker.services({ [labels.project]: projectId }).catch((error: unknown) => {
    if (error instanceof SparkPlugError) return [];
    throw error;
  });
  return services.some((service) => service.publishedPorts.includes(port));
}

async function describeRoom(
  config: ClusterConfig,
  docker: Docker,
  projectId: string | null,
  settled: Parameters<typeof resolveWorkerShape>[1],
): Promise<string> {
  const machines = await surveyMachines(docker, projectId);
  const workerShape = resolveWorkerShape(config, settled, machines);
  const { totalWorkers, worker } = planCluster(config, machines, { workerShape });
  const workers = totalWorkers === 1 ? '1 worker fits' : `${totalWorkers} workers fit`;
  return `${workers}, ${formatMiB(worker.memoryMiB)} each`;
}
