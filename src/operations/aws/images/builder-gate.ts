// What stands behind a builder instance: its console, its shell, its engine.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pWaitFor, { TimeoutError } from 'p-wait-for';
import { createDocker, type Docker } from '../../../adapters/docker/docker.ts';
import type { MachineShell } from '../../../adapters/machine-shell.ts';
import { readConsoleHostKeys } from '../../../adapters/ssh/console-host-keys.ts';
import { forwardSocket } from '../../../adapters/ssh/forward-socket.ts';
import { rememberHostKey } from '../../../adapters/ssh/host-key.ts';
import { createSshShell, type SshTarget } from '../../../adapters/ssh/ssh-shell.ts';
import type { ClusterConfig } from '../../../config/cluster-config.ts';
import { labels } from '../../../engine/labels.ts';
import { SparkPlugError } from '../../../errors.ts';
import type { BuiltImageName } from '../../../images/image-plan.ts';
import type { Report } from '../../../progress.ts';
import { formatDuration } from '../../../units.ts';
import { loginUser, readyMark } from '../../machines/boot/render-user-data.ts';
import { obtainPlanned, type ReadImagePlan } from '../../prepare-images.ts';
import { renderCheckScript } from './render-check-script.ts';
import { renderWipeScript } from './render-wipe-script.ts';

/** One machine that becomes an image, from its first boot to the moment before it stops. */
export interface BuilderGate {
  /** Until its first boot is done and its engine answers. @throws SparkPlugError AWS_INSTANCE_SILENT */
  awaitReady(): Promise<void>;
  /** Has these images on its engine, and no other of SparkPlug's. */
  fill(names: readonly BuiltImageName[]): Promise<void>;
  /** Looks whether an image can be made of it. @throws SparkPlugError MACHINE_UNFIT */
  check(names: readonly BuiltImageName[]): Promise<void>;
  /** Takes everything off it that tells machines apart. Afterwards nobody gets in. @throws SparkPlugError MACHINE_UNFIT */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

export interface BuilderOpening {
  readonly address: string;
  /** Its SSH port; null: 22. */
  readonly port: number | null;
  readonly identityFile: string;
  readonly readConsole: () => Promise<string>;
  readonly project: BuilderProject;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** From what its images are built: recipes of this copy of SparkPlug, the registry of the project. */
export interface BuilderProject {
  readonly dir: string;
  readonly config: ClusterConfig;
  readonly projectId: string;
  readonly read: ReadImagePlan;
}

export type OpenBuilderGate = (opening: BuilderOpening) => BuilderGate;

/** A bare Debian installs its engine first, and AWS shows a console with some delay. */
const bootTimeoutMs = 15 * 60_000;
const pollMs = 5_000;
const remoteSocket = '/var/run/docker.sock';

/** The real one: OpenSSH to the address, with host keys that the machine's own console has told. */
export function openBuilderGate(opening: BuilderOpening): BuilderGate {
  const { address, port, identityFile, readConsole, project, report, signal } = opening;
  let folder: string | null = null;
  let engine: Promise<EngineLink> | null = null;

  const findTarget = async (): Promise<SshTarget> => {
    folder ??= await mkdtemp(join(tmpdir(), 'sparkplug-builder-'));
    const knownHosts = [join(folder, 'known_hosts')];
    return { destination: `${loginUser}@${address}`, port, identityFile, knownHosts };
  };
  const findShell = async (): Promise<MachineShell> => createSshShell(await findTarget());
  const run = async (script: string): Promise<void> => {
    const { exitCode, stdout, stderr } = await (await findShell()).run(script, { signal });
    if (exitCode !== 0) throw unfit(address, stderr.trim() || stdout.trim());
  };
  const findDocker = async (): Promise<Docker> => {
    engine ??= linkEngine(await findTarget(), signal);
    return (await engine).docker;
  };

  return {
    awaitReady: async () => {
      const target = await findTarget();
      await patiently(address, signal, async () => await learnHostKeys(target, address, port, await readConsole()));
      const shell = createSshShell(target);
      await patiently(address, signal, async () => await isReady(shell, address, signal));
    },
    fill: async (names) => {
      const docker = await findDocker();
      const wanted = new Set<string>(names);
      await obtainPlanned(docker, toRequest(project, report, signal), project.read, names);
      for (const { tags, labels: marks } of await docker.listImages({ [labels.image]: null })) {
        const name = marks[labels.image];
        if (name === undefined || wanted.has(name)) continue;
        // By name: what an image that stays is built upon loses its name only.
        for (const tag of tags) await docker.removeImage(tag);
      }
    },
    check: async (names) => await run(renderCheckScript(names.map((name) => project.read.plan[name].ref))),
    wipe: async () => {
      await (await engine)?.close();
      engine = null;
      await run(renderWipeScript());
    },
    close: async () => {
      await (await engine?.catch(() => null))?.close();
      engine = null;
      if (folder !== null) await rm(folder, { recursive: true, force: true });
      folder = null;
    },
  };
}

function toRequest({ dir, config, projectId }: BuilderProject, report: Report, signal: AbortSignal) {
  return { config, projectDir: dir, projectId, report, signal };
}

/** True once the console has told the keys; they are then the only ones that are believed. */
async function learnHostKeys(
  { knownHosts: [file = ''] }: SshTarget,
  address: string,
  port: number | null,
  shown: string,
): Promise<boolean> {
  const keys = readConsoleHostKeys(shown, port === null ? address : `[${address}]:${port}`);
  for (const key of keys) await rememberHostKey(file, key);
  return keys.length > 0;
}

/** Its SSH server may be there before the first boot is done. @throws SparkPlugError MACHINE_UNFIT where that has failed */
async function isReady(shell: MachineShell, address: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { exitCode, stdout } = await shell.run(
      `if [ -e ${readyMark} ] && docker info >/dev/null 2>&1; then exit 0; fi
cloud-init status 2>/dev/null`,
      { signal },
    );
    if (exitCode === 0 && stdout === '') return true;
    if (!/status: (done|error|degraded)/.test(stdout)) return false;
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'SSH_UNREACHABLE') return false;
    // The user is made by cloud-init itself, a moment after the server.
    if (error instanceof SparkPlugError && error.code === 'SSH_REFUSED') return false;
    throw error;
  }
  const { stdout } = await shell.run('tail -n 5 /var/log/cloud-init-output.log', { signal });
  throw unfit(address, stdout.trim());
}

