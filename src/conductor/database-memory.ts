// How much of its container's memory `web` lets the database have.

/**
 * Three eighths of the container's limit, in MiB: the rest is Node's heap and the files' pages. `limitBytes` as
 * `process.constrainedMemory()` tells it, from cgroup v1 and v2 alike; 0 or beyond all memory where there is none.
 */
export function chooseDatabaseMemoryMiB(limitBytes: number): number {
  const limitMiB = limitBytes > 0 ? limitBytes / 1024 ** 2 : Number.POSITIVE_INFINITY;
  return Math.round(Math.min(Math.max(limitMiB * 0.375, 64), 1024));
}
