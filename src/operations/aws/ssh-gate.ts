// The way to the conductor over SSH: its engine as a Docker context, then everything as on any other engine.
import { userInfo } from 'node:os';
import { join } from 'node:path';
import pWaitFor from 'p-wait-for';
import { createDocker } from '../../adapters/docker/docker.ts';
import { readConsoleHostKeys } from '../../adapters/ssh/console-host-keys.ts';
import {
  forgetHostKeys,
  type HostKey,
  nameHostKey,
  readKnownKeys,
  rememberHostKey,
  scanHostKeys,
} from '../../adapters/ssh/host-key.ts';
import {
  endSharedConnection,
  includeSettings,
  removeHostSettings,
  writeHostSettings,
} from '../../adapters/ssh/ssh-settings.ts';
import { writeProjectState } from '../../config/project-state.ts';
import { knownHostsFile, sshSettingsFile } from '../../config/user-folder.ts';
import { SparkPlugError } from '../../errors.ts';
import { step } from '../../progress.ts';
import { formatDuration } from '../../units.ts';
import { connectToCluster } from '../cluster-access.ts';
import { takeDown } from '../down.ts';
import { ensureSwarm } from '../ensure-swarm.ts';
import { createJoiningCluster } from '../machines/add-machines.ts';
import { loginUser } from '../machines/boot/render-user-data.ts';
import { createLeavingCluster } from '../machines/remove-machines.ts';
import { locateProject, openProject, type ProjectChoice } from '../open-project.ts';
import { readRegistryAccess } from '../read-registry-access.ts';
import { bringUp } from '../up.ts';
import type { ConductorAddress, ConductorGate, GateOpening } from './aws-parts.ts';
import { lastLines } from './silent-machines.ts';
import { nameAwsContext, resourceName } from './tags.ts';

export interface SshGateOptions {
  /** OpenSSH's configuration of this user; by default `~/.ssh/config`. */
  readonly sshConfigFile?: string;
  /** Who logs in; by default Debian's own user. */
  readonly user?: string;
}

const sshTimeoutMs = 5 * 60_000;
/** An image that is not ours installs its engine first. */
const engineTimeoutMs = 10 * 60_000;
const answerWithinMs = 30_000;
const pollMs = 3_000;

export function createSshGate(opening: GateOpening, options: SshGateOptions = {}): ConductorGate {
  const { projectId, report, signal } = opening;
  const context = nameAwsContext(projectId);
  const choice: ProjectChoice = { ...opening.choice, context };
  const docker = createDocker({ context });
  const change = { now: false, force: false, report, signal };
  return {
    reach: async ({ publicAddress }) => {
      await step(report, `reach the conductor at ${publicAddress}`, async () => {
        await trustHost(opening, publicAddress);
        await selectContext(opening, publicAddress, options);
        await awaitEngine(opening, publicAddress);
      });
    },
    bringUp: async ({ privateAddress }, { expectMachines }) => {
      // At an address that followers reach, also where there are none yet: a Swarm cannot change it.
      await ensureSwarm(docker, report, privateAddress);
      return await bringUp(choice, { now: false, build: true, expectMachines, report, signal });
    },
    joining: createJoiningCluster(choice, { report, signal }),
    leaving: createLeavingCluster(choice, change),
    renewJoinOrder: (conductor) => renewJoinOrder(choice, conductor, signal),
    stop: async () => {
      await takeDown(choice, { volumes: false, now: false, report, signal });
    },
    forget: async (hostnames) => {
      for (const { id, hostname } of await docker.nodes()) {
        if (hostnames.includes(hostname)) await docker.run(['node', 'rm', '--force', id]);
      }
    },
    close: async () => {
      await removeContext(context);
      await removeHostSettings(sshSettingsFile(), projectId);
      await forgetHostKeys(knownHostsFile(), `${resourceName(projectId)}.`);
    },
  };
}

/** Without a client there is no context. */
async function removeContext(context: string): Promise<void> {
  try {
    await createDocker({ context: 'default' }).tryRun(['context', 'rm', '--force', context]);
  } catch (error) {
    if (!(error instanceof SparkPlugError && error.code === 'DOCKER_MISSING')) throw error;
  }
}

/** Its host key is known by the instance: the address changes, and another instance has another key. */
function nameHost({ projectId, conductorId }: Pick<GateOpening, 'projectId' | 'conductorId'>): string {
  return `${resourceName(projectId)}.${conductorId}`;
}

/**
 * The first host key is compared with what the machine has written to its console, as far as AWS tells that already; later
 * ones must be the same.
 */
