// A secret of the user's that signs notifications, as Swarm mounts it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Its bytes without a line feed at the end, which most editors and `echo` add; null when there is no such file. */
export function readSecretFile(folder: string, name: string): Uint8Array | null {
  try {
    const content = readFileSync(join(folder, name));
    return content.at(-1) === 0x0a ? content.subarray(0, -1) : content;
  } catch {
    return null;
  }
}
