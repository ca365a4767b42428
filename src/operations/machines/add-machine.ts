// Use cases `machine add` and `machine join-command`: a further machine, over SSH or by a line for its own shell.
import { homedir } from 'node:os';
import { join } from 'node:path';
import pWaitFor, { TimeoutError } from 'p-wait-for';
import type { MachineShell } from '../../adapters/machine-shell.ts';
import { rememberHostKey, scanHostKeys } from '../../adapters/ssh/host-key.ts';
import { createSshShell, hostOf } from '../../adapters/ssh/ssh-shell.ts';
import type { MachineView } from '../../api/schemas.ts';
import { knownHostsFile } from '../../config/user-folder.ts';
import { SparkPlugError } from '../../errors.ts';
import { type Report, step } from '../../progress.ts';
import { formatDuration } from '../../units.ts';
import { connectToCluster } from '../cluster-access.ts';
import { takeDown } from '../down.ts';
import { ensureProjectState, locateProject, openProject, type ProjectChoice } from '../open-project.ts';
import { readRegistryAccess } from '../read-registry-access.ts';
import { setUpEngine } from '../set-up-engine.ts';
import { bringUp } from '../up.ts';
import { reachSwarm } from './reach-swarm.ts';
import { type JoinOrder, renderJoinScript } from './render-join-script.ts';
import { renderProvisionScript } from './render-provision-script.ts';

interface Preparing {
  /** Address of the conductor's machine as the others reach it; null: to be found out. */
  readonly advertise: string | null;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface AddMachineOptions extends Preparing {
  /** `user@host`. */
  readonly destination: string;
  readonly port: number | null;
  readonly identityFile: string | null;
  /** `SHA256:…` of the host key that is to be trusted; null: only one that is known already. */
  readonly hostKey: string | null;
}

export interface AddedMachine {
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly containers: readonly string[];
  /** Why no more workers stand there. */
  readonly explanation: string;
}

/** A machine pulls its images first, hundreds of MiB. */
const inUseTimeoutMs = 600_000;
const pollMs = 1_000;

/**
 * Installs Docker where it is missing, joins the machine to the Swarm, and returns when the cluster uses it. Run again it
 * finishes what was interrupted, and changes nothing on a machine that is in.
 * @throws SparkPlugError SSH_UNREACHABLE, SSH_REFUSED, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, SUDO_MISSING, MACHINE_UNFIT,
 *   DISK_FULL, SWARM_UNUSABLE, SWARM_ADDRESS_NEEDED, and what `up` throws
 */
export async function addMachine(choice: ProjectChoice, options: AddMachineOptions): Promise<AddedMachine> {
  const { destination, report, signal } = options;
  const shell = await openShell(options);
  const found = await step(report, `reach ${destination}`, () => readMachine(shell, signal));
  await step(
    report,
    `ready ${destination}`,
    () => runOn(shell, renderProvisionScript(), destination, signal),
    'Docker Engine must run there',
  );
  const advertise = options.advertise ?? found.peerAddress;
  const order = await prepareJoin(choice, { ...options, advertise });
  await step(report, `join ${destination}`, () => runOn(shell, renderJoinScript(order), destination, signal));
  const [nodeId = ''] = (await shell.run(`docker info --format '{{.Swarm.NodeID}}'`, { signal })).stdout.split('\n');
  const machine = await step(
    report,
    `fill ${destination}`,
    () => awaitInUse(choice, nodeId, found.hostname, signal),
    'the scheduler found it',
  );
  const { name, cores, memoryMiB, containers, explanation } = machine;
  return { name, cores, memoryMiB, containers: containers.map(({ service }) => service), explanation };
}

/**
 * One line for the shell of a machine: whoever runs it as root joins that machine. It holds the Swarm's token and the
 * registry's password, so it is as secret as they are.
 */
export async function makeJoinCommand(choice: ProjectChoice, options: Preparing): Promise<string> {
  const order = await prepareJoin(choice, options);
  const script = `${renderProvisionScript()}\n${renderJoinScript(order)}`;
  return `echo ${Buffer.from(script).toString('base64')} | base64 -d | sudo sh`;
}

/** A Swarm that can be joined, and a cluster with a registry: what a further machine needs to be there. */
async function prepareJoin(choice: ProjectChoice, { advertise, report, signal }: Preparing): Promise<JoinOrder> {
  const project = await openProject(choice);
  const { docker } = project;
  const { swarm } = await docker.info();
  if (swarm.state !== 'inactive') await setUpEngine(docker, { report, signal });
  const { id } = await ensureProjectState(project);
  const { managerAddress } = await reachSwarm(docker, {
    address: advertise,
    projectId: id,
    stopCluster: async () => {
      await takeDown(choice, { volumes: false, now: false, report: () => {}, signal });
    },
    report,
  });
  await bringUp(choice, { now: false, build: true, expectMachines: true, report, signal });
  const api = await connectToCluster(await locateProject(choice));
  const registry = await readRegistryAccess((await api.desiredState({ signal })).desired);
  if (registry === null) throw new Error('a cluster that expects machines has a registry');
  return {
    managerAddress,
    token: (await docker.run(['swarm', 'join-token', '--quiet', 'worker'])).trim(),
    registry,
  };
}

/** The host key that the user has named is looked at, and remembered where it is the one. */
async function openShell({ destination, port, identityFile, hostKey }: AddMachineOptions): Promise<MachineShell> {
  const knownHosts = [knownHostsFile(), join(homedir(), '.ssh', 'known_hosts')];
  const shell = createSshShell({ destination, port, identityFile, knownHosts });
  const [own = ''] = knownHosts;
  if (hostKey !== null) {
    const shown = await scanHostKeys(hostOf(destination), port);
    const key = shown.find(({ fingerprint }) => fingerprint === hostKey);
    if (key === undefined && shown.length > 0) {
      throw new SparkPlugError(
        'HOST_KEY_CHANGED',
        `${destination} shows another host key than the one that was named`,
        {
          place: destination,
          met: shown.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', '),
          hint: 'compare with the machine’s own console; somebody may stand in between',
        },
      );
    }
    if (key !== undefined) await rememberHostKey(own, key);
  }
  return shell;
}

