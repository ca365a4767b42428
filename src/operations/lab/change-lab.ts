// Use cases `lab stop`, `start`, `cut`, `heal` and `down`: what may happen to machines, and the end of them.
import type { Docker } from '../../adapters/docker/docker.ts';
import { withFileLock } from '../../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../../adapters/host/user-folders.ts';
import { writeProjectState } from '../../config/project-state.ts';
import { labels } from '../../engine/labels.ts';
import { SparkPlugError } from '../../errors.ts';
import { type Report, step } from '../../progress.ts';
import type { ProjectChoice } from '../open-project.ts';
import { type BuiltMachine, nameContext, pickMachine } from './find-lab.ts';
import { removeContext } from './lab-access.ts';
import { bootMachine, runOnMachine } from './lab-machines.ts';
import { locateLab } from './lab-status.ts';

interface Change {
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** `stop`: shut down as by its power button; `cut`: nothing gets through its private link. */
export type MachineChange = 'stop' | 'start' | 'cut' | 'heal';

/** Done twice it changes nothing. @throws SparkPlugError LAB_MISSING, LAB_MACHINE_UNKNOWN, LAB_MACHINE_FAILED */
export async function changeMachine(
  choice: ProjectChoice,
  change: MachineChange,
  name: string,
  { report, signal }: Change,
): Promise<void> {
  const { outer, machines } = await locateLab(choice);
  const machine = pickMachine(machines, name);
  await step(report, `${change} ${name}`, () => apply(outer, machine, change, signal));
}

async function apply(outer: Docker, machine: BuiltMachine, change: MachineChange, signal: AbortSignal): Promise<void> {
  if (change === 'start') return await bootMachine(outer, machine, signal);
  if (change === 'stop') {
    await outer.run(['stop', machine.containerId], { signal });
    return;
  }
  if (!machine.running) {
    throw new SparkPlugError('LAB_MACHINE_FAILED', 'The machine is stopped: it has no link to cut or heal.', {
      place: machine.name,
      hint: `sparkplug lab start ${machine.name}`,
    });
  }
  await runOnMachine(outer, machine, `shape-link ${change}`, signal);
}

export interface LabDownReport {
  readonly removedMachines: readonly string[];
}

/** What to ask before, null where nothing would be lost. */
export async function describeLabDown(choice: ProjectChoice): Promise<string | null> {
  const { machines } = await locateLab(choice);
  if (machines.length === 0) return null;
  const names = machines.map(({ name }) => name).join(', ');
  return `${names} will be removed, with the cluster on them and all its data. Go on?`;
}

/** Removes machines, volumes, network and context as far as they are there; the project is back on this computer's engine. */
export async function takeLabDown(choice: ProjectChoice, { report, signal }: Change): Promise<LabDownReport> {
  const { project, machines, outer } = await locateLab(choice);
  const { state, dir } = project;
  if (state === null) return { removedMachines: [] };
  const context = nameContext(state.id);
  const remove = async () => {
    await Promise.all(machines.map(({ containerId }) => outer.removeContainer(containerId)));
    for (const { name } of await outer.volumes({ [labels.lab]: state.id })) await outer.removeVolume(name);
    for (const { id } of await outer.networks({ [labels.lab]: state.id })) await outer.removeNetwork(id);
    await removeContext(outer, context);
    if (state.context !== context) return;
    // The cluster went with its machines; id, port and secrets are for the next one.
    await writeProjectState(dir, { ...state, context: null, webTrust: [{ kind: 'plain' }], workerShape: null });
  };
  const lock = `${await makeCacheFolder('locks')}/lab-${state.id}`;
  const locked = () => withFileLock(lock, remove, { signal });
  if (machines.length === 0) await locked();
  else await step(report, `remove ${machines.length} machines`, locked);
  return { removedMachines: machines.map(({ name }) => name) };
}
