// Use case `lab up`: from nothing, or from whatever is there, to a Swarm of simulated machines that the project uses.
import { freemem } from 'node:os';
import pWaitFor from 'p-wait-for';
import { createDocker, type Docker, type SwarmNode } from '../../adapters/docker/docker.ts';
import { transferImages } from '../../adapters/docker/transfer-images.ts';
import { withFileLock } from '../../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../../adapters/host/user-folders.ts';
import { writeProjectState } from '../../config/project-state.ts';
import { labels } from '../../engine/labels.ts';
import { SparkPlugError } from '../../errors.ts';
import { debianImages } from '../../images/debian-image.ts';
import { createLimiter } from '../../images/limiter.ts';
import { parseMachine } from '../../plan/parse-machine.ts';
import { type Report, step } from '../../progress.ts';
import { registryPorts } from '../choose-port.ts';
import { ensureSwarm } from '../ensure-swarm.ts';
import { listImages } from '../list-images.ts';
import { renderJoinScript, renderTrustScript } from '../machines/render-join-script.ts';
import { ensureProjectState, type OpenedProject, openProject, type ProjectChoice } from '../open-project.ts';
import { obtainPlanned, readImagePlan } from '../prepare-images.ts';
import { prepareRegistry } from '../prepare-registry.ts';
import { ensureEngine } from '../set-up-engine.ts';
import { type BuiltMachine, createLabDocker, findLab, nameContext, shellOf } from './find-lab.ts';
import { grantAccess, hasAccess } from './lab-access.ts';
import { type LabLink, parseLink } from './lab-link.ts';
import { awaitEngine, bootMachine, runOnMachine, shapeLink } from './lab-machines.ts';
import { addressOf, ensureLabNetwork } from './lab-network.ts';
import { describeLab, type LabReport } from './lab-status.ts';
import { type LabMachine, type LabRoom, planLab } from './plan-lab.ts';
import { renderMachineContainer } from './render-machine-container.ts';

