// Processes of this computer by their number.
import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** Name of a running process' program, null where no such process runs. Numbers are reused: compare the name. */
export async function findProcessName(pid: number): Promise<string | null> {
  try {
    return basename(await readlink(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return await readProcessComm(pid);
  }
}

/** Root's programs hide their path from other users, not their short name (15 characters at most). */
async function readProcessComm(pid: number): Promise<string | null> {
  try {
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  } catch {
    return null;
  }
}

/** The number in a pid file, null where the file is missing or holds none. */
export async function readPidFile(file: string): Promise<number | null> {
  try {
    const pid = Number.parseInt(await readFile(file, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** True while a process of this number runs, whoever owns it. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
