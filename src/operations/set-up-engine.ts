// From any computer to a Docker engine that runs and is in a Swarm: installs, starts, initializes what is missing.
import type { Docker, EngineInfo } from '../adapters/docker/docker.ts';
import { withFileLock } from '../adapters/host/file-lock.ts';
import { findProgram } from '../adapters/host/find-program.ts';
import { findPrivilege, type Privilege } from '../adapters/host/run-program.ts';
import { makeCacheFolder } from '../adapters/host/user-folders.ts';
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import { ensureSwarm } from './ensure-swarm.ts';
import { installEngine } from './install-engine.ts';
import { restartEngine, startEngine } from './start-engine.ts';

/** Oldest engine that `docker stack deploy` of our Compose files was tried with. */
const oldestEngine = { major: 20, minor: 10 };

export interface EngineSetup {
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings about an engine in a Swarm; one that is there already is left as it is. Only the local engine is ever installed
 * or started.
 * @throws SparkPlugError DOCKER_*, SETUP_NOT_ALLOWED, SETUP_FAILED, SWARM_UNUSABLE
 */
export async function setUpEngine(docker: Docker, setup: EngineSetup): Promise<EngineInfo> {
  await ensureEngine(docker, setup);
  return ensureSwarm(docker, setup.report);
}

/** Restarts a local engine that takes calls and gives no answers; its containers come back with it. */
export async function reviveEngine(docker: Docker, { report, signal }: EngineSetup): Promise<void> {
  const privilege = await requirePrivilege('the Docker engine gives no answer, and only root may restart it');
  const restart = () => restartEngine(docker, privilege, signal);
  await step(report, 'restart the Docker engine', restart, 'it takes calls and gives no answers');
}

/** An engine that answers and is new enough, in a Swarm or not. */
export async function ensureEngine(docker: Docker, setup: EngineSetup): Promise<EngineInfo> {
  const found = await findEngine(docker);
  if (!(found instanceof SparkPlugError)) return found;
  if (!(await isLocalEngine(docker, found))) throw found;
  // Two commands at once would both install.
  const lock = `${await makeCacheFolder('locks')}/engine`;
  await withFileLock(lock, () => bringAbout(docker, setup), { signal: setup.signal });
  return requireEngine(docker);
}

/** The engine as it is. @throws SparkPlugError DOCKER_* */
export async function requireEngine(docker: Docker): Promise<EngineInfo> {
  const info = await docker.info();
  refuseOldEngine(info);
  if (!(await docker.hasStackDeploy())) {
    throw new SparkPlugError('DOCKER_TOO_OLD', 'the docker client has no `docker stack deploy`', {
      met: info.clientVersion,
      hint: 'install a docker client of 20.10 or later',
    });
  }
  return info;
}

export function refuseOldEngine({ version }: Pick<EngineInfo, 'version'>): void {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const { major: oldMajor, minor: oldMinor } = oldestEngine;
  if (major > oldMajor || (major === oldMajor && minor >= oldMinor)) return;
  throw new SparkPlugError('DOCKER_TOO_OLD', `the Docker engine must be ${oldMajor}.${oldMinor} or later`, {
    met: version,
    hint: 'upgrade the Docker engine',
  });
}

/** The engine, or what is missing to reach it where setting up may help; every other error is thrown. */
async function findEngine(docker: Docker): Promise<EngineInfo | SparkPlugError> {
  try {
    return await requireEngine(docker);
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
    if (error.code === 'DOCKER_MISSING' || error.code === 'DOCKER_NOT_RUNNING') return error;
    throw error;
  }
}

const mendable: readonly ErrorCode[] = ['DOCKER_MISSING', 'DOCKER_NOT_RUNNING', 'DOCKER_STUCK'];

/** Whether `doctor --fix` could mend what keeps the engine from being reached. */
export async function canSetUp(docker: Docker, failure: unknown): Promise<boolean> {
  if (!(failure instanceof SparkPlugError)) return false;
  if (!mendable.includes(failure.code)) return false;
  return isLocalEngine(docker, failure);
}

/** False where a context or DOCKER_HOST points elsewhere: another computer's engine is not ours to start. */
async function isLocalEngine(docker: Docker, failure: SparkPlugError): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  if (failure.code === 'DOCKER_MISSING') return (process.env.DOCKER_HOST ?? '') === '';
  const host = await docker.run([
    'context',
    'inspect',
    '--format',
    '{{.Endpoints.docker.Host}}',
    ...contextArgs(docker),
  ]);
  return /^unix:\/\/(?:\/var)?\/run\/docker\.sock$/.test(host.trim());
}

function contextArgs({ context }: Docker): readonly string[] {
  return context === null ? [] : [context];
}

async function bringAbout(docker: Docker, { report, signal }: EngineSetup): Promise<void> {
  // Whoever had the lock before may have done it all.
  if (!((await findEngine(docker)) instanceof SparkPlugError)) return;
  const installed = (await findProgram('dockerd')) !== null && (await findProgram('docker')) !== null;
  const privilege = await requirePrivilege(
    installed
      ? 'the Docker engine does not run, and only root may start it'
      : 'Docker Engine is missing, and only root may install it',
  );
  if (!installed) await step(report, 'install Docker Engine', () => installEngine(privilege), 'there is none');
  if (!((await findEngine(docker)) instanceof SparkPlugError)) return;
  await step(report, 'start the Docker engine', () => startEngine(docker, privilege, signal), 'it does not run');
}

async function requirePrivilege(situation: string): Promise<Privilege> {
  const privilege = await findPrivilege();
  if (privilege !== null) return privilege;
  throw new SparkPlugError('SETUP_NOT_ALLOWED', `${situation} (sudo is missing or asks a password)`, {
    hint: 'run the command once as root, or have docker.io installed and started',
  });
}