export interface LabUpOptions {
  /** `4c8g`, `2c3g*2`: all machines of the lab, the conductor first. None: those that it has. */
  readonly machines: readonly string[];
  /** Simulated cores per real one; null: as the lab has it, else 1. */
  readonly coreScale: number | null;
  /** `5ms,100mbit`; null: links stay as they are. */
  readonly link: string | null;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Machines that boot at a time: each takes a core for a moment. */
const bootsAtOnce = 4;
const joinTimeoutMs = 60_000;
const pollMs = 250;

interface Lab {
  readonly project: OpenedProject;
  readonly projectId: string;
  /** The engine of this computer. */
  readonly outer: Docker;
  readonly context: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Makes what is missing, starts what is stopped, heals what is cut. Interrupted anywhere, the next call finishes; called
 * twice it changes nothing.
 * @throws SparkPlugError USAGE, LAB_DIFFERS, LAB_TOO_LARGE, LAB_MACHINE_FAILED, LAB_LINK_UNSUPPORTED, NO_SUBNET, DOCKER_*, and of images
 */
export async function bringUpLab(choice: ProjectChoice, options: LabUpOptions): Promise<LabReport> {
  const orders = options.machines.map(parseMachine);
  const link = options.link === null ? null : parseLink(options.link);
  const { report, signal } = options;
  const project = await openProject(choice);
  const outer = createLabDocker();
  await ensureEngine(outer, { report, signal });
  const state = await ensureProjectState(project);
  const projectId = state.id;
  const lab: Lab = { project, projectId, outer, context: nameContext(projectId), report, signal };
  const work = async () => {
    const existing = await findLab(outer, projectId);
    const room = await measureRoom(outer, existing);
    const machines = planLab({ orders, coreScale: options.coreScale, existing, room });
    const built = await buildMachines(lab, machines, existing, room);
    await openAccess(lab, built);
    await formSwarm(lab, built);
    const registryPort = await trustRegistry(lab, built, state.registryPort);
    if (link !== null) await shapeLinks(lab, built, link);
    await copyImages(lab);
    if (state.context !== lab.context || state.registryPort !== registryPort) {
      await writeProjectState(project.dir, { ...state, context: lab.context, registryPort });
    }
    return await describeLab(outer, projectId);
  };
  const lock = `${await makeCacheFolder('locks')}/lab-${projectId}`;
  const onWait = () => report({ kind: 'note', text: 'another command is changing this lab; waiting for it' });
  return await withFileLock(lock, work, { signal, onWait });
}

/** What running machines use already is theirs, and free for the lab. */
async function measureRoom(outer: Docker, existing: readonly BuiltMachine[]): Promise<LabRoom> {
  const { cores, memoryMiB } = await outer.info();
  const used = await Promise.all(
    existing.filter(({ running }) => running).map((machine) => readUsedMiB(outer, machine)),
  );
  const freeMiB = Math.floor(freemem() / 1024 ** 2) + used.reduce((sum, one) => sum + one, 0);
  return { cores, memoryMiB, freeMiB };
}

/** Without caches, which count as free on the computer as well. cgroup v1 says `total_rss`, v2 `anon`. */
async function readUsedMiB(outer: Docker, machine: BuiltMachine): Promise<number> {
  const script = 'cat /sys/fs/cgroup/memory/memory.stat /sys/fs/cgroup/memory.stat 2>/dev/null';
  const { stdout } = await shellOf(outer, machine).run(script);
  const bytes = /^(?:total_rss|anon) (\d+)$/m.exec(stdout)?.[1] ?? '0';
  return Math.floor(Number(bytes) / 1024 ** 2);
}

async function buildMachines(
  lab: Lab,
  machines: readonly LabMachine[],
  existing: readonly BuiltMachine[],
  room: LabRoom,
): Promise<readonly BuiltMachine[]> {
  const { outer, projectId, report, signal } = lab;
  const missing = machines.filter(({ name }) => !existing.some((machine) => machine.name === name));
  if (missing.length > 0) {
    const image = await obtainMachineImage(lab);
    const network = await ensureLabNetwork(outer, projectId);
    const [subnet = ''] = network.subnets;
    for (const machine of missing) {
      signal.throwIfAborted();
      const index = machines.indexOf(machine);
      const address = addressOf(subnet, index);
      const parts = { projectId, machine, index, network: network.name, address, image, realCores: room.cores };
      await outer.run(renderMachineContainer(parts), { signal });
    }
  }
  const built = await findLab(outer, projectId);
  const [conductor] = built;
  // Before its first start, so that its engine listens from the beginning.
  if (conductor?.status === 'created') await grantAccess(outer, lab.context, conductor);
  const limit = createLimiter(bootsAtOnce);
  const boot = (machine: BuiltMachine) => limit(() => bootMachine(outer, machine, signal));
  const stopped = built.filter(({ running }) => !running);
  const bootAll = () => Promise.all(built.map(boot));
  if (stopped.length === 0) await bootAll();
  else await step(report, `boot ${stopped.length} ${stopped.length === 1 ? 'machine' : 'machines'}`, bootAll);
  for (const machine of built) await runOnMachine(outer, machine, 'shape-link heal', signal);
  return await findLab(outer, projectId);
}

async function obtainMachineImage({ project, projectId, outer, report, signal }: Lab): Promise<string> {
  const request = { config: project.config, projectDir: project.dir, projectId, report, signal };
  const images = await obtainPlanned(outer, request, await readImagePlan(request), ['machine']);
  const image = images.find(({ name }) => name === 'machine');
  if (image === undefined) throw new Error('the image of a machine was obtained but is not listed');
  return image.id;
}

/** An engine that does not know us (the context was removed, a first start was interrupted) is given new certificates. */
async function openAccess({ outer, context, report, signal }: Lab, machines: readonly BuiltMachine[]): Promise<void> {
  const conductor = conductorOf(machines);
  if (await hasAccess(outer, context, conductor)) return;
  await step(
    report,
    'give the context access to the conductor',
    async () => {
      await grantAccess(outer, context, conductor);
      await outer.run(['restart', conductor.containerId], { signal });
      await awaitEngine(outer, conductor, signal);
    },
    'its engine does not know this computer',
  );
}

function conductorOf(machines: readonly BuiltMachine[]): BuiltMachine {
  const [conductor] = machines;
  if (conductor === undefined) throw new Error('a lab has a conductor');
  return conductor;
}

/** One Swarm over the private network: the conductor manages, the others work. */
async function formSwarm({ outer, context, report, signal }: Lab, machines: readonly BuiltMachine[]): Promise<void> {
  const conductor = conductorOf(machines);
  const inner = createDocker({ context });
  await ensureSwarm(inner, report, conductor.address);
  // Asked of the machines: for a while a Swarm takes one that is gone for ready.
  const ids = await readNodeIds(outer, machines, signal);
  const joining = machines.filter(({ name }) => ids.get(name) === '');
  if (joining.length > 0) {
    const token = (await inner.run(['swarm', 'join-token', '--quiet', 'worker'], { signal })).trim();
    const script = renderJoinScript({ managerAddress: `${conductor.address}:2377`, token, registry: null });
    const limit = createLimiter(bootsAtOnce);
    const join = (machine: BuiltMachine) => limit(() => runOnMachine(outer, machine, script, signal));
    await step(report, `join ${joining.map(({ name }) => name).join(', ')}`, () => Promise.all(joining.map(join)));
  }
  const members = joining.length === 0 ? ids : await readNodeIds(outer, machines, signal);
  await awaitMembers(inner, members, signal);
  for (const node of await inner.nodes()) {
    const machine = machines.find(({ name }) => name === node.hostname);
    if (machine === undefined) continue;
    if (members.get(machine.name) === node.id) await labelCores(inner, node, machine);
    // What is left of a machine whose container somebody removed, now that another has its name.
    else await inner.run(['node', 'rm', '--force', node.id]);
  }
}

/**
 * Further machines get their images from the registry that the first `up` starts on the conductor, and believe it from
 * the beginning. Its port, null where there is one machine only: nothing else listens on a new machine.
 */
async function trustRegistry(
  { outer, projectId, signal }: Lab,
  machines: readonly BuiltMachine[],
  keptPort: number | null,
): Promise<number | null> {
  const [conductor, ...further] = machines;
  if (conductor === undefined || further.length === 0) return keptPort;
  const port = keptPort ?? registryPorts.first;
  const address = `${conductor.address}:${port}`;
  const { caCertificate } = await prepareRegistry(projectId, address);
  const script = renderTrustScript({ address, caCertificate });
  for (const machine of further) await runOnMachine(outer, machine, script, signal);
  return port;
}

/** Swarm's ids of the machines by their names, as their own engines tell; empty for one that is in no Swarm. */
async function readNodeIds(
  outer: Docker,
  machines: readonly BuiltMachine[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const ask = "docker info --format '{{.Swarm.NodeID}}'";
  const entries = machines.map(
    async (machine) => [machine.name, (await runOnMachine(outer, machine, ask, signal)).trim()] as const,
  );
  return new Map(await Promise.all(entries));
}

/** All of them, and each ready: a machine that was away is taken back within seconds. */
async function awaitMembers(inner: Docker, members: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
  let missing: readonly string[] = [];
  const isComplete = async () => {
    const ready = new Set((await inner.nodes()).filter((node) => node.ready).map(({ id }) => id));
    missing = [...members].filter(([, id]) => !ready.has(id)).map(([name]) => name);
    return missing.length === 0;
  };
  await pWaitFor(isComplete, {
    interval: pollMs,
    timeout: { milliseconds: joinTimeoutMs, fallback: () => {} },
    signal,
  });
  if (missing.length === 0) return;
  throw new SparkPlugError('LAB_MACHINE_FAILED', 'The Swarm does not count these machines as ready.', {
    place: missing.join(', '),
    hint: 'sparkplug lab up tries again; sparkplug lab status shows what is cut or stopped',
  });
}

/** Only the engine's own count is known to the Swarm, which sees real cores. */
async function labelCores(inner: Docker, node: SwarmNode, machine: BuiltMachine): Promise<void> {
  const wanted = { [labels.cores]: String(machine.cores), [labels.coreScale]: String(machine.coreScale) };
  if (Object.entries(wanted).every(([label, value]) => node.labels[label] === value)) return;
  await inner.labelNode(node.id, wanted);
}

async function shapeLinks({ outer, report }: Lab, machines: readonly BuiltMachine[], link: LabLink): Promise<void> {
  const shape = `${link.delay ?? 'no'} delay, ${link.rate ?? 'any'} bandwidth`;
  await step(report, `shape the links: ${shape}`, async () => {
    for (const machine of machines) await shapeLink(outer, machine, link);
  });
}

/** What this computer has built need not be built again inside. */
async function copyImages({ project, outer, context, report, signal }: Lab): Promise<void> {
  const inner = createDocker({ context });
  const own = await listImages(outer, { config: project.config, projectDir: project.dir });
  const refs = [
    ...(await Promise.all(debianImages.map(async (ref) => ((await outer.imageId(ref)) === null ? [] : [ref])))).flat(),
    ...own.filter(({ id, name }) => id !== null && name !== 'machine').map(({ ref }) => ref),
  ];
  const missing: string[] = [];
  for (const ref of new Set(refs)) if ((await inner.imageId(ref)) === null) missing.push(ref);
  if (missing.length === 0) return;
  await step(report, `copy ${missing.length} images to the conductor`, () =>
    transferImages({ from: 'default', to: context, refs: missing, signal }),
  );
}
