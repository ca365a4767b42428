// A machine in a container: its own Docker Engine, its own memory, nothing of the host's but its cores.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { docker } from './docker.ts';
import { repository } from './sparkplug.ts';

const image = 'sparkplug-test/machine';

export interface TestMachine {
  readonly name: string;
  readonly address: string;
  /** Runs a command inside; returns its outcome, never throws for an exit code. */
  exec(
    command: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ exitCode: number; all: string; stdout: string }>;
  remove(): Promise<void>;
}

/**
 * Starts a machine that believes it has `memoryMiB` of memory and has an engine without any image.
 * `--privileged` is not used: capabilities one by one, so that it works where a full grant is refused.
 */
export async function startMachine(name: string, memoryMiB: number): Promise<TestMachine> {
  const context = join(repository, 'test', 'e2e', 'machine');
  const base = await findDebianImage();
  const build = ['build', '-q', '--network', 'host', '--build-arg', `DEBIAN_IMAGE=${base}`, '-t', image, context];
  await execa('docker', build, { env: { DOCKER_BUILDKIT: '0' } });
  const memoryInfo = join(await mkdtemp(join(tmpdir(), 'sparkplug-machine-')), 'meminfo');
  await writeFile(memoryInfo, await scaledMemoryInfo(memoryMiB));
  const volume = `${name}-docker`;
  await docker('volume', 'create', volume);
  await docker(
    ...['run', '-d', '--name', name, '--hostname', name, '--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE'],
    ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
    ...['--security-opt', 'systempaths=unconfined', '--device-cgroup-rule', 'a *:* rwm'],
    ...['-v', `${volume}:/var/lib/docker`, '-v', `${memoryInfo}:/proc/meminfo:ro`, '-v', `${repository}:/sparkplug:ro`],
    ...['--memory', `${memoryMiB}m`, '--memory-swap', `${memoryMiB}m`, image],
  );
  const exec: TestMachine['exec'] = async (command, env = {}) => {
    const variables = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    const result = await execa('docker', ['exec', ...variables, name, ...command], {
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    return { exitCode: result.exitCode ?? 1, all: result.all, stdout: result.stdout };
  };
  await pWaitFor(async () => (await exec(['docker', 'info'])).exitCode === 0, { interval: 250, timeout: 60_000 });
  const address = (await docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name)).trim();
  return {
    name,
    address,
    exec,
    remove: async () => {
      await execa('docker', ['rm', '-f', '-v', name], { reject: false });
      await execa('docker', ['volume', 'rm', volume], { reject: false });
    },
  };
}

/** Debian's image, or where it could not be pulled the one that SparkPlug made in its place. */
async function findDebianImage(): Promise<string> {
  const made = 'sparkplug/debian:trixie-slim';
  return (await docker('images', '-q', made)) === '' ? 'debian:trixie-slim' : made;
}

/** The host's /proc/meminfo with another total, of which nearly all is free. */
async function scaledMemoryInfo(memoryMiB: number): Promise<string> {
  const kilobytes = memoryMiB * 1024;
  const values: Readonly<Record<string, number>> = {
    MemTotal: kilobytes,
    MemFree: Math.round(kilobytes * 0.9),
    MemAvailable: Math.round(kilobytes * 0.92),
    SwapTotal: 0,
    SwapFree: 0,
  };
  const text = await readFile('/proc/meminfo', 'utf8');
  return text.replaceAll(/^(\w+):(\s+)\d+ kB$/gm, (line, key: string) =>
    values[key] === undefined ? line : `${key}: ${values[key]} kB`,
  );
}