async function patiently(address: string, signal: AbortSignal, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await pWaitFor(isDone, { interval: pollMs, timeout: bootTimeoutMs, signal });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new SparkPlugError(
      'AWS_INSTANCE_SILENT',
      `the builder at ${address} did not report within ${formatDuration(bootTimeoutMs)}`,
      {
        place: address,
        hint: 'does --from cover the address that you come from? `aws ec2 get-console-output --latest` shows what it does; the same command again begins anew',
      },
    );
  }
}

function unfit(address: string, said: string): SparkPlugError {
  const lines = said.split('\n').slice(-4).join('; ');
  return new SparkPlugError('MACHINE_UNFIT', `the builder at ${address} cannot become an image: ${lines}`, {
    place: address,
    hint: 'the same command again begins anew, with a new builder',
  });
}

interface EngineLink {
  readonly docker: Docker;
  close(): Promise<void>;
}

/**
 * Its engine as a Docker context of this computer, over one SSH connection: the docker client's own `ssh://` takes neither
 * a key nor known hosts, and connects anew for each call.
 */
async function linkEngine(target: SshTarget, signal: AbortSignal): Promise<EngineLink> {
  // Short: a socket's path has at most 107 characters.
  const folder = await mkdtemp(join(tmpdir(), 'sp-engine-'));
  const localSocket = join(folder, 's');
  const context = `sparkplug-builder-${folder.slice(-6).toLowerCase()}`;
  const here = createDocker({ context: 'default' });
  const remove = async (): Promise<void> => {
    await here.tryRun(['context', 'rm', '--force', context]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const forwarded = await forwardSocket(target, { localSocket, remoteSocket, signal });
    try {
      const endpoint = `host=unix://${localSocket}`;
      await here.run(['context', 'create', context, '--description', 'SparkPlug builder', '--docker', endpoint]);
    } catch (error) {
      await forwarded.close();
      throw error;
    }
    const close = async (): Promise<void> => {
      await forwarded.close();
      await remove();
    };
    return { docker: createDocker({ context }), close };
  } catch (error) {
    await remove();
    throw error;
  }
}
