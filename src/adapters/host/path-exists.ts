import { access } from 'node:fs/promises';

/** True for a file or folder that this user can see. */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
