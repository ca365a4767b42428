// Use case: is every component doing its work? Asks Docker, the NameNode, the master and web, and puts it together.
import type { NameNodeState } from '../adapters/namenode/name-node.ts';
import type { MasterState } from '../adapters/spark/spark-master.ts';
import type { ClusterStatus, ComponentHealth } from '../api/schemas.ts';
import type { ClusterState } from '../engine/cluster-state.ts';
import { describeReadiness, type ServiceReadiness } from '../engine/describe-readiness.ts';
import type { ObservingDocker, SurveyingDocker } from '../engine/engine-docker.ts';
import { observeCluster } from '../engine/observe-cluster.ts';
import { type AwayMachine, findAway } from '../engine/swarm-machines.ts';
import type { ClusterPlan, FixedComponent } from '../plan/cluster-plan.ts';
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';

/** Questions to the components; null or false: no answer. */
export interface ComponentProbes {
  namenode(): Promise<NameNodeState | null>;
  master(): Promise<MasterState | null>;
  web(): Promise<boolean>;
  /** Address of a service's container on the data network. */
  address(service: string): Promise<string | null>;
}

/** Everything that was asked. */
export interface HealthFacts {
  readonly stack: StackSpec;
  readonly state: ClusterState;
  readonly nowMs: number;
  readonly replication: number;
  readonly namenode: NameNodeState | null;
  readonly master: MasterState | null;
  readonly webAnswers: boolean;
  readonly addresses: ReadonlyMap<string, string>;
  /** Further machines that take no containers now: by id, the name and why. */
  readonly away: ReadonlyMap<string, AwayMachine>;
}

/** A cluster is ready without it. */
export const optionalComponent: FixedComponent = 'history';

export type ClusterHealth = Pick<ClusterStatus, 'ready' | 'components' | 'spark' | 'hdfs' | 'warnings'>;

/**
 * Whether a cluster is waited for because of it. What is on a machine that is away comes when the machine does, which may
 * be never.
 */
export function isAwaited({ name, state }: ComponentHealth): boolean {
  return state !== 'ready' && state !== 'away' && name !== optionalComponent;
}

/** Asks everything at once and judges it. */
export async function readClusterHealth(
  docker: ObservingDocker & Pick<SurveyingDocker, 'nodes'>,
  stack: StackSpec,
  { machines, replication }: Pick<ClusterPlan, 'machines' | 'replication'>,
  probes: ComponentProbes,
  nowMs: number,
): Promise<ClusterHealth> {
  const further = machines.filter(({ conductor }) => !conductor);
  const [state, namenode, master, webAnswers, addresses, away] = await Promise.all([
    observeCluster(docker, stack.projectId),
    probes.namenode(),
    probes.master(),
    probes.web(),
    findAddresses(stack, probes),
    // Of now, not of the plan: who waits for a machine may wait until after it went.
    further.length === 0 ? new Map<string, AwayMachine>() : docker.nodes().then((nodes) => findAway(further, nodes)),
  ]);
  return assessHealth({ stack, state, nowMs, replication, namenode, master, webAnswers, addresses, away });
}

/** Judges the facts. Pure. */
export function assessHealth(facts: HealthFacts): ClusterHealth {
  const readiness = describeReadiness(facts.state, facts.stack, facts.nowMs);
  const components = facts.stack.services.map((service) => {
    const started = readiness.services.find((one) => one.service === service.name);
    return assessComponent(service, started, facts);
  });
  return {
    // The history server comes later than everything else, and nothing but the past needs it.
    ready: !components.some(isAwaited),
    components,
    spark: facts.master === null ? null : describeSpark(facts.master),
    hdfs: facts.namenode === null ? null : describeHdfs(facts.namenode, facts.replication),
    warnings: findWarnings(facts),
  };
}

async function findAddresses(stack: StackSpec, probes: ComponentProbes): Promise<Map<string, string>> {
  const followers = stack.services.filter(({ component }) => component === 'datanode' || component === 'spark-worker');
  const found = await Promise.all(followers.map(async ({ name }) => [name, await probes.address(name)] as const));
  return new Map(found.flatMap(([name, address]) => (address === null ? [] : [[name, address]])));
}

function assessComponent(
  service: ServiceSpec,
  readiness: ServiceReadiness | undefined,
  facts: HealthFacts,
): ComponentHealth {
  const { name } = service;
  // It is the one that asks.
  if (service.component === 'scheduler') return ready(name, 'answers');
  const machine = service.machineId === null ? undefined : facts.away.get(service.machineId);
  if (machine !== undefined) return { name, state: 'away', detail: `${machine.name} ${machine.reason}` };
  if (readiness === undefined) return { name, state: 'missing', detail: 'not deployed' };
  if (readiness.state === 'missing' || readiness.state === 'failing') {
    return { name, state: readiness.state, detail: readiness.detail };
  }
  if (service.component === 'spark-driver') return assessDriver(service, facts);
  if (readiness.state === 'starting') return { name, state: 'starting', detail: readiness.detail };
  switch (service.component) {
    case 'web':
      return facts.webAnswers ? ready(name, 'answers') : starting(name, 'does not answer yet');
    case 'namenode':
      return assessNamenode(name, facts.namenode);
    case 'spark-master':
      return assessMaster(name, facts.master);
    case 'datanode':
      return assessDatanode(name, facts);
    case 'spark-worker':
      return assessWorker(name, facts);
    case 'checkpointer':
    case 'history':
    case 'registry':
    case 'agent':
      return ready(name, 'runs');
  }
}

