// How much memory each component gets: a smallest size that works, growing gently with the machine.
import type { Component, Sizing } from './cluster-plan.ts';

/** Everything but the workers, whose size is the worker shape's. */
type SizedComponent = Exclude<Component, 'spark-worker'>;
/** Of what stands once, or is the same everywhere: the conductor's containers, and the agents. */
export type ConductorSizing = Readonly<Record<Exclude<SizedComponent, 'datanode'>, Sizing>>;

interface SizeRule {
  /** Container limit up to 8 GiB of machine memory. */
  readonly smallestMiB: number;
  /** Part of the machine's memory beyond 8 GiB that is added. */
  readonly growth: number;
  readonly largestMiB: number;
  readonly heap: (limitMiB: number) => number;
}

const growsFromMiB = 8192;
const stepMiB = 16;

/**
 * A JVM needs more than its heap: class metadata, compiled code, thread stacks, collector and direct buffers. Idle
 * daemons of Spark 4.2 and Hadoop 3.5 measure 160 to 230 MiB resident in all; large heaps need collector tables in
 * proportion.
 */
export function jvmNativeMiB(heapMiB: number): number {
  return Math.max(140, Math.ceil(heapMiB / 8));
}

/** The largest heap that fits `limitMiB` together with its native memory, in steps of 16 MiB. */
function daemonHeap(limitMiB: number): number {
  return roundDown(Math.min(limitMiB - 140, (limitMiB * 8) / 9));
}

/**
 * Heap of a driver: below the native part there is a Python process as well, for which a fifth of the heap stands
 * aside. Spark refuses to start under 450 MiB (`UnifiedMemoryManager`: 1.5 × 300 MiB reserved), so 512 MiB is the
 * least.
 */
function driverHeap(limitMiB: number): number {
  return Math.max(512, roundDown((limitMiB - 140) / 1.25));
}

const noJvm = (): number => 0;

/**
 * The rules. NameNode: about 1 GiB of heap per million files and blocks (Hadoop's own rule of thumb), so it grows
 * fastest of the daemons. The checkpointer loads the same image to merge it, without clients to serve. `web` holds
 * DuckDB's buffers. The scheduler starts Docker's client as a child process, which counts into its limit. The history
 * server holds the applications last looked at in its heap. The registry streams what it is sent. An agent starts Docker's
 * client for each command in a container.
 */
const rules: Readonly<Record<SizedComponent, SizeRule>> = {
  namenode: { smallestMiB: 288, growth: 0.01, largestMiB: 4096, heap: daemonHeap },
  checkpointer: { smallestMiB: 224, growth: 0.0075, largestMiB: 3072, heap: daemonHeap },
  datanode: { smallestMiB: 256, growth: 0.0025, largestMiB: 1024, heap: daemonHeap },
  'spark-master': { smallestMiB: 272, growth: 0.0025, largestMiB: 1024, heap: daemonHeap },
  web: { smallestMiB: 224, growth: 0.01, largestMiB: 2048, heap: noJvm },
  scheduler: { smallestMiB: 192, growth: 0.0025, largestMiB: 512, heap: noJvm },
  history: { smallestMiB: 400, growth: 0.0025, largestMiB: 768, heap: daemonHeap },
  'spark-driver': { smallestMiB: 768, growth: 0.04, largestMiB: 4096, heap: driverHeap },
  registry: { smallestMiB: 96, growth: 0.0025, largestMiB: 256, heap: noJvm },
  agent: { smallestMiB: 160, growth: 0, largestMiB: 160, heap: noJvm },
};

/**
 * Sizes of what stands on the conductor machine: `limit = smallest + growth × (memory − 8 GiB)`, between smallest and
 * largest, in steps of 16 MiB. What is reserved is the limit: nothing is promised twice, so the sum of limits never
 * starves the machine.
 *
 * Sizes follow the machine's whole memory, not what others leave of it: another project that comes or goes restarts
 * nothing here. Nor does another machine: each container is sized by its own.
 */
export function sizeConductor(conductorMemoryMiB: number): ConductorSizing {
  return {
    namenode: size('namenode', conductorMemoryMiB),
    checkpointer: size('checkpointer', conductorMemoryMiB),
    'spark-master': size('spark-master', conductorMemoryMiB),
    history: size('history', conductorMemoryMiB),
    web: size('web', conductorMemoryMiB),
    scheduler: size('scheduler', conductorMemoryMiB),
    'spark-driver': size('spark-driver', conductorMemoryMiB),
    registry: size('registry', conductorMemoryMiB),
    agent: size('agent', conductorMemoryMiB),
  };
}

/** Size of a DataNode on a machine with this much memory, by the same rule. */
export function sizeDatanode(memoryMiB: number): Sizing {
  return size('datanode', memoryMiB);
}

/**
 * Memory of all conductor containers together; the driver once per parallel run, the history server where it is planned,
 * the registry where there are several machines.
 */
export function sumConductorMiB(
  sizing: ConductorSizing,
  parallelRuns: number,
  { history, registry }: { readonly history: boolean; readonly registry: boolean },
): number {
  const needed = ['namenode', 'checkpointer', 'spark-master', 'web', 'scheduler'] as const;
  const single = [...needed, ...(history ? (['history'] as const) : []), ...(registry ? (['registry'] as const) : [])];
  const drivers = sizing['spark-driver'].reservationMiB * parallelRuns;
  return single.reduce((sum, component) => sum + sizing[component].reservationMiB, drivers);
}

function size(component: SizedComponent, machineMemoryMiB: number): Sizing {
  const { smallestMiB, growth, largestMiB, heap } = rules[component];
  const grown = smallestMiB + growth * Math.max(0, machineMemoryMiB - growsFromMiB);
  const limitMiB = roundDown(Math.min(largestMiB, grown));
  return { limitMiB, reservationMiB: limitMiB, heapMiB: heap(limitMiB) };
}

function roundDown(memoryMiB: number): number {
  return Math.floor(memoryMiB / stepMiB) * stepMiB;
}