interface FoundMachine {
  readonly hostname: string;
  /** From where the machine sees this connection come; null where it does not say. */
  readonly peerAddress: string | null;
}

async function readMachine(shell: MachineShell, signal: AbortSignal): Promise<FoundMachine> {
  const { stdout } = await shell.run('hostname; echo "$SSH_CONNECTION"', { signal });
  const [hostname = '', connection = ''] = stdout.split('\n');
  const [peer = ''] = connection.split(' ');
  return { hostname: hostname.trim(), peerAddress: peer === '' ? null : peer };
}

const diskExit = 66;

async function runOn(shell: MachineShell, script: string, place: string, signal: AbortSignal): Promise<void> {
  const { exitCode, stdout, stderr } = await shell.run(script, { signal });
  if (exitCode === 0) return;
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-4).join('; ');
  throw new SparkPlugError(exitCode === diskExit ? 'DISK_FULL' : 'MACHINE_UNFIT', `${place} cannot be used: ${said}`, {
    place,
    hint:
      exitCode === diskExit
        ? 'free some space there, then the same command again'
        : `mend it there (ssh ${place}), then the same command again`,
  });
}

/** Until the machine has its containers and all of them answer; one with room for none is in use as far as it can be. */
async function awaitInUse(
  choice: ProjectChoice,
  nodeId: string,
  hostname: string,
  signal: AbortSignal,
): Promise<MachineView> {
  const api = await connectToCluster(await locateProject(choice));
  let found: MachineView | undefined;
  const isInUse = async (): Promise<boolean> => {
    const [machines, status] = await Promise.all([api.machines({ signal }), api.clusterStatus({ signal })]);
    found = machines.find(({ id }) => id === nodeId) ?? machines.find(({ name }) => name === hostname);
    if (found === undefined || found.state !== 'ready' || found.containers.length === 0) return false;
    return status.operation === null && found.containers.every(({ state }) => state === 'ready');
  };
  try {
    await pWaitFor(isInUse, { interval: pollMs, timeout: inUseTimeoutMs, signal });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new SparkPlugError('CLUSTER_NOT_READY', `${hostname} is not in use after ${formatDuration(inUseTimeoutMs)}`, {
      place: hostname,
      hint: 'sparkplug machine; sparkplug status; the events say what the scheduler tried',
    });
  }
  if (found === undefined) throw new Error('a machine in use was found');
  return found;
}
