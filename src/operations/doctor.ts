// Use case `doctor`: looks for everything that keeps a cluster from working here, each finding with its fix.
import type { Docker, EngineInfo } from '../adapters/docker/docker.ts';
import { ipv6Rule, isIpv6PortRefused } from '../adapters/host/ipv6-rule.ts';
import { findMissingModules, listGlobalIpv6Addresses } from '../adapters/host/kernel.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { SparkPlugError } from '../errors.ts';
import { findExtraCertificates } from '../images/ca-certificates.ts';
import type { Report } from '../progress.ts';
import { formatMiB } from '../units.ts';
import { findPortHolder } from './find-port-holder.ts';
import { examineDisk, listDiskNeeds } from './judge-disk.ts';
import { probeRegistry } from './probe-registry.ts';
import { canSetUp, requireEngine, reviveEngine, setUpEngine } from './set-up-engine.ts';

export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** A command or an edit; null where nothing is wrong. */
  readonly fix: string | null;
  /** True where `doctor --fix` can do it. */
  readonly fixable: boolean;
}

export interface DoctorRequest {
  readonly docker: Docker;
  /** Of the engine's machine, null for this computer. */
  readonly findHost: () => Promise<string | null>;
  /** Null outside of a project: what depends on it is not looked at. */
  readonly config: ClusterConfig | null;
  readonly projectDir: string;
  /** Port for `web`; null where none is settled yet. */
  readonly port: number | null;
  /** True where this project's own `web` publishes the port. */
  readonly isPortOurs: () => Promise<boolean>;
  /** Whether one worker fits, as the planner says; throws NO_ROOM where it does not. Called with a running engine only. */
  readonly checkMemory: (() => Promise<string>) | null;
  readonly fix: boolean;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Overlays between machines are VXLAN; both are modules on Debian's kernel. */
const neededModules = ['overlay', 'vxlan'] as const;

/** All findings, in the order in which they matter. With `fix` what can be mended is mended first. */
export async function examine(request: DoctorRequest): Promise<readonly Finding[]> {
  const mended = request.fix ? await mend(request) : null;
  const engine = mended ?? (await examineEngine(request.docker));
  const info = 'version' in engine ? engine : null;
  const dockerFindings = info === null ? [engine as Finding] : [describeEngine(info), describeSwarm(info)];
  // What a context that is missing has to say is a finding already.
  const isHere = (await request.findHost().catch(() => null)) === null;
  const others = await Promise.all([
    info === null || request.checkMemory === null ? [] : examineMemory(request.checkMemory),
    examineDisks(info, request.projectDir),
    info === null || request.port === null ? [] : examinePort(request, request.port),
    info === null || request.config === null ? [] : examineRegistry(request.docker, request.config),
    isHere ? examineKernel(info) : [],
    isHere && request.config !== null && request.config.web.listen !== 'all' ? examineIpv6(request.port) : [],
    examineCertificates(),
  ]);
  return [...dockerFindings, ...others.flat(), describeNode()];
}

/** What setting up can do, it does; why it cannot becomes the finding. */
async function mend({ docker, report, signal }: DoctorRequest): Promise<EngineInfo | Finding> {
  try {
    const setup = { report, signal };
    const stuck = await findStuck(docker);
    if (stuck !== null && (await canSetUp(docker, stuck))) await reviveEngine(docker, setup);
    return await setUpEngine(docker, setup);
  } catch (error) {
    return toFinding('Docker', error, false);
  }
}

/** The engine's silence as an error, null where it answers or does not run at all. */
async function findStuck(docker: Docker): Promise<SparkPlugError | null> {
  try {
    await docker.probe();
    return null;
  } catch (error) {
    return error instanceof SparkPlugError && error.code === 'DOCKER_STUCK' ? error : null;
  }
}

async function examineEngine(docker: Docker): Promise<EngineInfo | Finding> {
  try {
    await docker.probe();
    return await requireEngine(docker);
  } catch (error) {
    const fixable = await canSetUp(docker, error);
    return toFinding('Docker', error, fixable);
  }
}

function toFinding(name: string, error: unknown, fixable: boolean): Finding {
  if (!(error instanceof SparkPlugError)) throw error;
  const fix = fixable ? 'sparkplug doctor --fix' : (error.hint ?? null);
  return { name, state: 'failed', detail: `${error.code}: ${error.message}`, fix, fixable };
}

function ok(name: string, detail: string): Finding {
  return { name, state: 'ok', detail, fix: null, fixable: false };
}

function describeEngine({ version, clientVersion, cores, memoryMiB }: EngineInfo): Finding {
  return ok('Docker', `engine ${version}, client ${clientVersion}, ${cores} cores, ${formatMiB(memoryMiB)}`);
}

function describeSwarm({ swarm }: EngineInfo): Finding {
  if (swarm.state === 'active' && swarm.manager) return ok('Swarm', 'this engine manages one');
  if (swarm.state === 'inactive') {
    const detail = 'the engine is in none; the first `up` makes one';
    return { name: 'Swarm', state: 'ok', detail, fix: 'sparkplug doctor --fix', fixable: true };
  }
  const fix = swarm.state === 'locked' ? 'docker swarm unlock' : 'docker swarm leave --force, which ends its services';
  const detail =
    swarm.state === 'active' ? 'this machine is a worker, not a manager' : `it is ${swarm.state}: ${swarm.error}`;
  return { name: 'Swarm', state: 'failed', detail, fix, fixable: false };
}

async function examineMemory(check: () => Promise<string>): Promise<readonly Finding[]> {
  try {
    return [ok('memory', await check())];
  } catch (error) {
    return [toFinding('memory', error, false)];
  }
}

async function examineDisks(info: EngineInfo | null, projectDir: string): Promise<readonly Finding[]> {
  const needs = listDiskNeeds(info, projectDir);
  const verdicts = await Promise.all(needs.map(examineDisk));
  return needs.flatMap(({ name }, index) => {
    const verdict = verdicts[index] ?? null;
    return verdict === null ? [] : [{ name, ...verdict, fixable: false }];
  });
}

async function examinePort({ docker, findHost, isPortOurs }: DoctorRequest, port: number): Promise<readonly Finding[]> {
  if (await isPortOurs()) return [ok('port', `${port} is this project's own`)];
  const holder = await findPortHolder(docker, port, await findHost()).catch(() => null);
  if (holder === null) return [ok('port', `${port} is free`)];
  const fix = 'stop it, or set another `web: { port: … }` in sparkplug.yaml';
  return [{ name: 'port', state: 'failed', detail: `${port} is used by ${holder}`, fix, fixable: false }];
}

async function examineRegistry(docker: Docker, { images }: ClusterConfig): Promise<readonly Finding[]> {
  if (images.registry === null) return [];
  try {
    await probeRegistry(docker, images.registry);
    return [ok('registry', `${images.registry} answers`)];
  } catch (error) {
    return [toFinding('registry', error, false)];
  }
}

async function examineKernel(info: EngineInfo | null): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const missing = await findMissingModules(neededModules);
  if (missing.length > 0) {
    const fix = `modprobe ${missing.join(' ')}, or a kernel that has them`;
    findings.push({ name: 'kernel', state: 'failed', detail: `it lacks ${missing.join(', ')}`, fix, fixable: false });
  }
  if (info !== null && !info.memoryLimit) {
    const fix = 'boot with cgroup_enable=memory';
    const detail = 'it cannot limit the memory of a container';
    findings.push({ name: 'kernel', state: 'failed', detail, fix, fixable: false });
  }
  return findings.length > 0 ? findings : [ok('kernel', 'overlay, vxlan and memory limits')];
}

