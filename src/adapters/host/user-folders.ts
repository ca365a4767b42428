// Folders of the user for what can be made again.
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$XDG_CACHE_HOME/sparkplug` or `~/.cache/sparkplug`, with the given parts below it, made for this user only. */
export async function makeCacheFolder(...parts: readonly string[]): Promise<string> {
  const configured = process.env.XDG_CACHE_HOME;
  const base = configured !== undefined && configured !== '' ? configured : join(homedir(), '.cache');
  const folder = join(base, 'sparkplug', ...parts);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
