// The scheduler's answers about scaling and machines.
import type { ChangeFlags, MachineDesk } from '../api/machine-routes.ts';
import { SparkPlugError } from '../errors.ts';
import { findMachine, type MachineSurvey } from '../operations/describe-machines.ts';
import type { ClusterKeeper } from './cluster-keeper.ts';

export interface MachineDeskParts {
  readonly keeper: Pick<ClusterKeeper, 'scale' | 'setDrained' | 'current'>;
  /** The machines with what stands on them now. */
  readonly survey: () => Promise<MachineSurvey>;
  /** Makes the Swarm forget a machine, whether or not it still answers. */
  readonly removeNode: (id: string) => Promise<void>;
  readonly record: (kind: string, message: string) => void;
}

export function createMachineDesk({ keeper, survey, removeNode, record }: MachineDeskParts): MachineDesk {
  const find = async (name: string) => {
    const found = await survey();
    const named = found.nodes.filter((node) => node.hostname === name || node.id === name);
    const [node] = named;
    if (node === undefined) throw unknownMachine(name, found);
    if (named.length > 1) {
      throw new SparkPlugError('MACHINE_UNKNOWN', `${named.length} machines are called ${name}`, {
        met: name,
        hint: `name one by its id: ${named.map(({ id }) => id).join(', ')}`,
      });
    }
    if (node.id === found.conductorId) {
      throw new SparkPlugError('MACHINE_IS_CONDUCTOR', `${name} is the conductor's machine`, {
        met: name,
        hint: 'the conductor cannot move: `sparkplug down` stops the cluster',
      });
    }
    return { node, found };
  };
  const setDrained = async (name: string, drained: boolean, flags: ChangeFlags) => {
    const { node } = await find(name);
    return await keeper.setDrained([{ id: node.id, name: node.hostname }], drained, flags);
  };
  return {
    scale: (change, flags) => keeper.scale(change, flags),
    drainMachine: (name, flags) => setDrained(name, true, flags),
    returnMachine: (name, flags) => setDrained(name, false, flags),
    removeMachine: async (name) => {
      const { node, found } = await find(name);
      const { drained = [] } = keeper.current().desired;
      // What is planned elsewhere stands here until its drain is over, and one that was refused leaves it here.
      const standing = found.state.services.filter(
        (service) =>
          (service.component === 'datanode' || service.component === 'spark-worker') &&
          findMachine(service) === node.id,
      );
      if (!drained.includes(node.id) || standing.length > 0) {
        const names = standing.map((service) => service.name).join(', ');
        throw new SparkPlugError('MACHINE_IN_USE', `${name} was not drained`, {
          ...(names === '' ? {} : { met: names }),
          hint: `sparkplug machine drain ${name}`,
        });
      }
      await removeNode(node.id);
      record('machine', `${node.hostname} was removed from the Swarm`);
    },
  };
}

function unknownMachine(name: string, { nodes }: MachineSurvey): SparkPlugError {
  return new SparkPlugError('MACHINE_UNKNOWN', `there is no machine ${name}`, {
    met: name,
    hint: `there are: ${nodes.map(({ hostname }) => hostname).join(', ')}`,
  });
}
