// `lab status` as text.
import pc from 'picocolors';
import type { LabMachineReport, LabReport } from '../operations/lab/lab-status.ts';
import { formatMemory, formatTable } from './format.ts';

const colours = { running: pc.green, cut: pc.red, stopped: pc.yellow } as const;

export function renderLab({ projectId, context, machines }: LabReport): string {
  const table = formatTable(
    ['MACHINE', 'CORES', 'MEMORY', 'STATE', 'SWARM', 'ADDRESS', 'LINK'],
    machines.map((machine) => [
      machine.name,
      machine.coreScale === 1 ? `${machine.cores}` : `${machine.cores} (${machine.coreScale} per real one)`,
      formatMemory(machine.memoryMiB),
      colours[machine.state](machine.state),
      machine.swarm,
      machine.address,
      describeLink(machine.link),
    ]),
  );
  return `${pc.bold(`lab of ${projectId}`)}  context ${context}\n\n${table}`;
}

function describeLink(link: LabMachineReport['link']): string {
  return [link?.delay, link?.rate].filter((part) => typeof part === 'string').join(', ');
}
