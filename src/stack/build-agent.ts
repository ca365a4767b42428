// agent-MACHINE: the scheduler's hand on a machine that is not the conductor's.
import type { BuildContext } from './build-context.ts';
import { imageOn } from './image-on.ts';
import { probeHttp } from './probe-http.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

const dockerSocket = '/var/run/docker.sock';
/** Where agents listen, on the control network alone. */
export const agentPort = 7443;
/** Swarm takes 63 characters for `<project>_agent-<machine>`, of which the longest project leaves these to the machine. */
const mostMachineCharacters = 25;

/** What an agent proves itself by. In the Swarm before the first machine joins: only the command line has their contents. */
export const agentSecrets = ['cluster_ca', 'agent_tls_cert', 'agent_tls_key'] as const;

/** One service for each further machine of which the socket's group is known. */
export function buildAgents(context: BuildContext): readonly ServiceDraft[] {
  const { desired, plan, registry, socketGids } = context;
  if (registry === null) return [];
  const further = plan.machines.filter((machine) => !machine.conductor);
  const names = nameAgents(further);
  return further.flatMap(({ id }): readonly ServiceDraft[] => {
    const gid = socketGids.get(id);
    const name = names.get(id);
    if (gid === undefined || name === undefined) return [];
    return [
      {
        ...draftService(context, 'agent'),
        name,
        machineId: id,
        image: imageOn(context, 'conductor', id),
        user: `10001:${gid}`,
        env: {
          SPARKPLUG_PROJECT: desired.projectId,
          SPARKPLUG_CONTROL_SUBNET: desired.subnets.control,
          SPARKPLUG_REGISTRY: registry.address,
        },
        networks: ['control'],
        secrets: agentSecrets,
        binds: [{ source: dockerSocket, target: dockerSocket }],
        // By its name, since it listens on no other address. Plain HTTP is answered with a hint.
        healthcheck: probeHttp(name, agentPort),
      },
    ];
  });
}

/**
 * Names of the agents' services by machine id: `agent-big` for `big.example.com`. Machines of equal or overlong names
 * are told apart by their ids.
 */
export function nameAgents(
  machines: readonly { readonly id: string; readonly name: string }[],
): ReadonlyMap<string, string> {
  const short = machines.map(({ name }) => (name.split('.')[0] ?? '').toLowerCase());
  return new Map(
    machines.map(({ id }, index) => {
      const wanted = short[index] ?? '';
      const safe = wanted.replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '');
      const isPlain = safe === wanted && safe !== '' && safe.length <= mostMachineCharacters;
      if (isPlain && short.filter((other) => other === wanted).length === 1) return [id, `agent-${safe}`];
      const told = id
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '')
        .slice(0, 6);
      return [id, `agent-${safe === '' ? 'machine' : safe.slice(0, mostMachineCharacters - 7)}-${told}`];
    }),
  );
}
