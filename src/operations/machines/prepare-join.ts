// Use case `machine join-command`, and what every further machine needs to be there before it can join.
import type { Report } from '../../progress.ts';
import { connectToCluster } from '../cluster-access.ts';
import { takeDown } from '../down.ts';
import { ensureProjectState, locateProject, openProject, type ProjectChoice } from '../open-project.ts';
import { readRegistryAccess } from '../read-registry-access.ts';
import { setUpEngine } from '../set-up-engine.ts';
import { bringUp } from '../up.ts';
import { reachSwarm } from './reach-swarm.ts';
import { type JoinOrder, renderJoinScript } from './render-join-script.ts';
import { renderProvisionScript } from './render-provision-script.ts';

export interface Preparing {
  /** Address of the conductor's machine as the others reach it; null: to be found out. */
  readonly advertise: string | null;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * A Swarm that can be joined, and a cluster with a registry. Brings about what is missing of both.
 * @throws SparkPlugError SWARM_UNUSABLE, SWARM_ADDRESS_NEEDED, and what `up` throws
 */
export async function prepareJoin(choice: ProjectChoice, { advertise, report, signal }: Preparing): Promise<JoinOrder> {
  const project = await openProject(choice);
  const { docker } = project;
  const { swarm } = await docker.info();
  if (swarm.state !== 'inactive') await setUpEngine(docker, { report, signal });
  const { id } = await ensureProjectState(project);
  const { managerAddress } = await reachSwarm(docker, {
    address: advertise,
    projectId: id,
    stopCluster: async () => {
      await takeDown(choice, { volumes: false, now: false, report: () => {}, signal });
    },
    report,
  });
  await bringUp(choice, { now: false, build: true, expectMachines: true, report, signal });
  const api = await connectToCluster(await locateProject(choice));
  const registry = await readRegistryAccess((await api.desiredState({ signal })).desired);
  if (registry === null) throw new Error('a cluster that expects machines has a registry');
  return {
    managerAddress,
    token: (await docker.run(['swarm', 'join-token', '--quiet', 'worker'])).trim(),
    registry,
  };
}

/**
 * One line for the shell of a machine: whoever runs it as root joins that machine. It holds the Swarm's token and the
 * registry's password, so it is as secret as they are.
 */
export async function makeJoinCommand(choice: ProjectChoice, options: Preparing): Promise<string> {
  const order = await prepareJoin(choice, options);
  const script = `${renderProvisionScript()}\n${renderJoinScript(order)}`;
  return `echo ${Buffer.from(script).toString('base64')} | base64 -d | sudo sh`;
}
