// Use case `lab status`: the machines with what the engine of this computer and the lab's Swarm say of them.
import { createDocker, type Docker, type SwarmNode } from '../../adapters/docker/docker.ts';
import { SparkPlugError } from '../../errors.ts';
import { type LocatedProject, locateProject, type ProjectChoice } from '../open-project.ts';
import { type BuiltMachine, createLabDocker, findLab, nameContext } from './find-lab.ts';
import type { LabLink } from './lab-link.ts';
import { askLink } from './lab-machines.ts';

export interface LabMachineReport {
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly coreScale: number;
  readonly address: string;
  /** `cut`: it runs and its private link lets nothing through. */
  readonly state: 'running' | 'cut' | 'stopped';
  /** What the Swarm says; `unknown` while the conductor does not answer. */
  readonly swarm: 'ready' | 'down' | 'absent' | 'unknown';
  readonly link: LabLink | null;
}

export interface LabReport {
  readonly projectId: string;
  /** Docker context of the conductor machine's engine. */
  readonly context: string;
  readonly machines: readonly LabMachineReport[];
}

const answerWithinMs = 10_000;

/** The project's lab; without machines where it has none. */
export async function readLab(choice: ProjectChoice): Promise<LabReport | null> {
  const { state } = await locateProject(choice);
  if (state === null) return null;
  const report = await describeLab(createLabDocker(), state.id);
  return report.machines.length === 0 ? null : report;
}

export async function describeLab(outer: Docker, projectId: string): Promise<LabReport> {
  const machines = await findLab(outer, projectId);
  const context = nameContext(projectId);
  const nodes = machines[0]?.running === true ? await askSwarm(context) : null;
  return {
    projectId,
    context,
    machines: await Promise.all(machines.map((machine) => describeMachine(outer, machine, nodes))),
  };
}

async function describeMachine(
  outer: Docker,
  machine: BuiltMachine,
  nodes: readonly SwarmNode[] | null,
): Promise<LabMachineReport> {
  const { name, cores, memoryMiB, coreScale, address } = machine;
  const shown = machine.running ? await askLink(outer, machine) : null;
  const running = shown?.cut === true ? 'cut' : 'running';
  return {
    ...{ name, cores, memoryMiB, coreScale, address },
    state: machine.running ? running : 'stopped',
    swarm: judgeMember(nodes, name),
    link: shown?.link ?? null,
  };
}

function judgeMember(nodes: readonly SwarmNode[] | null, name: string): LabMachineReport['swarm'] {
  if (nodes === null) return 'unknown';
  const own = nodes.filter(({ hostname }) => hostname === name);
  if (own.length === 0) return 'absent';
  return own.some(({ ready }) => ready) ? 'ready' : 'down';
}

/** Null while the conductor is cut off, boots, or is in no Swarm yet. */
async function askSwarm(context: string): Promise<readonly SwarmNode[] | null> {
  try {
    return await createDocker({ context, answerWithinMs }).nodes();
  } catch (error) {
    if (error instanceof SparkPlugError) return null;
    throw error;
  }
}

/** The project of a verb that needs no project file. */
export async function locateLab(
  choice: ProjectChoice,
): Promise<{ readonly project: LocatedProject; readonly machines: readonly BuiltMachine[]; readonly outer: Docker }> {
  const project = await locateProject(choice);
  const outer = createLabDocker();
  const machines = project.state === null ? [] : await findLab(outer, project.state.id);
  return { project, machines, outer };
}
