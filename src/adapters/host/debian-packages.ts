// The package manager of Debian and Ubuntu.
import { readFile } from 'node:fs/promises';
import { type Privilege, type ProgramResult, runPrivileged } from './run-program.ts';

const quietEnv = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };

export interface Distribution {
  /** `debian`, `ubuntu`, … */
  readonly id: string;
  /** True where apt-get and Debian's package names hold. */
  readonly debianLike: boolean;
  readonly prettyName: string;
}

/** Reads the text of /etc/os-release. */
export function parseOsRelease(text: string): Distribution {
  const values = new Map(
    text.split('\n').map((line) => {
      const [key = '', ...rest] = line.split('=');
      return [key, rest.join('=').replace(/^["']|["']$/g, '')] as const;
    }),
  );
  const id = values.get('ID') ?? 'unknown';
  const family = [id, ...(values.get('ID_LIKE') ?? '').split(' ')];
  return {
    id,
    debianLike: family.includes('debian') || family.includes('ubuntu'),
    prettyName: values.get('PRETTY_NAME') ?? id,
  };
}

/** This computer's distribution; `unknown` where it does not say. */
export async function findDistribution(): Promise<Distribution> {
  try {
    return parseOsRelease(await readFile('/etc/os-release', 'utf8'));
  } catch {
    return { id: 'unknown', debianLike: false, prettyName: process.platform };
  }
}

/** Fetches the lists of packages; a mirror that fails is not fatal as long as the packages can be had. */
export function updatePackageLists(privilege: Privilege, onLine?: (line: string) => void): Promise<ProgramResult> {
  return runApt(privilege, ['update', '--quiet'], onLine);
}

export function installPackages(
  privilege: Privilege,
  names: readonly string[],
  onLine?: (line: string) => void,
): Promise<ProgramResult> {
  // Another apt-get may be at work (unattended upgrades): wait for it instead of failing.
  const options = ['--yes', '--quiet', '--no-install-recommends', '--option', 'DPkg::Lock::Timeout=300'];
  return runApt(privilege, ['install', ...options, ...names], onLine);
}

function runApt(
  privilege: Privilege,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<ProgramResult> {
  // sudo drops the environment, so the variables are set on its far side.
  const env = Object.entries(quietEnv).map(([name, value]) => `${name}=${value}`);
  return runPrivileged(privilege, 'env', [...env, 'apt-get', ...args], onLine === undefined ? {} : { onLine });
}
