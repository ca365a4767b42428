// `plan` as text.
import pc from 'picocolors';
import type { PlanReport } from '../operations/plan.ts';
import { formatMemory, formatTable } from './format.ts';

/** Machines, why no more fits there, the worker's memory, the containers, what would change. */
export function renderPlan({ json, changes }: PlanReport): string {
  const { machines, worker, totalWorkers, totalDatanodes, replication, history } = json;
  const containers = json.containers.filter(({ count }) => count > 0);
  const shape = `${worker.executors} × ${worker.cores} cores, ${formatMemory(worker.memoryMiB)}`;
  const machineTable = formatTable(
    [
      'MACHINE',
      'STATE',
      'CORES',
      'MEMORY',
      'LEFT ALONE',
      'CONDUCTOR',
      'WORKERS',
      'DATANODES',
      'CORES LEFT',
      'MEMORY LEFT',
      'LIMITED BY',
    ],
    machines.map((machine) => [
      machine.name,
      machine.state,
      String(machine.cores),
      formatMemory(machine.memoryMiB),
      formatMemory(machine.reservedMiB),
      machine.conductor ? 'yes' : '',
      String(machine.workers),
      String(machine.datanodes),
      String(machine.left.cores),
      formatMemory(machine.left.memoryMiB),
      machine.limitedBy,
    ]),
  );
  const containerTable = formatTable(
    ['CONTAINER', 'COUNT', 'LIMIT', 'RESERVED', 'HEAP'],
    containers.map(({ component, count, limitMiB, reservationMiB, heapMiB }) => [
      component,
      String(count),
      formatMemory(limitMiB),
      formatMemory(reservationMiB),
      heapMiB === 0 ? '' : formatMemory(heapMiB),
    ]),
  );
  return [
    machineTable,
    ...machines.map(({ name, explanation }) => `${name}: ${explanation}`),
    '',
    `worker: ${shape}, of which ${formatMemory(worker.heapMiB)} heap for each executor`,
    `total: ${totalWorkers} workers, ${totalDatanodes} DataNodes, ${replication} copies of every block`,
    ...(json.missingWorkers === 0
      ? []
      : [`missing: ${json.missingWorkers} workers wait for room until machines that are away are back`]),
    `history server: ${history.explanation}`,
    ...(json.overrides ?? []),
    '',
    containerTable,
    ...(changes === null ? [] : ['', pc.bold('`up` would do:'), changes]),
  ].join('\n');
}
