// LabMachine → the arguments of `docker create`; pure.
import { labels } from '../../engine/labels.ts';
import type { LabMachine } from './plan-lab.ts';
import { renderMemoryInfo } from './render-memory-info.ts';

/** On a machine's container; together they are the lab's memory of it. */
export const labLabels = {
  machine: 'sparkplug.lab.machine',
  cores: 'sparkplug.lab.cores',
  memoryMiB: 'sparkplug.lab.memory-mib',
  coreScale: 'sparkplug.lab.core-scale',
  address: 'sparkplug.lab.address',
} as const;

/**
 * What an engine inside needs, each by its name and not `--privileged`, which hands out every device and is refused on
 * many computers: mounts and namespaces (SYS_ADMIN, SYS_CHROOT, SYS_PTRACE, MKNOD), networks (NET_*), and files of other
 * users in the layers of images.
 */
const capabilities = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_ADMIN',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_ADMIN',
  'SYS_CHROOT',
  'SYS_PTRACE',
] as const;

/** Seconds for the engine inside to stop its containers, which have 10 themselves. */
const stopTimeoutSeconds = 30;

export interface MachineContainer {
  readonly projectId: string;
  readonly machine: LabMachine;
  /** Position in the lab, from 0. */
  readonly index: number;
  readonly network: string;
  readonly address: string;
  readonly image: string;
  /** Of the real computer. */
  readonly realCores: number;
}

export function nameContainer(projectId: string, machine: string): string {
  return `${projectId}-lab-${machine}`;
}

export function renderMachineContainer(container: MachineContainer): readonly string[] {
  const { projectId, machine, network, address, image } = container;
  const name = nameContainer(projectId, machine.name);
  const ownLabels = {
    [labels.lab]: projectId,
    [labLabels.machine]: machine.name,
    [labLabels.cores]: String(machine.cores),
    [labLabels.memoryMiB]: String(machine.memoryMiB),
    [labLabels.coreScale]: String(machine.coreScale),
    [labLabels.address]: address,
  };
  return [
    ...['create', '--name', name, '--hostname', machine.name, '--network', network, '--ip', address],
    ...Object.entries(ownLabels).flatMap(([label, value]) => ['--label', `${label}=${value}`]),
    ...['--cap-drop', 'ALL', ...capabilities.flatMap((capability) => ['--cap-add', capability])],
    // An engine mounts, makes namespaces and writes /proc/sys; each of these profiles forbids some of it.
    ...['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'].flatMap((one) => [
      '--security-opt',
      one,
    ]),
    // For the devices that its own containers get. Whatever lies behind one still needs its device node.
    ...['--device-cgroup-rule', 'a *:* rwm'],
    // The engine's data on a real file system: overlay2 cannot lie upon another overlay.
    ...['--mount', `type=volume,source=${name},target=/var/lib/docker,volume-label=${labels.lab}=${projectId}`],
    // No swap beyond it: what a machine does not have it cannot use.
    ...['--memory', `${machine.memoryMiB}m`, '--memory-swap', `${machine.memoryMiB}m`],
    ...['--cpus', formatCores(machine.cores / machine.coreScale), '--cpuset-cpus', listCpus(container).join(',')],
    ...['--env', `SPARKPLUG_ADDRESS=${address}`, '--env', `SPARKPLUG_MEMINFO=${renderMemoryInfo(machine.memoryMiB)}`],
    ...['--stop-timeout', String(stopTimeoutSeconds), '--log-opt', 'max-size=10m', image],
  ];
}

/** As many real cores as its quota fills, each machine beginning where the one before ended. */
export function listCpus({ machine, index, realCores }: Pick<MachineContainer, 'machine' | 'index' | 'realCores'>) {
  const count = Math.min(realCores, Math.max(1, Math.ceil(machine.cores / machine.coreScale)));
  return Array.from({ length: count }, (_, offset) => (index + offset) % realCores).toSorted((a, b) => a - b);
}

/** Docker takes at most nine digits, and at least a hundredth of a core is a quota that the kernel keeps. */
function formatCores(cores: number): string {
  return String(Math.max(0.01, Math.round(cores * 1000) / 1000));
}
