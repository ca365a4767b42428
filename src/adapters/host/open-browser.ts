// The browser of whoever sits at this computer.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { findProgram } from './find-program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Opens the address; false where there is no browser to be seen: over SSH, in a container, without a desktop.
 * Its own outcome is not waited for.
 */
export async function openBrowser(url: string): Promise<boolean> {
  const isWsl = /microsoft/i.test(await readFile('/proc/version', 'utf8').catch(() => ''));
  for (const name of listOpeners(process.platform, process.env, isWsl)) {
    const program = await findProgram(name);
    if (program !== null) return await start(program, url);
  }
  return false;
}

/** Programs that open an address in the user's browser, the best first. */
export function listOpeners(platform: string, env: Environment, isWsl: boolean): readonly string[] {
  if (env.SSH_CONNECTION) return [];
  if (platform === 'darwin') return ['open'];
  const hasDesktop = Boolean(env.DISPLAY) || Boolean(env.WAYLAND_DISPLAY);
  return [...(isWsl ? ['wslview'] : []), ...(hasDesktop ? ['xdg-open'] : [])];
}

function start(program: string, url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, [url], { detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
