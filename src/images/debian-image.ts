// Debian's base image, on which all of ours stand: there already, else pulled, else made from Debian's packages.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Docker } from '../adapters/docker/docker.ts';
import { findDistribution, installPackages, updatePackageLists } from '../adapters/host/debian-packages.ts';
import { withFileLock } from '../adapters/host/file-lock.ts';
import { findProgram } from '../adapters/host/find-program.ts';
import { findPrivilege, type Privilege, runPrivileged, runProgram } from '../adapters/host/run-program.ts';
import { makeCacheFolder } from '../adapters/host/user-folders.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';

const release = 'trixie';
export const officialDebianImage = 'debian:trixie-slim';
const ownDebianImage = 'sparkplug/debian:trixie-slim';
/** Either is as good as the other. */
export const debianImages = [officialDebianImage, ownDebianImage] as const;

/** What Debian's own slim image leaves out: documentation and translations; licences stay. */
const leftOut = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/locale/*',
] as const;

const npmToDebianArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

interface Making {
  readonly report: Report;
  readonly arch: string;
  readonly signal?: AbortSignal | undefined;
}

/** Name of a Debian image that is on the engine now. @throws SparkPlugError BASE_IMAGE_FAILED */
export async function ensureDebianImage(docker: Docker, making: Making): Promise<string> {
  const lock = join(await makeCacheFolder('locks'), 'debian-image');
  return withFileLock(lock, () => obtainDebianImage(docker, making), { signal: making.signal });
}

async function obtainDebianImage(docker: Docker, { report, arch, signal }: Making): Promise<string> {
  for (const ref of debianImages) if ((await docker.imageId(ref)) !== null) return ref;
  const pullFailure = await tryPull(docker, report, signal);
  if (pullFailure === null) return officialDebianImage;
  await step(
    report,
    'make Debian’s base image from its packages',
    () => makeDebianImage(docker, { arch, signal, report, pullFailure }),
    'it cannot be pulled',
  );
  return ownDebianImage;
}

async function tryPull(docker: Docker, report: Report, signal?: AbortSignal): Promise<SparkPlugError | null> {
  try {
    await step(report, `pull ${officialDebianImage}`, () => docker.pull(officialDebianImage, { signal }));
    return null;
  } catch (error) {
    if (error instanceof SparkPlugError && error.code !== 'DISK_FULL') return error;
    throw error;
  }
}

interface MakingWithCause extends Making {
  readonly pullFailure: SparkPlugError;
}

async function makeDebianImage(docker: Docker, making: MakingWithCause): Promise<void> {
  if (process.platform !== 'linux' || npmToDebianArch[process.arch] !== making.arch) {
    throw describeFailure(making, `it cannot be made here for a ${making.arch} engine`);
  }
  const privilege = await findPrivilege();
  await requireMmdebstrap(privilege, making);
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-debian-'));
  try {
    const archive = join(folder, 'root.tar');
    const bootstrap = (sources: readonly string[]) =>
      // Without root it tries user namespaces by itself.
      runPrivileged(privilege ?? [], 'mmdebstrap', listArguments(archive, sources), { signal: making.signal });
    const sources = await findDebianSources();
    let result = await bootstrap(sources);
    // A server that has only the host's own release does not help.
    if (result.exitCode !== 0 && sources.length > 0) result = await bootstrap([]);
    if (result.exitCode !== 0) throw describeFailure(making, lastLines(`${result.stdout}\n${result.stderr}`));
    await docker.run(
      [
        ...['import', '--change', 'CMD ["bash"]', '--change', 'LABEL sparkplug.image=debian'],
        ...['--change', 'LABEL org.opencontainers.image.title="Debian trixie, minimal"'],
        ...[archive, ownDebianImage],
      ],
      { signal: making.signal },
    );
  } finally {
    await runPrivileged(privilege ?? [], 'rm', ['-rf', join(folder, 'root.tar')]);
    await rm(folder, { recursive: true, force: true });
  }
}

function listArguments(archive: string, sources: readonly string[]): readonly string[] {
  return [
    ...['--variant=minbase', '--quiet', ...leftOut.map((option) => `--dpkgopt=${option}`)],
    ...[release, archive, ...sources],
  ];
}

/** On a Debian host, the servers that its own packages come from; none leaves it to mmdebstrap's defaults. */
async function findDebianSources(): Promise<readonly string[]> {
  if ((await findDistribution()).id !== 'debian') return [];
  const format = '$(REPO_URI) $(ORIGIN) $(LABEL)';
  const { exitCode, stdout } = await runProgram('apt-get', [
    'indextargets',
    '--format',
    format,
    'Created-By: Packages',
  ]);
  return exitCode === 0 ? toSources(stdout) : [];
}

/** Source lines for our release from lines `URI origin label` of the host's. */
export function toSources(indexTargets: string): readonly string[] {
  const findUri = (label: string) =>
    indexTargets
      .split('\n')
      .find((line) => line.endsWith(` Debian ${label}`))
      ?.split(' ')[0];
  const [main, security] = [findUri('Debian'), findUri('Debian-Security')];
  if (main === undefined) return [];
  const updates = [`deb ${main} ${release} main`, `deb ${main} ${release}-updates main`];
  return security === undefined ? updates : [...updates, `deb ${security} ${release}-security main`];
}

async function requireMmdebstrap(privilege: Privilege | null, making: MakingWithCause): Promise<void> {
  const { id, debianLike } = await findDistribution();
  if ((await findProgram('mmdebstrap')) !== null) return;
  if (!debianLike || privilege === null) {
    throw describeFailure(
      making,
      debianLike ? 'making it needs mmdebstrap, which only root may install' : 'making it needs Debian or Ubuntu',
    );
  }
  const packages = ['mmdebstrap', ...(id === 'debian' ? [] : ['debian-archive-keyring'])];
  let result = await installPackages(privilege, packages);
  if (result.exitCode !== 0) {
    await updatePackageLists(privilege);
    result = await installPackages(privilege, packages);
  }
  if (result.exitCode !== 0) throw describeFailure(making, lastLines(`${result.stdout}\n${result.stderr}`));
}

function describeFailure({ pullFailure }: MakingWithCause, reason: string): SparkPlugError {
  return new SparkPlugError(
    'BASE_IMAGE_FAILED',
    `${officialDebianImage} cannot be pulled (${pullFailure.message}), and ${reason}`,
    {
      hint: `docker pull ${officialDebianImage}; or run the command once as root on Debian or Ubuntu`,
      cause: pullFailure,
    },
  );
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^E:|error/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-3).join('; ');
}
