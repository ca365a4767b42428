// From the memory of a worker's container to the heaps of the JVMs inside it.
import type { WorkerShape } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { formatMiB } from '../units.ts';
import type { WorkerPlan } from './cluster-plan.ts';
import { jvmNativeMiB } from './size-components.ts';

/**
 * Spark refuses executors whose `Runtime.maxMemory` is under 450 MiB (`UnifiedMemoryManager`). The serial collector, the
 * JVM's choice on one core, keeps a survivor space of a thirtieth to itself: 480 × 29/30 = 464.
 */
const smallestHeapMiB = 480;
/** Native memory of an executor's JVM and one Python worker, at the very least. */
const smallestBesideHeapMiB = 208;
/** `spark.executor.memoryOverhead`: Spark's own default, max(384 MiB, 10 % of the heap). */
const overheadMiB = 384;
const overheadFactor = 0.1;
/** Python workers beside the heap, as a part of the heap. */
const pythonFactor = 0.2;
const smallestDaemonHeapMiB = 64;

/** The smallest container for `executors` JVMs: the daemon (64 + 140 MiB) and 688 MiB for each executor. */
export function smallestWorkerMiB(executors: number): number {
  const daemonMiB = smallestDaemonHeapMiB + jvmNativeMiB(smallestDaemonHeapMiB);
  return daemonMiB + executors * (smallestHeapMiB + smallestBesideHeapMiB);
}

/**
 * Divides a worker's container (MiB throughout):
 *
 *     daemon heap     = memory / 32, between 64 and 256
 *     per executor E  = (memory − daemon heap − 140) / executors
 *     executor heap   = min(E / 1.3, (E − 384) / 1.2), but at least 480
 *
 * so that E holds the heap, Spark's overhead max(384, 10 %) and a fifth of the heap for Python. Under about 1.2 GiB
 * the overhead shrinks instead of the heap, down to 208 beside it. Heaps are multiples of 16.
 *
 * @throws SparkPlugError CONFIG_INVALID when the container is too small for its executors.
 */
export function deriveWorker(shape: WorkerShape): WorkerPlan {
  const { executors, memoryMiB } = shape;
  const smallestMiB = smallestWorkerMiB(executors);
  if (memoryMiB < smallestMiB) throw tooSmall(shape, smallestMiB);
  const daemonHeapMiB = floor16(Math.min(256, Math.max(smallestDaemonHeapMiB, memoryMiB / 32)));
  const perExecutorMiB = (memoryMiB - daemonHeapMiB - jvmNativeMiB(daemonHeapMiB)) / executors;
  const largeHeap = perExecutorMiB / (1 + overheadFactor + pythonFactor);
  const smallHeap = (perExecutorMiB - overheadMiB) / (1 + pythonFactor);
  const heapMiB = Math.max(smallestHeapMiB, floor16(Math.min(largeHeap, smallHeap)));
  return { executors, cores: shape.cores, memoryMiB, heapMiB, daemonHeapMiB };
}

function tooSmall({ executors, memoryMiB }: WorkerShape, smallestMiB: number): SparkPlugError {
  const each = `${executors} executor${executors === 1 ? '' : 's'} of ${smallestHeapMiB + smallestBesideHeapMiB} MiB`;
  const daemon = `the worker daemon (${smallestWorkerMiB(0)} MiB)`;
  return new SparkPlugError(
    'CONFIG_INVALID',
    `A worker of ${formatMiB(memoryMiB)} is too small: ${daemon} and ${each} need ${smallestMiB} MiB.`,
    {
      place: 'spark.worker.memory',
      met: formatMiB(memoryMiB),
      hint: `Set \`memory: ${smallestMiB}MiB\` or more${executors > 1 ? ', or fewer executors' : ''}.`,
    },
  );
}

function floor16(memoryMiB: number): number {
  return Math.floor(memoryMiB / 16) * 16;
}
