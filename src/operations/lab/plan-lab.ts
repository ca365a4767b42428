// Machines asked for and machines there → machines of the lab, or why this computer cannot hold them; pure.
import { SparkPlugError } from '../../errors.ts';
import type { MachineOrder } from '../../plan/parse-machine.ts';
import { formatMiB } from '../../units.ts';

/** One simulated machine as it is meant to be. */
export interface LabMachine {
  /** `conductor`, `follower-1`, …: its host name, too. */
  readonly name: string;
  /** Simulated ones. */
  readonly cores: number;
  readonly memoryMiB: number;
  /** Simulated cores per real one. */
  readonly coreScale: number;
}

/** What this computer has for a lab. */
export interface LabRoom {
  readonly cores: number;
  readonly memoryMiB: number;
  /** Free now; what the lab's machines use already counts as free. */
  readonly freeMiB: number;
}

export interface LabRequest {
  readonly orders: readonly MachineOrder[];
  readonly coreScale: number | null;
  /** In their order. */
  readonly existing: readonly LabMachine[];
  readonly room: LabRoom;
}

/** The engine of this computer and everything else on it live on. */
const keptMiB = 512;
/** An engine, a Swarm and its tasks: below this a machine does not boot. */
const smallestMiB = 256;
/** Addresses of one private network. */
export const largestLab = 200;

/**
 * The machines of the whole lab. The order of `--machine` is the order of machines: what is there stays as it is, what is
 * listed after it is added.
 * @throws SparkPlugError USAGE, LAB_DIFFERS, LAB_TOO_LARGE, LAB_MACHINE_FAILED
 */
export function planLab({ orders, coreScale, existing, room }: LabRequest): readonly LabMachine[] {
  refuseLostConductor(existing);
  const scale = coreScale ?? existing[0]?.coreScale ?? 1;
  const wanted = listMachines(orders, scale);
  if (wanted.length === 0 && existing.length === 0) {
    throw new SparkPlugError('USAGE', 'A lab has at least one machine.', {
      place: '--machine',
      hint: 'Write for example `sparkplug lab up --machine 4c4g --machine 2c2g*2`.',
    });
  }
  if (wanted.length > 0 || coreScale !== null)
    refuseOtherMachines(wanted.length > 0 ? wanted : existing, existing, scale);
  const machines = wanted.length === 0 ? existing : wanted;
  refuseTooLarge(machines, room);
  return machines;
}

function listMachines(orders: readonly MachineOrder[], coreScale: number): readonly LabMachine[] {
  if (orders.reduce((sum, { count }) => sum + count, 0) > largestLab) {
    throw new SparkPlugError('USAGE', `A lab has at most ${largestLab} machines.`, { place: '--machine' });
  }
  return orders
    .flatMap(({ count, ...shape }) => Array.from({ length: count }, () => shape))
    .map((shape, index) => ({ name: nameMachine(index), ...shape, coreScale }));
}

export function nameMachine(index: number): string {
  return index === 0 ? 'conductor' : `follower-${index}`;
}

/** Somebody removed its container: the Swarm that the others are in has no manager any more. */
function refuseLostConductor(existing: readonly LabMachine[]): void {
  if (existing.length === 0 || existing.some(({ name }) => name === nameMachine(0))) return;
  throw new SparkPlugError('LAB_MACHINE_FAILED', 'The conductor of the lab is gone, and its Swarm with it.', {
    place: nameMachine(0),
    hint: 'sparkplug lab down, then sparkplug lab up with all machines',
  });
}

/** A machine keeps its shape for life, and none goes unasked. */
function refuseOtherMachines(wanted: readonly LabMachine[], existing: readonly LabMachine[], scale: number): void {
  const differing = existing.find((machine) => {
    const other = wanted.find(({ name }) => name === machine.name);
    return other === undefined || describeShape(other) !== describeShape(machine) || machine.coreScale !== scale;
  });
  if (differing === undefined) return;
  const flags = existing.map((machine) => `--machine ${describeShape(machine)}`).join(' ');
  const factor = existing[0]?.coreScale === 1 ? '' : ` --core-scale ${existing[0]?.coreScale}`;
  throw new SparkPlugError('LAB_DIFFERS', 'The lab has other machines than these.', {
    place: differing.name,
    met: `${flags}${factor}`,
    hint: 'List its machines first and new ones after them, or begin anew: sparkplug lab down',
  });
}

/** `4c8g`, `2c1536m`: as `--machine` takes it. */
export function describeShape({ cores, memoryMiB }: Pick<LabMachine, 'cores' | 'memoryMiB'>): string {
  return `${cores}c${memoryMiB % 1024 === 0 ? `${memoryMiB / 1024}g` : `${memoryMiB}m`}`;
}

function refuseTooLarge(machines: readonly LabMachine[], room: LabRoom): void {
  for (const { name, cores, coreScale, memoryMiB } of machines) {
    if (cores > room.cores * coreScale) {
      const most = `this computer has ${room.cores} × ${coreScale} (--core-scale) = ${room.cores * coreScale}`;
      throw new SparkPlugError('LAB_TOO_LARGE', `${name} is to have ${cores} cores; ${most}.`, {
        place: '--machine',
        met: `${cores} cores`,
        hint: `Simulate more cores than there are with \`--core-scale ${Math.ceil(cores / room.cores)}\`.`,
      });
    }
    if (memoryMiB < smallestMiB) {
      throw new SparkPlugError('USAGE', `A machine needs at least ${formatMiB(smallestMiB)} for its own engine.`, {
        place: '--machine',
        met: `${name}: ${formatMiB(memoryMiB)}`,
      });
    }
  }
  const total = machines.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const free = Math.max(0, Math.min(room.freeMiB, room.memoryMiB) - keptMiB);
  if (total <= free) return;
  const sum = machines.map(({ memoryMiB }) => formatMiB(memoryMiB)).join(' + ');
  throw new SparkPlugError(
    'LAB_TOO_LARGE',
    `The machines need ${sum} = ${formatMiB(total)}; this computer has ${formatMiB(free)} for them (${formatMiB(room.memoryMiB)} in all, ${formatMiB(room.freeMiB)} free, ${formatMiB(keptMiB)} of it kept for itself).`,
    {
      place: '--machine',
      met: formatMiB(total),
      hint: `Take away ${formatMiB(total - free)}: fewer or smaller machines, or stop what uses memory.`,
    },
  );
}
