// Installs Docker Engine from the distribution's own packages.
import {
  filterKnownPackages,
  findDistribution,
  installPackages,
  updatePackageLists,
} from '../adapters/host/debian-packages.ts';
import type { Privilege, ProgramResult } from '../adapters/host/run-program.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';

/** docker-cli is a package of its own from Debian 13 on; dockerd needs iptables, overlays need iproute2. */
const packages = ['docker.io', 'docker-cli', 'iptables', 'iproute2', 'ca-certificates'] as const;

/** @throws SparkPlugError SETUP_NOT_ALLOWED on other distributions, SETUP_FAILED with apt's last lines */
export async function installEngine(privilege: Privilege, report: Report): Promise<void> {
  const { debianLike, prettyName } = await findDistribution();
  if (!debianLike) {
    throw new SparkPlugError('SETUP_NOT_ALLOWED', `SparkPlug installs Docker on Debian and Ubuntu only`, {
      met: prettyName,
      hint: 'install Docker Engine 20.10 or later with this system’s own means',
    });
  }
  const onLine = (line: string) =>
    report({ kind: 'step-progress', step: 'install Docker Engine', detail: line.slice(0, 200) });
  const lists = await updatePackageLists(privilege, onLine);
  const known = await filterKnownPackages(packages);
  if (!known.includes('docker.io')) throw describeFailure('this system’s packages have no docker.io', lists);
  const installed = await installPackages(privilege, known, onLine);
  if (installed.exitCode !== 0) throw describeFailure('installing docker.io failed', installed);
}

function describeFailure(message: string, { stdout, stderr }: ProgramResult): SparkPlugError {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^(?:E|Err|W):/.test(line));
  const said = (errors.length > 0 ? errors : lines).slice(-4).join('; ');
  return new SparkPlugError('SETUP_FAILED', said === '' ? message : `${message}: ${said}`, {
    hint: 'check the network and /etc/apt/sources.list, then: apt-get update && apt-get install docker.io',
  });
}
