// One process at a time: a lock is a file that holds its owner's process number.
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isProcessAlive } from './processes.ts';

const retryMs = 200;
let attempts = 0;

interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when another process has the lock. */
  readonly onWait?: (pid: number) => void;
}

/** Runs `work` while no other process runs any with the same file. A lock whose owner died is taken over. */
export async function withFileLock<T>(file: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await takeLock(file, options);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function takeLock(file: string, { signal, onWait }: LockOptions): Promise<void> {
  let told = false;
  while (!(await tryLock(file))) {
    const owner = await readOwner(file);
    if (owner !== null && !isProcessAlive(owner)) {
      await removeStale(file, owner);
      continue;
    }
    if (!told && owner !== null) onWait?.(owner);
    told ||= owner !== null;
    await delay(retryMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** Linking a finished file is atomic and never shows a lock without its owner. */
async function tryLock(file: string): Promise<boolean> {
  const own = uniqueName(file);
  await writeFile(own, `${process.pid}\n`, { mode: 0o600 });
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function readOwner(file: string): Promise<number | null> {
  try {
    const pid = Number.parseInt(await readFile(file, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : null;
  } catch {
    return null;
  }
}

/** Moves the file away first: of two processes that find it stale only one can, and a fresh lock is put back. */
async function removeStale(file: string, owner: number): Promise<void> {
  const aside = uniqueName(file);
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readOwner(aside)) !== owner) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

function uniqueName(file: string): string {
  attempts += 1;
  return `${file}.${process.pid}.${attempts}`;
}
