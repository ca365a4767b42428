// A stand-in for AWS on this computer: moto's server, which speaks the protocols of the real services.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { repository } from '../e2e/support/sparkplug.ts';

const version = '5.2.5';
/** Made once for this version and used again. */
const environment = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sparkplug', `moto-${version}`);

export interface Moto {
  readonly url: string;
  /** Forgets everything that was made. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** With Debian's machine images (test/aws/amis.json) in every region. Needs the Python registry the first time. */
export async function startMoto(): Promise<Moto> {
  const program = await installMoto();
  const server = spawn(program, ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, MOTO_AMIS_PATH: join(repository, 'test', 'aws', 'amis.json') },
  });
  const exited = once(server, 'exit');
  const lines = createInterface({ input: server.stderr });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    exited.then(() => reject(new Error('moto ended before it listened')), reject);
  });
  return {
    url,
    reset: async () => {
      const { ok } = await fetch(`${url}/moto-api/reset`, { method: 'POST' });
      if (!ok) throw new Error('moto does not forget');
    },
    stop: async () => {
      server.kill();
      await exited;
    },
  };
}

async function installMoto(): Promise<string> {
  const program = join(environment, 'bin', 'moto_server');
  if (existsSync(program)) return program;
  await execa('python3', ['-m', 'venv', '--clear', environment]);
  try {
    await execa(join(environment, 'bin', 'pip'), ['install', '--quiet', `moto[server]==${version}`]);
  } catch (error) {
    await rm(environment, { recursive: true });
    throw error;
  }
  return program;
}