/** Its image follows the runs, so its definition may be another than the revision's. */
function assessDriver(service: ServiceSpec, facts: HealthFacts): ComponentHealth {
  const observed = facts.state.services.find(({ name }) => name === service.name);
  const running =
    observed?.tasks.filter((task) => task.desiredState === 'running' && task.state === 'running').length ?? 0;
  if (running >= service.replicas) return ready(service.name, `${running} running`);
  return starting(service.name, `${running} of ${service.replicas} running`);
}

function assessNamenode(name: string, namenode: NameNodeState | null): ComponentHealth {
  if (namenode === null) return starting(name, 'does not answer yet');
  return namenode.safeMode ? starting(name, 'in safe mode') : ready(name, `${namenode.live.length} DataNodes live`);
}

function assessMaster(name: string, master: MasterState | null): ComponentHealth {
  if (master === null) return starting(name, 'does not answer yet');
  const alive = master.workers.filter((worker) => worker.alive).length;
  return master.status === 'ALIVE'
    ? ready(name, `${alive} workers alive`)
    : starting(name, master.status.toLowerCase());
}

function assessDatanode(name: string, facts: HealthFacts): ComponentHealth {
  if (facts.namenode === null) return starting(name, 'the NameNode does not answer');
  // By the address alone: under the name stays, for a while, what was killed, and a replacement gets another address.
  const address = facts.addresses.get(name);
  const node = facts.namenode.live.find((one) => one.address === address);
  if (node === undefined) return starting(name, 'not registered with the NameNode yet');
  // A read or write before these reports finds no DataNode, although all are live.
  if (node.capacityBytes === 0) return starting(name, 'has not reported its disk yet');
  if (facts.namenode.staleStorages > 0) return starting(name, 'has not reported its blocks yet');
  return ready(name, node.adminState);
}

function assessWorker(name: string, facts: HealthFacts): ComponentHealth {
  if (facts.master === null) return starting(name, 'the master does not answer');
  const address = facts.addresses.get(name);
  const worker = facts.master.workers.find(({ host, alive }) => alive && (host === address || host === name));
  if (worker === undefined) return starting(name, 'not registered with the master yet');
  return ready(name, `${worker.coresUsed} of ${worker.cores} cores in use`);
}

function describeSpark(master: MasterState): ClusterStatus['spark'] {
  const alive = master.workers.filter((worker) => worker.alive);
  const sum = (pick: (worker: (typeof alive)[number]) => number): number =>
    alive.reduce((total, worker) => total + pick(worker), 0);
  return {
    workers: alive.length,
    cores: sum((worker) => worker.cores),
    coresUsed: sum((worker) => worker.coresUsed),
    memoryMiB: sum((worker) => worker.memoryMiB),
    memoryUsedMiB: sum((worker) => worker.memoryUsedMiB),
  };
}

const bytesPerMiB = 1024 ** 2;

function describeHdfs(namenode: NameNodeState, replication: number): ClusterStatus['hdfs'] {
  return {
    datanodes: namenode.live.length,
    capacityMiB: Math.round(namenode.capacityBytes / bytesPerMiB),
    usedMiB: Math.round(namenode.usedBytes / bytesPerMiB),
    missingBlocks: namenode.missingBlocks,
    underReplicatedBlocks: namenode.underReplicatedBlocks,
    safeMode: namenode.safeMode,
    replication,
  };
}

/** Below this share of free space a job's output may no longer fit. */
const fewSpaceShare = 0.1;

function findWarnings({ namenode, replication, stack, away }: HealthFacts): string[] {
  const warnings = [...away].flatMap(([id, { name, reason }]) => {
    const there = stack.services.filter(({ machineId }) => machineId === id).map((service) => service.name);
    if (there.length === 0) return [];
    const fix = `start it again, or let it go: sparkplug machine remove ${name}`;
    return [`${name} ${reason}, and with it ${there.join(', ')}; ${fix}`];
  });
  if (replication === 1) {
    warnings.push('HDFS keeps one copy of every file: when the disk of its DataNode is lost, the file is lost');
  }
  if (namenode === null) return warnings;
  if (namenode.missingBlocks > 0) {
    warnings.push(`${namenode.missingBlocks} blocks in HDFS have no live copy: a DataNode is away or lost its disk`);
  }
  if (namenode.underReplicatedBlocks > 0) {
    warnings.push(`${namenode.underReplicatedBlocks} blocks in HDFS have fewer copies than they should`);
  }
  if (namenode.capacityBytes > 0 && namenode.remainingBytes < fewSpaceShare * namenode.capacityBytes) {
    const leftMiB = Math.floor(namenode.remainingBytes / bytesPerMiB);
    warnings.push(`HDFS is nearly full: ${leftMiB} MiB left; remove files (sparkplug hdfs rm) or free the disk`);
  }
  return warnings;
}

function ready(name: string, detail: string): ComponentHealth {
  return { name, state: 'ready', detail };
}

function starting(name: string, detail: string): ComponentHealth {
  return { name, state: 'starting', detail };
}
