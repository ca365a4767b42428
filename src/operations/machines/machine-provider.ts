// The port behind which further machines come and go: over SSH, from EC2. What is asked for is one entry a machine.
import { SparkPlugError } from '../../errors.ts';
import type { JoinOrder } from './render-join-script.ts';

/** A machine as it would be, before anything is bought or touched. */
export interface OfferedMachine<Wanted> {
  readonly wanted: Wanted;
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  /** False: it must hold no DataNodes, since it may go at any moment. */
  readonly storage: boolean;
  /** The address under which it sees this computer, which may be the conductor's; null where that cannot be known yet. */
  readonly seenFrom: string | null;
}

/** A machine that the provider has sent into the Swarm. */
export interface ProvidedMachine {
  /** By which the provider knows it: an instance's id, `user@host`. */
  readonly key: string;
  readonly hostname: string;
  /** Swarm's id; null until the machine has told it, then the host name is what it is found by. */
  readonly nodeId: string | null;
}

/** One machine with which it went wrong; the others are none the worse for it. */
export interface MachineFailure {
  readonly key: string;
  readonly error: SparkPlugError;
}

/** What worked, and what did not: one machine that fails undoes nothing on the others. */
export interface Gathered<T> {
  readonly machines: readonly T[];
  readonly failures: readonly MachineFailure[];
}

/**
 * Where further machines come from and go to. Every call may be repeated and finishes what an earlier one began. What goes
 * wrong with one machine is a failure beside the others; what concerns all of them (no credentials, an abort) is thrown.
 */
export interface MachineProvider<Wanted> {
  /** What such machines would be. Buys and changes nothing. */
  describe(wanted: readonly Wanted[]): Promise<Gathered<OfferedMachine<Wanted>>>;
  /**
   * Readies the machines and sends them into the Swarm; resolves with what they are called when each is on its way.
   * @param order how they join; called when the first machine is ready to, and not at all where none is, since it may
   *   move the Swarm to another address. Called again it gives the same.
   */
  acquire(wanted: readonly Wanted[], order: () => Promise<JoinOrder>): Promise<Gathered<ProvidedMachine>>;
  /** What was acquired and not given back, also where it is away or has left the Swarm. */
  list(): Promise<readonly ProvidedMachine[]>;
  /**
   * Gives machines back that were drained and that the Swarm has forgotten: EC2 terminates them; over SSH they leave the
   * Swarm and forget the registry. Those without a failure are in `list` no more.
   */
  release(machines: readonly ProvidedMachine[]): Promise<readonly MachineFailure[]>;
}

/** Does the same with each machine, all at once; what a user can meet becomes the failure of that machine. */
export async function gather<Item, T>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  work: (item: Item) => Promise<T>,
): Promise<Gathered<T>> {
  const ends = await Promise.allSettled(items.map(work));
  const machines: T[] = [];
  const failures: MachineFailure[] = [];
  for (const [index, end] of ends.entries()) {
    const item = items[index];
    if (end.status === 'fulfilled') machines.push(end.value);
    else if (end.reason instanceof SparkPlugError && item !== undefined) {
      failures.push({ key: keyOf(item), error: end.reason });
    } else throw end.reason;
  }
  return { machines, failures };
}
