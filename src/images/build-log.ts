// The whole output of a build in a file, for whoever wants to know more than the message says.
import { createWriteStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { makeCacheFolder } from '../adapters/host/user-folders.ts';

const keptLogs = 30;

export interface BuildLog {
  readonly file: string;
  readonly lines: readonly string[];
  readonly write: (line: string) => void;
  readonly close: () => Promise<void>;
}

export async function openBuildLog(name: string): Promise<BuildLog> {
  const folder = await makeCacheFolder('logs');
  await removeOldLogs(folder);
  const time = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const file = join(folder, `build-${time}-${name}.log`);
  const stream = createWriteStream(file, { mode: 0o600 });
  // A full disk must not hide the build's own error.
  stream.on('error', () => undefined);
  const lines: string[] = [];
  return {
    file,
    lines,
    write: (line) => {
      lines.push(line);
      stream.write(`${line}\n`);
    },
    close: async () => {
      stream.end();
      await finished(stream).catch(() => undefined);
    },
  };
}

/** Names begin with the time, so the oldest sort first. */
async function removeOldLogs(folder: string): Promise<void> {
  const logs = (await readdir(folder)).filter((name) => name.startsWith('build-')).sort();
  await Promise.all(logs.slice(0, -keptLogs).map((name) => rm(join(folder, name), { force: true })));
}