async function trustHost(opening: GateOpening, address: string): Promise<void> {
  const { readConsole, signal } = opening;
  const alias = nameHost(opening);
  let shown: readonly HostKey[] = [];
  const isShown = async (): Promise<boolean> => {
    shown = await scanHostKeys(address, null);
    return shown.length > 0;
  };
  await pWaitFor(isShown, { interval: pollMs, timeout: { milliseconds: sshTimeoutMs, fallback: () => {} }, signal });
  const console = await readConsole();
  if (shown.length === 0) throw silent(address, console, sshTimeoutMs);
  const known = await readKnownKeys(knownHostsFile(), alias);
  if (known.length > 0) {
    if (shown.some(({ fingerprint }) => known.some((one) => one.fingerprint === fingerprint))) return;
    throw otherKey(address, shown);
  }
  const told = readConsoleHostKeys(console, address);
  const isTold = ({ fingerprint }: HostKey): boolean => told.some((one) => one.fingerprint === fingerprint);
  if (told.length > 0 && !shown.some(isTold)) throw otherKey(address, shown);
  for (const key of shown) await rememberHostKey(knownHostsFile(), nameHostKey(key, alias));
}

function otherKey(address: string, shown: readonly HostKey[]): SparkPlugError {
  return new SparkPlugError('HOST_KEY_CHANGED', `${address} does not show the host key of the conductor`, {
    place: address,
    met: shown.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', '),
    hint: 'somebody may stand in between, or the machine was made anew by hand; aws ec2 get-console-output shows its own key',
  });
}

function silent(address: string, console: string, waitedMs: number): SparkPlugError {
  return new SparkPlugError('AWS_INSTANCE_SILENT', `the conductor does not answer after ${formatDuration(waitedMs)}`, {
    place: address,
    met: lastLines(console),
    hint: 'is this computer allowed in (--from), and does its network let port 22 out? The same command again goes on',
  });
}

async function selectContext(
  { choice, projectId, conductorId, identityFile, report }: GateOpening,
  address: string,
  { sshConfigFile = join(userInfo().homedir, '.ssh', 'config'), user = loginUser }: SshGateOptions,
): Promise<void> {
  const alias = nameHost({ projectId, conductorId });
  const knownHosts = knownHostsFile();
  await writeHostSettings(sshSettingsFile(), { id: projectId, address, user, alias, knownHosts, identityFile });
  if (await includeSettings(sshConfigFile, sshSettingsFile())) {
    report({
      kind: 'note',
      text: `${sshConfigFile} now includes ${sshSettingsFile()}: Docker reaches the conductor by it`,
    });
  }
  const docker = createDocker({ context: 'default' });
  const context = nameAwsContext(projectId);
  const host = `ssh://${user}@${address}`;
  const now = await docker.tryRun(['context', 'inspect', context, '--format', '{{.Endpoints.docker.Host}}']);
  if (now.exitCode !== 0 || now.stdout.trim() !== host) {
    await docker.tryRun(['context', 'rm', '--force', context]);
    await docker.run(['context', 'create', context, '--description', 'SparkPlug on AWS', '--docker', `host=${host}`]);
  }
  const { dir, state } = await locateProject(choice);
  if (state === null || state.context === context) return;
  // A cluster on another engine had its own machines: the worker that fits these is chosen anew.
  await writeProjectState(dir, { ...state, context, workerShape: null, datanodes: [] });
}

async function awaitEngine({ projectId, readConsole, signal }: GateOpening, address: string): Promise<void> {
  const docker = createDocker({ context: nameAwsContext(projectId), answerWithinMs });
  let said = '';
  let answered = false;
  const answers = async (): Promise<boolean> => {
    // The user may be let in to the engine only now, and a connection from before would not know it.
    if (said !== '') await endSharedConnection(address);
    try {
      const { exitCode, stderr } = await docker.tryRun(['version', '--format', '{{.Server.Version}}'], { signal });
      said = stderr;
      answered = exitCode === 0;
      return answered;
    } catch (error) {
      if (!(error instanceof SparkPlugError)) throw error;
      said = error.message;
      return false;
    }
  };
  await pWaitFor(answers, { interval: pollMs, timeout: { milliseconds: engineTimeoutMs, fallback: () => {} }, signal });
  if (answered) return;
  const { place, met, hint } = silent(address, `${await readConsole()}\n${said}`, engineTimeoutMs);
  throw new SparkPlugError('AWS_INSTANCE_SILENT', 'the Docker engine of the conductor does not answer', {
    place: place ?? address,
    met: met ?? '',
    hint: hint ?? '',
  });
}

async function renewJoinOrder(choice: ProjectChoice, { privateAddress }: ConductorAddress, signal: AbortSignal) {
  const { docker } = await openProject(choice);
  const api = await connectToCluster(await locateProject(choice));
  const registry = await readRegistryAccess((await api.desiredState({ signal })).desired);
  const token = (await docker.run(['swarm', 'join-token', '--rotate', '--quiet', 'worker'], { signal })).trim();
  return { managerAddress: `${privateAddress}:2377`, token, registry };
}
