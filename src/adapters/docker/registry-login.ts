// A log-in to a registry for single calls of the docker client: a settings folder of its own, gone afterwards.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathExists } from '../host/path-exists.ts';

export interface RegistryLogin {
  /** `IP:PORT`. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
}

/** What the client reads besides its settings and must still find: contexts with their keys, and plugins. */
const sharedFolders = ['contexts', 'cli-plugins', 'buildx'] as const;

/**
 * Calls `use` with a folder for `DOCKER_CONFIG`. Neither the user's settings nor a command line get to see the
 * password; the context that they select stays selected.
 */
export async function withRegistryLogin<T>(
  login: RegistryLogin,
  use: (dockerConfig: string) => Promise<T>,
): Promise<T> {
  // mkdtemp's folder is closed to everyone else.
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-registry-'));
  try {
    const own = process.env.DOCKER_CONFIG || join(homedir(), '.docker');
    for (const name of sharedFolders) {
      if (await pathExists(join(own, name))) await symlink(join(own, name), join(folder, name));
    }
    const auth = Buffer.from(`${login.user}:${login.password}`).toString('base64');
    const currentContext = await readCurrentContext(join(own, 'config.json'));
    const settings = { auths: { [login.address]: { auth } }, ...(currentContext === null ? {} : { currentContext }) };
    await writeFile(join(folder, 'config.json'), JSON.stringify(settings), { mode: 0o600 });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readCurrentContext(file: string): Promise<string | null> {
  try {
    const settings: unknown = JSON.parse(await readFile(file, 'utf8'));
    const isNamed = typeof settings === 'object' && settings !== null && 'currentContext' in settings;
    return isNamed && typeof settings.currentContext === 'string' ? settings.currentContext : null;
  } catch {
    // None there, or one that the client cannot read either.
    return null;
  }
}
