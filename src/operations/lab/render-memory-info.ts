// The text that a lab's machine has in place of the computer's own /proc/meminfo; pure.

/** What a machine itself takes: kernel, engine, shell. */
const takenShare = 0.05;

/**
 * Total and free memory as the machine has them, all else zero: the engine reads `MemTotal`, tools the others. Kilobytes
 * as in proc(5).
 */
export function renderMemoryInfo(memoryMiB: number): string {
  const total = memoryMiB * 1024;
  const free = Math.floor(total * (1 - takenShare));
  const values: readonly (readonly [string, number])[] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', 0],
    ['Inactive', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Shmem', 0],
    ['Slab', 0],
  ];
  return values.map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB`).join('\n');
}
