// The provider of bare machines: any Debian or Ubuntu machine that this computer's OpenSSH reaches.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from '../../adapters/host/file-lock.ts';
import type { MachineShell } from '../../adapters/machine-shell.ts';
import { rememberHostKey, scanHostKeys } from '../../adapters/ssh/host-key.ts';
import { createSshShell, hostOf } from '../../adapters/ssh/ssh-shell.ts';
import { type RememberedMachine, readMachineMemory, writeMachineMemory } from '../../config/machine-memory.ts';
import { knownHostsFile } from '../../config/user-folder.ts';
import { labels } from '../../engine/labels.ts';
import { SparkPlugError } from '../../errors.ts';
import { type Report, step } from '../../progress.ts';
import { locateProject, type ProjectChoice } from '../open-project.ts';
import { gather, type MachineProvider, type OfferedMachine, type ProvidedMachine } from './machine-provider.ts';
import { type JoinOrder, renderJoinScript } from './render-join-script.ts';
import { renderLeaveScript } from './render-leave-script.ts';
import { provisionExits, renderProvisionScript } from './render-provision-script.ts';

/** A machine as OpenSSH reaches it. */
export interface SshMachine {
  /** `user@host`. */
  readonly destination: string;
  /** Null: OpenSSH's own choice. */
  readonly port: number | null;
  /** Absolute path of the private key; null: whatever OpenSSH finds. */
  readonly identityFile: string | null;
}

export interface SshProviderParts {
  /** Folder of the project, which remembers the machines. */
  readonly projectDir: string;
  /** `SHA256:…` of host keys that are to be trusted from now on; empty: only those that are known already. */
  readonly hostKeys: readonly string[];
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Tests. */
  readonly openShell?: (machine: SshMachine) => Promise<MachineShell>;
}

/** The provider of the machines that this project's computer reaches. @throws SparkPlugError PROJECT_MISSING */
export async function openSshProvider(
  choice: ProjectChoice,
  parts: Omit<SshProviderParts, 'projectDir' | 'openShell'>,
): Promise<MachineProvider<SshMachine>> {
  return createSshProvider({ ...parts, projectDir: (await locateProject(choice)).dir });
}

/**
 * Readies machines, sends them into the Swarm and has them leave it again. How each was reached is remembered in the
 * project's folder and not on the Swarm's node: key and known hosts are this computer's own, and what a machine has to
 * forget must be known also after the Swarm has forgotten the node.
 * Failures: SSH_UNREACHABLE, SSH_REFUSED, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, SUDO_MISSING, MACHINE_UNFIT, DISK_FULL.
 */
export function createSshProvider(parts: SshProviderParts): MachineProvider<SshMachine> {
  const { projectDir, report, signal } = parts;
  const open = parts.openShell ?? ((machine) => openShell(machine, parts.hostKeys));
  const found = new Map<string, Promise<FoundMachine>>();

  /** Asked once: a host key that was named is looked at then. */
  const find = (machine: SshMachine): Promise<FoundMachine> => {
    const key = keyOf(machine);
    const known = found.get(key) ?? step(report, `reach ${key}`, async () => readMachine(await open(machine), signal));
    found.set(key, known);
    // The next call tries again.
    known.catch(() => found.delete(key));
    return known;
  };
  let writing: Promise<void> = Promise.resolve();
  /** One after another here, and against other processes by a lock. */
  const remember = (
    change: (machines: readonly RememberedMachine[]) => readonly RememberedMachine[],
  ): Promise<void> => {
    const write = () =>
      withFileLock(join(projectDir, '.sparkplug', 'machines.lock'), async () => {
        await writeMachineMemory(projectDir, change(await readMachineMemory(projectDir)));
      });
    writing = writing.then(write, write);
    return writing;
  };

  const joinMachine = async (machine: SshMachine, order: () => Promise<JoinOrder>): Promise<ProvidedMachine> => {
    const key = keyOf(machine);
    const { shell, hostname } = await find(machine);
    const ready = () => runOn(shell, renderProvisionScript(), machine, signal);
    await step(report, `ready ${key}`, ready, 'Docker Engine must run there');
    const joining = await order();
    const memory = { ...machine, hostname, nodeId: null, registry: joining.registry?.address ?? null };
    // Before it joins: what is broken off half-way can be given back too.
    await remember((all) => [...all.filter((one) => keyOf(one) !== key), memory]);
    await step(report, `join ${key}`, () => runOn(shell, renderJoinScript(joining), machine, signal));
    const { stdout } = await shell.run(`docker info --format '{{.Swarm.NodeID}}'`, { signal });
    const nodeId = stdout.trim() === '' ? null : stdout.trim();
    await remember((all) => all.map((one) => (keyOf(one) === key ? { ...one, nodeId } : one)));
    return { key, hostname, nodeId };
  };

  const leave = async ({ key, nodeId }: ProvidedMachine): Promise<ProvidedMachine> => {
    const memory = (await readMachineMemory(projectDir)).find((one) => keyOf(one) === key);
    if (memory === undefined) return { key, nodeId, hostname: key };
    const work = async (): Promise<void> => {
      const shell = await open(memory);
      const script = renderLeaveScript({ nodeId: nodeId ?? memory.nodeId, registry: memory.registry });
      await runOn(shell, script, memory, signal);
    };
    await step(report, `give ${key} back`, work, 'it leaves the Swarm and forgets the registry');
    await remember((all) => all.filter((one) => keyOf(one) !== key));
    return { key, nodeId, hostname: memory.hostname };
  };

  return {
    describe: (wanted) =>
      gather(wanted, keyOf, async (machine): Promise<OfferedMachine<SshMachine>> => {
        const { hostname: name, cores, memoryMiB, storage, seenFrom } = await find(machine);
        return { wanted: machine, name, cores, memoryMiB, storage, seenFrom };
      }),
    acquire: (wanted, order) => gather(wanted, keyOf, (machine) => joinMachine(machine, order)),
    list: async () =>
      (await readMachineMemory(projectDir)).map((one) => {
        const { hostname, nodeId } = one;
        return { key: keyOf(one), hostname, nodeId };
      }),
    release: async (machines) => (await gather(machines, ({ key }) => key, leave)).failures,
  };
}

