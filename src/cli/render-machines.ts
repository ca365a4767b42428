// `machine list` as text.
import type { MachineView } from '../api/schemas.ts';
import { formatMemory, formatTable } from './format.ts';

/** One line a machine; the containers are counted by component. */
export function renderMachines(machines: readonly MachineView[]): string {
  const rows = machines.map((machine) => [
    machine.conductor ? `${machine.name} (conductor)` : machine.name,
    machine.state,
    String(machine.cores),
    formatMemory(machine.memoryMiB),
    countContainers(machine),
    machine.explanation,
  ]);
  return formatTable(['MACHINE', 'STATE', 'CORES', 'MEMORY', 'CONTAINERS', ''], rows);
}

function countContainers({ containers }: MachineView): string {
  const own = ['spark-worker', 'datanode', 'agent'];
  const followers = own.flatMap((component) => {
    const names = containers.filter((one) => one.component === component).map(({ service }) => service);
    return names.length === 0 ? [] : [names.join(' ')];
  });
  const rest = containers.filter(({ component }) => !own.includes(component)).length;
  return [...followers, ...(rest === 0 ? [] : [`${rest} of the conductor`])].join(', ');
}
