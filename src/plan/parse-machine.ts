// Machines one only thinks of: `plan --machine 4c8g --machine 2c4g*2`.
import { SparkPlugError } from '../errors.ts';
import { parseMemoryMiB } from '../units.ts';
import type { Machine } from './cluster-plan.ts';

/** Equal machines, as one `--machine` names them. */
export interface MachineOrder {
  readonly cores: number;
  readonly memoryMiB: number;
  readonly count: number;
}

const largestCount = 1_000_000;

/**
 * Reads `4c8g` or `4c8g*2` (cores, then memory: `g` GiB, `m` MiB, `t` TiB; then how many of them).
 * @throws SparkPlugError USAGE for anything else.
 */
export function parseMachine(text: string): MachineOrder {
  const match = /^(\d+)c(\d+(?:\.\d+)?(?:[mgt]|[mgt]ib))(?:\*(\d+))?$/i.exec(text.trim());
  const order = {
    cores: Number(match?.[1] ?? 0),
    memoryMiB: parseMemoryMiB(match?.[2] ?? '') ?? 0,
    count: Number(match?.[3] ?? 1),
  };
  if (order.cores < 1 || order.memoryMiB < 1 || order.count < 1 || order.count > largestCount) {
    throw new SparkPlugError('USAGE', 'A machine is written as cores and memory.', {
      place: '--machine',
      met: text,
      hint: 'Write for example `--machine 8c16g`, or `--machine 4c8g*2` for two of them.',
    });
  }
  return order;
}

/**
 * All machines of the `--machine` flags, named `machine-1`, `machine-2`, … in the order given; the first one is the
 * conductor. None is shared with a user. Numbers are padded (`machine-01`) so that the order of names is the order of
 * flags.
 */
export function parseMachines(texts: readonly string[]): readonly Machine[] {
  const orders = texts.map(parseMachine);
  const total = orders.reduce((sum, order) => sum + order.count, 0);
  if (total > largestCount)
    throw new SparkPlugError('USAGE', `More than ${largestCount} machines.`, { place: '--machine' });
  const digits = String(total).length;
  const machines: Machine[] = [];
  for (const { cores, memoryMiB, count } of orders) {
    for (let made = 0; made < count; made++) {
      const name = `machine-${String(machines.length + 1).padStart(digits, '0')}`;
      const conductor = machines.length === 0;
      machines.push({
        id: name,
        name,
        cores,
        memoryMiB,
        othersMemoryMiB: 0,
        conductor,
        shared: false,
        storage: true,
        state: 'ready',
      });
    }
  }
  return machines;
}
