// The first further machine: a Swarm that listens on loopback becomes one that others can join.
import type { Docker } from '../../adapters/docker/docker.ts';
import { labels } from '../../engine/labels.ts';
import { SparkPlugError } from '../../errors.ts';
import { type Report, step } from '../../progress.ts';
import { initSwarm } from '../ensure-swarm.ts';

type ReachDocker = Pick<
  Docker,
  'info' | 'nodes' | 'services' | 'swarmInit' | 'swarmLeave' | 'labelNode' | 'networkSubnets' | 'run'
>;

export interface ReachOptions {
  /** Address of this engine's machine as the others reach it; null: not known. Not used where the Swarm is reachable. */
  readonly address: string | null;
  readonly projectId: string;
  /** Stops the project's containers; data stays. */
  readonly stopCluster: () => Promise<void>;
  readonly report: Report;
}

export interface ReachedSwarm {
  /** Where machines join: `10.0.0.5:2377`. */
  readonly managerAddress: string;
  /** True: the Swarm was made anew, and the cluster is to be brought up again. */
  readonly made: boolean;
}

/** Swarm's own port. */
const swarmPort = 2377;

/**
 * A Swarm with an address that other machines reach. One on loopback is made anew, if SparkPlug made it and nobody else uses
 * it: Swarm cannot change its address, and nothing of a cluster lives only in it. Interrupted anywhere, the next call
 * finishes.
 * @throws SparkPlugError SWARM_UNUSABLE with what is in the way, SWARM_ADDRESS_NEEDED
 */
export async function reachSwarm(docker: ReachDocker, options: ReachOptions): Promise<ReachedSwarm> {
  const { swarm } = await docker.info();
  if (swarm.state === 'inactive') return await makeReachable(docker, options);
  const manager = await readManagerAddress(docker);
  if (!isLoopback(manager)) return { managerAddress: manager, made: false };
  requireAddress(options.address);
  await refuseOthers(docker, swarm.nodeId, options.projectId);
  const { report, stopCluster } = options;
  await step(report, 'stop the cluster', stopCluster, 'a Swarm cannot change its address; all data stays');
  await docker.swarmLeave();
  return await makeReachable(docker, options);
}

async function makeReachable(docker: ReachDocker, { address, report }: ReachOptions): Promise<ReachedSwarm> {
  const reachable = requireAddress(address);
  await step(
    report,
    `make a Swarm at ${reachable}`,
    () => initSwarm(docker, reachable, { remember: true, reachable: true }),
    'other machines must reach it',
  );
  return { managerAddress: `${reachable}:${swarmPort}`, made: true };
}

/** The address under which this manager is known. */
async function readManagerAddress(docker: Pick<Docker, 'run'>): Promise<string> {
  const address = (await docker.run(['info', '--format', '{{.Swarm.NodeAddr}}'])).trim();
  const managers = await docker.run(['info', '--format', '{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}']);
  const own = managers.split(' ').find((manager) => manager.startsWith(`${address}:`));
  return own ?? `${address}:${swarmPort}`;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address.startsWith('[::1]') || address.startsWith('localhost:');
}

async function refuseOthers(
  docker: Pick<Docker, 'nodes' | 'services'>,
  nodeId: string,
  projectId: string,
): Promise<void> {
  const [nodes, services] = await Promise.all([docker.nodes(), docker.services({})]);
  const own = nodes.find(({ id }) => id === nodeId);
  if (own?.labels[labels.madeSwarm] !== 'made') {
    throw new SparkPlugError('SWARM_UNUSABLE', "the engine's Swarm listens on loopback only, and is not SparkPlug's", {
      hint: 'make one at an address that other machines reach: docker swarm leave --force && docker swarm init --advertise-addr ADDRESS',
    });
  }
  const others = services.filter((service) => service.labels[labels.project] !== projectId);
  if (others.length === 0) return;
  const names = [...new Set(others.map((one) => one.labels[labels.project] ?? one.name))];
  throw new SparkPlugError('SWARM_UNUSABLE', 'the Swarm has to be made anew, and others use it as well', {
    met: names.join(', '),
    hint: 'stop them first: sparkplug down in their folders',
  });
}

function requireAddress(address: string | null): string {
  if (address !== null && !isLoopback(`${address}:`)) return address;
  throw new SparkPlugError('SWARM_ADDRESS_NEEDED', 'at which address do other machines reach this one?', {
    ...(address === null ? {} : { met: address }),
    hint: 'give it: --advertise ADDRESS (`ip address` lists those there are)',
  });
}
