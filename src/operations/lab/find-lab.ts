// The lab of a project as its containers tell: found again by label, whatever became of them.
import { type ContainerInspect, createDocker, type Docker } from '../../adapters/docker/docker.ts';
import { createContainerShell, type MachineShell } from '../../adapters/machine-shell.ts';
import { labels } from '../../engine/labels.ts';
import { SparkPlugError } from '../../errors.ts';
import { type LabMachine, nameMachine } from './plan-lab.ts';
import { labLabels } from './render-machine-container.ts';

/** A machine that has a container. */
export interface BuiltMachine extends LabMachine {
  /** On the private network; it never changes. */
  readonly address: string;
  readonly containerId: string;
  /** `created`, `running`, `exited`, … */
  readonly status: string;
  readonly running: boolean;
}

/** This computer's engine, whatever the project's context is. */
export function createLabDocker(): Docker {
  return createDocker({ context: 'default' });
}

/** Name of the Docker context through which the project reaches its lab. */
export function nameContext(projectId: string): string {
  return `sparkplug-${projectId}`;
}

/** The machines in their order, the conductor first; empty without a lab. */
export async function findLab(docker: Pick<Docker, 'containers'>, projectId: string): Promise<readonly BuiltMachine[]> {
  const containers = await docker.containers({ labels: { [labels.lab]: projectId }, all: true });
  const machines = containers.map(readMachine);
  return machines.toSorted((a, b) => positionOf(a.name) - positionOf(b.name));
}

function readMachine({ id, status, running, labels: own }: ContainerInspect): BuiltMachine {
  return {
    name: own[labLabels.machine] ?? '',
    cores: Number(own[labLabels.cores]),
    memoryMiB: Number(own[labLabels.memoryMiB]),
    coreScale: Number(own[labLabels.coreScale]),
    address: own[labLabels.address] ?? '',
    containerId: id,
    status,
    running,
  };
}

/** From 0; the conductor's name has no number. */
export function positionOf(name: string): number {
  return name === nameMachine(0) ? 0 : Number(name.replace(/^\D+/, ''));
}

/** @throws SparkPlugError LAB_MISSING, LAB_MACHINE_UNKNOWN */
export function pickMachine(machines: readonly BuiltMachine[], name: string): BuiltMachine {
  if (machines.length === 0) throw noLab();
  const found = machines.find((machine) => machine.name === name);
  if (found !== undefined) return found;
  throw new SparkPlugError('LAB_MACHINE_UNKNOWN', 'The lab has no machine of this name.', {
    met: name,
    hint: `It has ${machines.map((machine) => machine.name).join(', ')}.`,
  });
}

export function noLab(): SparkPlugError {
  return new SparkPlugError('LAB_MISSING', 'This project has no lab.', {
    hint: 'sparkplug lab up --machine 4c4g --machine 2c2g*2',
  });
}

export function shellOf(docker: Pick<Docker, 'exec'>, machine: Pick<BuiltMachine, 'containerId'>): MachineShell {
  return createContainerShell(docker, machine.containerId);
}
