// Files that are either the old one or the new one, never half of one.
import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';

/** Replaces `file`: written beside it, flushed, then renamed. `mode` holds whatever the umask. */
export async function writeAtomically(file: string, content: string | Buffer, mode: number): Promise<void> {
  await viaTemporary(file, content, mode, (temporary) => rename(temporary, file));
}

/** Writes `file` unless it exists; false where it did. Two processes at once: one of them wins, wholly. */
export async function createAtomically(file: string, content: string | Buffer, mode: number): Promise<boolean> {
  let created = true;
  await viaTemporary(file, content, mode, async (temporary) => {
    await link(temporary, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      created = false;
    });
    await rm(temporary);
  });
  return created;
}

async function viaTemporary(
  file: string,
  content: string | Buffer,
  mode: number,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