/** `user@host`, with the port where it was named. */
export function keyOf({ destination, port }: Pick<SshMachine, 'destination' | 'port'>): string {
  return port === null ? destination : `${destination}:${port}`;
}

/** A host key that the user has named is looked at, and remembered where the machine shows it. */
async function openShell(machine: SshMachine, hostKeys: readonly string[]): Promise<MachineShell> {
  const { destination, port } = machine;
  const own = knownHostsFile();
  const shell = createSshShell({ ...machine, knownHosts: [own, join(homedir(), '.ssh', 'known_hosts')] });
  if (hostKeys.length === 0) return shell;
  const shown = await scanHostKeys(hostOf(destination), port);
  const key = shown.find(({ fingerprint }) => hostKeys.includes(fingerprint));
  if (key !== undefined) await rememberHostKey(own, key);
  // Several keys are several machines': which of them shows none of these, OpenSSH judges by those it knows.
  else if (shown.length > 0 && hostKeys.length === 1) {
    throw new SparkPlugError('HOST_KEY_CHANGED', `${destination} shows another host key than the one that was named`, {
      place: destination,
      met: shown.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', '),
      hint: 'compare with the machine’s own console; somebody may stand in between',
    });
  }
  return shell;
}

interface FoundMachine extends Omit<OfferedMachine<SshMachine>, 'wanted' | 'name'> {
  readonly shell: MachineShell;
  readonly hostname: string;
}

/** One fact a line; an engine that is not there yet has no labels. */
const readingScript = [
  'hostname',
  'echo "$SSH_CONNECTION"',
  'nproc',
  `awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo`,
  `if grep -q '${labels.storage}=none' /etc/docker/daemon.json 2>/dev/null; then echo compute; else echo storage; fi`,
].join('\n');

async function readMachine(shell: MachineShell, signal: AbortSignal): Promise<FoundMachine> {
  const { stdout } = await shell.run(readingScript, { signal });
  const [hostname = '', connection = '', cores, memoryMiB, purpose] = stdout.split('\n').map((line) => line.trim());
  const [peer = ''] = connection.split(' ');
  const facts = { cores: Number(cores) || 0, memoryMiB: Number(memoryMiB) || 0, storage: purpose !== 'compute' };
  return { shell, hostname, ...facts, seenFrom: peer === '' ? null : peer };
}

async function runOn(shell: MachineShell, script: string, machine: SshMachine, signal: AbortSignal): Promise<void> {
  const { exitCode, stdout, stderr } = await shell.run(script, { signal });
  if (exitCode === 0) return;
  const place = machine.destination;
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-4).join('; ');
  const isFull = exitCode === provisionExits.diskFull;
  throw new SparkPlugError(isFull ? 'DISK_FULL' : 'MACHINE_UNFIT', `${place} cannot be used: ${said}`, {
    place,
    hint: isFull
      ? 'free some space there, then the same command again'
      : `mend it there (ssh ${place}), then the same command again`,
  });
}
