// The engine's Swarm: made where there is none, remembered as ours, left when nothing needs it any more.
import type { Docker, EngineInfo } from '../adapters/docker/docker.ts';
import { labels } from '../engine/labels.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import { chooseAddressPool, takenSubnets } from './taken-subnets.ts';

type SwarmingDocker = Pick<Docker, 'info' | 'nodes' | 'swarmInit' | 'labelNode' | 'networkSubnets' | 'run'>;

const made = 'made';

/** Each network that others create without a subnet gets a /24 of the pool. */
const addressPoolSize = 24;

/**
 * Tasks kept per slot after their end. Swarm keeps the history of every container that crashed, log and all; six tell a
 * crash loop from a single crash and stay cheap.
 */
const taskHistoryLimit = 6;

/** Laptops change networks, and a Swarm dies with its address: loopback stays. */
const loopback = '127.0.0.1';

/**
 * An engine that manages a usable Swarm. A Swarm that exists is never changed.
 * @param address where a new one is reached; by default by nobody else
 * @throws SparkPlugError SWARM_UNUSABLE
 */
export async function ensureSwarm(
  docker: SwarmingDocker,
  report: Report,
  address: string = loopback,
): Promise<EngineInfo> {
  const info = await docker.info();
  if (info.swarm.state === 'active' && info.swarm.manager) {
    // Checks that it has a leader, too: `docker info` does not tell.
    await docker.nodes();
    return info;
  }
  if (info.swarm.state !== 'inactive') throw describeUnusable(info);
  return step(report, 'make a Swarm of this engine', () => makeSwarm(docker, address), 'it is in none');
}

async function makeSwarm(docker: SwarmingDocker, address: string): Promise<EngineInfo> {
  try {
    // One that others can join belongs to its machines, and ends with them.
    return await initSwarm(docker, address, { remember: address === loopback });
  } catch (error) {
    // Another command may have been faster.
    const now = await docker.info();
    if (!(now.swarm.state === 'active' && now.swarm.manager)) throw error;
    return now;
  }
}

/**
 * Makes a Swarm of an engine that is in none. `remember`: it is noted as ours, so that the last project leaves it.
 * `reachable`: it is noted as made for further machines.
 */
export async function initSwarm(
  docker: SwarmingDocker,
  address: string,
  { remember, reachable = false }: { readonly remember: boolean; readonly reachable?: boolean },
): Promise<EngineInfo> {
  const addressPool = chooseAddressPool(await takenSubnets(docker));
  await docker.swarmInit({
    advertiseAddress: address,
    listenAddress: `${address}:2377`,
    addressPool,
    addressPoolSize,
    taskHistoryLimit,
  });
  const info = await docker.info();
  const own = {
    ...(remember ? { [labels.madeSwarm]: made } : {}),
    ...(reachable ? { [labels.reachableSwarm]: 'yes' } : {}),
  };
  if (remember || reachable) await docker.labelNode(info.swarm.nodeId, own);
  return info;
}

function describeUnusable({ swarm }: EngineInfo): SparkPlugError {
  const said = swarm.error === '' ? '' : `: ${swarm.error.trim()}`;
  if (swarm.state === 'active') {
    return new SparkPlugError('SWARM_UNUSABLE', 'this machine is a worker of a Swarm, not a manager', {
      hint: 'use a manager (--context), or leave that Swarm: docker swarm leave',
    });
  }
  if (swarm.state === 'locked') {
    return new SparkPlugError('SWARM_UNUSABLE', `the engine's Swarm is locked${said}`, { hint: 'docker swarm unlock' });
  }
  return new SparkPlugError('SWARM_UNUSABLE', `the engine's Swarm does not work${said}`, {
    met: swarm.state,
    hint: 'restart the engine; if it stays so: docker swarm leave --force, which ends the services of this Swarm',
  });
}

/**
 * Leaves the Swarm if SparkPlug made it and no service is left in it, whoever's, and no further machine has joined.
 * @returns true where it was left
 */
export async function leaveSwarmIfOurs(
  docker: Pick<Docker, 'info' | 'nodes' | 'services' | 'swarmLeave'>,
): Promise<boolean> {
  const { swarm } = await docker.info();
  if (swarm.state !== 'active' || !swarm.manager) return false;
  const nodes = await docker.nodes();
  const own = nodes.find(({ id }) => id === swarm.nodeId);
  if (nodes.length > 1 || own?.labels[labels.madeSwarm] !== made) return false;
  if ((await docker.services({})).length > 0) return false;
  await docker.swarmLeave();
  return true;
}
