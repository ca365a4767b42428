// What stands behind the conductor's address, in tests without a machine: a Swarm that takes in who has its token.
import type { Aws } from '../../src/adapters/ec2/ec2.ts';
import type { MachineView } from '../../src/api/schemas.ts';
import { SparkPlugError } from '../../src/errors.ts';
import type { ConductorGate, GateOpening } from '../../src/operations/aws/aws-parts.ts';
import { joinPath, nameAwsContext, tagKeys } from '../../src/operations/aws/tags.ts';
import type { JoinOrder } from '../../src/operations/machines/render-join-script.ts';

export interface FakeSwarm {
  /** What happened, in order: `drain ip-10-0-0-5`, `stop`, … */
  readonly events: string[];
  /** Host names. */
  readonly members: Set<string>;
  /** How often the token was changed. */
  rotations: number;
  /** Machines that never report. */
  silent: boolean;
  openGate(opening: GateOpening): ConductorGate;
}

export const joinToken = (rotations: number): string => `SWMTKN-1-secret-${rotations}`;
export const registryPassword = 'password-of-the-registry';

export function createFakeSwarm(aws: Aws): FakeSwarm {
  const swarm: FakeSwarm = {
    events: [],
    members: new Set(),
    rotations: 0,
    silent: false,
    openGate: (opening) => openFakeGate(aws, swarm, opening),
  };
  return swarm;
}

function openFakeGate(aws: Aws, swarm: FakeSwarm, { projectId }: GateOpening): ConductorGate {
  const orderOf = (privateAddress: string): JoinOrder => ({
    managerAddress: `${privateAddress}:2377`,
    token: joinToken(swarm.rotations),
    registry: {
      address: `${privateAddress}:5000`,
      caCertificate: '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----',
      user: 'sparkplug',
      password: registryPassword,
    },
  });
  const requireRunning = async (hostname: string): Promise<void> => {
    const found = await aws.ec2.findInstances({ [tagKeys.project]: projectId });
    const own = found.find((instance) => instance.hostname === hostname);
    if (own?.state !== 'running') throw new Error(`${hostname} is drained while it is ${own?.state}`);
  };
  return {
    reach: async ({ publicAddress }) => {
      if (publicAddress === '') throw new Error('a conductor without an address');
      swarm.events.push('reach');
    },
    bringUp: async (_, { expectMachines }) => {
      swarm.events.push(`up${expectMachines ? ' with followers' : ''}`);
      return {
        projectId,
        url: 'https://198.51.100.7:8080',
        fingerprint: null,
        login: null,
        context: nameAwsContext(projectId),
        revision: 1,
        changed: true,
        components: [],
        next: ['sparkplug status'],
      };
    },
    joining: {
      prepareJoin: async (advertise) => orderOf(advertise ?? ''),
      awaitInUse: async ({ hostname }) => {
        const path = joinPath(projectId);
        const names = (await aws.ssm.readSecrets(path)).map(({ name }) => name);
        if (!names.includes(`${path}/count`)) throw new Error('a follower finds no join order');
        if (swarm.silent) {
          throw new SparkPlugError('CLUSTER_NOT_READY', `${hostname} is not in use after 10 min`, { place: hostname });
        }
        swarm.members.add(hostname);
        return describeMember(hostname);
      },
    },
    leaving: {
      machines: async () => [...swarm.members].map(describeMember),
      registry: async () => null,
      drain: async (name) => {
        await requireRunning(name);
        swarm.events.push(`drain ${name}`);
      },
      forget: async (name) => {
        swarm.members.delete(name);
        swarm.events.push(`forget ${name}`);
      },
    },
    renewJoinOrder: async ({ privateAddress }) => {
      swarm.rotations += 1;
      return orderOf(privateAddress);
    },
    stop: async () => {
      swarm.events.push('stop');
    },
    forget: async (hostnames) => {
      for (const hostname of hostnames) swarm.members.delete(hostname);
    },
    close: async () => {
      swarm.members.clear();
      swarm.events.push('close');
    },
  };
}

function describeMember(name: string): MachineView {
  return {
    id: `node-${name}`,
    name,
    conductor: false,
    reachable: true,
    state: 'ready',
    explanation: '',
    cores: 2,
    memoryMiB: 4096,
    reservedMiB: 0,
    containers: [],
  } as MachineView;
}
