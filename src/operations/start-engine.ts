// Starts an installed Docker engine: by systemd where that runs, else as a daemon of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { open, symlink } from 'node:fs/promises';
import pWaitFor from 'p-wait-for';
import type { Docker } from '../adapters/docker/docker.ts';
import { findProgram } from '../adapters/host/find-program.ts';
import { pathExists } from '../adapters/host/path-exists.ts';
import { findProcessName, readPidFile } from '../adapters/host/processes.ts';
import { readOrEmpty } from '../adapters/host/read-or-empty.ts';
import { type Privilege, runPrivileged } from '../adapters/host/run-program.ts';
import { makeCacheFolder } from '../adapters/host/user-folders.ts';
import { SparkPlugError } from '../errors.ts';
import { formatDuration } from '../units.ts';

const startTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;
const pollMs = 200;

const dockerPidFile = '/var/run/docker.pid';

/** Files in which daemons leave their process number; an engine refuses to start while one names a living process. */
const pidFiles: readonly { readonly file: string; readonly program: string }[] = [
  { file: dockerPidFile, program: 'dockerd' },
  { file: '/var/run/docker/containerd/containerd.pid', program: 'containerd' },
];

/** Returns when the engine answers. @throws SparkPlugError SETUP_FAILED with the last lines of its log */
export async function startEngine(docker: Docker, privilege: Privilege, signal?: AbortSignal): Promise<void> {
  if (await pathExists('/run/systemd/system')) return startBySystemd(docker, privilege, signal);
  // One that is just starting needs only time.
  if (await isDaemonRunning()) return waitForEngine(docker, null, signal);
  await removeStalePidFiles(privilege);
  const first = await spawnDaemon(privilege, {});
  try {
    await waitForEngine(docker, first, signal);
  } catch (error) {
    // Some kernels lack what iptables needs by default, and have what it needed before.
    const legacy = /iptables|nf_tables|nft/i.test(await readOrEmpty(first.log)) ? await makeLegacyIptablesPath() : null;
    if (legacy === null) throw error;
    await waitForEngine(docker, await spawnDaemon(privilege, { PATH: legacy }), signal);
  }
}

/** Ends a daemon that does not answer, by force where it does not go, and starts it again. */
export async function restartEngine(docker: Docker, privilege: Privilege, signal?: AbortSignal): Promise<void> {
  if (await pathExists('/run/systemd/system')) return startBySystemd(docker, privilege, signal, 'restart');
  const pid = await readPidFile(dockerPidFile);
  if (pid !== null && (await isDaemonRunning())) {
    for (const name of ['TERM', 'KILL']) {
      await runPrivileged(privilege, 'kill', [`-${name}`, String(pid)]);
      if (await endsInTime(pid)) break;
    }
  }
  await startEngine(docker, privilege, signal);
}

/** A daemon in good order ends within seconds, its containers with it; a deadlocked one never. */
async function endsInTime(pid: number): Promise<boolean> {
  const isGone = async () => (await findProcessName(pid)) !== 'dockerd';
  return await pWaitFor(isGone, {
    interval: pollMs,
    timeout: { milliseconds: stopTimeoutMs, fallback: () => false },
  }).then((ended) => ended !== false);
}

interface Daemon {
  readonly child: ChildProcess;
  readonly log: string;
}

async function startBySystemd(
  docker: Docker,
  privilege: Privilege,
  signal?: AbortSignal,
  verb: 'start' | 'restart' = 'start',
): Promise<void> {
  const { exitCode, stderr } = await runPrivileged(privilege, 'systemctl', [verb, 'docker']);
  if (exitCode !== 0) {
    throw new SparkPlugError(
      'SETUP_FAILED',
      `systemctl could not ${verb} docker: ${stderr.trim().split('\n').at(-1)}`,
      {
        hint: 'journalctl -u docker --no-pager | tail -30',
      },
    );
  }
  await waitForEngine(docker, null, signal);
}

async function isDaemonRunning(): Promise<boolean> {
  const pid = await readPidFile(dockerPidFile);
  return pid !== null && (await findProcessName(pid)) === 'dockerd';
}

/** A daemon that was ended hard leaves its pid file, and its number may by now belong to another program. */
async function removeStalePidFiles(privilege: Privilege): Promise<void> {
  for (const { file, program } of pidFiles) {
    const pid = await readPidFile(file);
    if (pid === null || (await findProcessName(pid))?.startsWith(program) === true) continue;
    await runPrivileged(privilege, 'rm', ['-f', file]);
  }
}

async function spawnDaemon(privilege: Privilege, env: Readonly<Record<string, string>>): Promise<Daemon> {
  const log = `${await makeCacheFolder('logs')}/dockerd.log`;
  const program = (await findProgram('dockerd')) ?? 'dockerd';
  const settings = Object.entries({ PATH: systemPath(), ...env }).map(([name, value]) => `${name}=${value}`);
  const [file = 'env', ...args] = [...privilege, 'env', ...settings, program];
  const output = await open(log, 'w', 0o600);
  try {
    // Detached, so that neither this process's end nor its terminal's Ctrl-C ends the engine.
    const child = spawn(file, args, { detached: true, stdio: ['ignore', output.fd, output.fd], cwd: '/' });
    child.on('error', () => undefined);
    child.unref();
    return { child, log };
  } finally {
    await output.close();
  }
}

/** Daemons call iptables, modprobe and containerd, which a user's PATH may lack. */
function systemPath(): string {
  return `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
}

/** A PATH on which `iptables` is the older program; null where there is none. The host's own choice stays as it is. */
async function makeLegacyIptablesPath(): Promise<string | null> {
  const names = ['iptables', 'ip6tables'] as const;
  const folder = await makeCacheFolder('legacy-iptables');
  for (const name of names) {
    const program = await findProgram(`${name}-legacy`);
    if (program === null) return null;
    if (!(await pathExists(`${folder}/${name}`))) await symlink(program, `${folder}/${name}`);
  }
  return `${folder}:${systemPath()}`;
}

async function waitForEngine(docker: Docker, daemon: Daemon | null, signal?: AbortSignal): Promise<void> {
  const isOver = () => daemon !== null && (daemon.child.exitCode !== null || daemon.child.signalCode !== null);
  const isAnswering = async () => {
    if (await answers(docker)) return true;
    if (isOver()) throw await describeFailure('the Docker engine ended while starting', daemon);
    return false;
  };
  await pWaitFor(isAnswering, {
    interval: pollMs,
    timeout: {
      milliseconds: startTimeoutMs,
      // Only then: at the start its log says nothing yet.
      fallback: async () => {
        throw await describeFailure(
          `the Docker engine did not answer within ${formatDuration(startTimeoutMs)}`,
          daemon,
        );
      },
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

async function answers(docker: Docker): Promise<boolean> {
  try {
    await docker.info();
    return true;
  } catch (error) {
    // The socket exists before it may be used, so only its owner's refusal is final.
    if (error instanceof SparkPlugError && error.code === 'DOCKER_NOT_RUNNING') return false;
    throw error;
  }
}

async function describeFailure(message: string, daemon: Daemon | null): Promise<SparkPlugError> {
  const lines = daemon === null ? [] : (await readOrEmpty(daemon.log)).trim().split('\n');
  const problems = lines.filter((line) => /level=(?:error|fatal)|^failed|panic/i.test(line));
  const said = (problems.length > 0 ? problems : lines).slice(-3).join('; ');
  return new SparkPlugError('SETUP_FAILED', said === '' ? message : `${message}: ${said}`, {
    hint: daemon === null ? 'systemctl status docker' : `see ${daemon.log}`,
  });
}
