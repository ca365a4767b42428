// Room on this computer's disks.
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Mebibytes that this user can still write where `path` is, or would be: its nearest existing folder counts. */
export async function measureFreeDiskMiB(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
    return Math.floor((bavail * bsize) / (1024 * 1024));
  } catch {
    return path === dirname(path) ? null : measureFreeDiskMiB(dirname(path));
  }
}