async function examineIpv6(port: number | null): Promise<readonly Finding[]> {
  const [address] = listGlobalIpv6Addresses();
  if (address === undefined) return [];
  const isRefused = port !== null && (await isIpv6PortRefused(port));
  return [judgeIpv6(address, port, isRefused)];
}

/**
 * Swarm publishes on all addresses, and `web` turns strangers away by theirs. Over IPv6 it cannot: the container has
 * IPv4 only, so Docker's proxy takes the connection and makes another one, from the gateway, as it does for 127.0.0.1.
 */
export function judgeIpv6(address: string, port: number | null, isRefused: boolean): Finding {
  if (isRefused) return ok('IPv6', `a rule of ip6tables refuses port ${port} to other computers`);
  const rule = port === null ? null : ipv6Rule(port).join(' ');
  return {
    name: 'IPv6',
    state: 'warning',
    detail: `this computer has a public address (${address}); the published port answers there, guarded by the token only`,
    fix:
      rule === null
        ? 'let a firewall refuse that port from outside'
        : `let a firewall refuse that port from outside: ip6tables -I ${rule} (until the next boot)`,
    fixable: false,
  };
}

async function examineCertificates(): Promise<readonly Finding[]> {
  const extra = await findExtraCertificates();
  return extra.length === 0
    ? []
    : [ok('certificates', `${extra.length} authorities of this computer's own are passed to image builds`)];
}

function describeNode(): Finding {
  return ok('Node', process.versions.node);
}
