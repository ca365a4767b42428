// Use case `aws up`: from an account to a cluster that works, whatever part of it is there already.
import type { Instance, InstanceShape } from '../../adapters/ec2/instance-calls.ts';
import type { SecurityGroup } from '../../adapters/ec2/network-calls.ts';
import { readProjectState, writeProjectState } from '../../config/project-state.ts';
import { SparkPlugError } from '../../errors.ts';
import { step } from '../../progress.ts';
import { registryPorts, webPorts } from '../choose-port.ts';
import { addMachines } from '../machines/add-machines.ts';
import { renderConductorUserData } from '../machines/boot/render-user-data.ts';
import type { MachineFailure } from '../machines/machine-provider.ts';
import { ensureProjectState, type OpenedProject, openProject, type ProjectChoice } from '../open-project.ts';
import type { UpReport } from '../up.ts';
import type { AwsParts, ConductorGate } from './aws-parts.ts';
import { type AwsRun, type AwsUpOptions, addressOf, keepForOthers, readNow, settleJoinOrder } from './aws-run.ts';
import { createEc2Provider, ensureRunning } from './ec2-provider.ts';
import { ensureProfile } from './ensure-access.ts';
import { ensureGroup } from './ensure-group.ts';
import { chooseNetwork, ensureSecurityGroup, parseSource } from './ensure-network.ts';
import { type Fleet, fillSlots, findFleet } from './find-fleet.ts';
import { listFollowers, renderWish, resolveWish } from './fleet-wish.ts';
import { chooseSubnet, launchInstance } from './launch-instance.ts';
import { type AwsPlace, findPlace, notePlace, openGate, refuseOtherAccount } from './open-aws.ts';
import { takeOver } from './operator-archive.ts';
import { planWished } from './plan-wished.ts';
import { removeEverything } from './remove-everything.ts';
import { nearFirst, shapeFollower } from './shape-follower.ts';
import { refuseSilent } from './silent-machines.ts';
import { checkKey, ensureKey, settleKey } from './ssh-key.ts';
import { tagKeys, tagsOf } from './tags.ts';

export interface AwsMachine {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly spot: boolean;
  /** Public address, empty where it has none. */
  readonly address: string;
}

export interface AwsUpReport {
  readonly account: string;
  readonly region: string;
  readonly machines: readonly AwsMachine[];
  /** US dollars an hour by the list; null where it is not told. */
  readonly hourly: number | null;
  readonly up: UpReport;
}

/**
 * Makes what is missing, starts what is stopped, lets the caller in, joins the followers and brings the cluster up.
 * Interrupted anywhere, the next call finishes. A first call that fails before the conductor answers takes back what it
 * has made.
 * @throws SparkPlugError AWS_*, USAGE, NO_ROOM, MACHINES_FAILED, and what `up` throws
 */
export async function bringUpOnAws(
  choice: ProjectChoice,
  options: AwsUpOptions,
  parts: AwsParts,
): Promise<AwsUpReport> {
  const place = await findPlace(parts);
  if (options.takeOver !== null) await takeProjectOver(choice, parts, options.takeOver, place);
  const located = await openProject(choice);
  refuseOtherAccount(located, place);
  const fleet = located.state === null ? nothing : await findFleet(parts.aws, located.state.id);
  const run = await prepareRun(choice, options, parts, { place, project: located, fleet });
  await askBeforeSpending(run, fleet);
  const { conductor, gate, network } = await openConductor(run, fleet);
  const { machines, failures } = await joinFollowers(run, fleet, { conductor, gate, network });
  const address = addressOf(conductor);
  const up = await gate.bringUp(address, { expectMachines: run.wish.followers.length > 0 || run.wish.group !== null });
  await ensureGroup(run, network);
  await settleJoinOrder(run, gate, address);
  await keepForOthers(run);
  await refuseSilent(parts.aws, { failures, gate, network });
  const { account, region } = place;
  return {
    account,
    region,
    machines: [describe(conductor, 'conductor'), ...machines],
    hourly: run.plan.price.hourly,
    up,
  };
}

const nothing: Fleet = { network: null, conductor: null, followers: [], groupMembers: [], groups: [], wish: null };

async function takeProjectOver(
  choice: ProjectChoice,
  { aws }: AwsParts,
  projectId: string,
  { account, region }: AwsPlace,
): Promise<void> {
  const { dir, state } = await openProject(choice);
  if (state !== null && state.id !== projectId) {
    throw new SparkPlugError('USAGE', 'this folder belongs to another project already', {
      place: '--take-over',
      met: state.id,
      hint: 'take it over in a fresh clone of the project',
    });
  }
  const taken = await takeOver(aws, projectId, dir);
  refuseOtherAccount({ state: taken }, { account, region, partition: '' });
}

interface Found {
  readonly place: AwsPlace;
  readonly project: OpenedProject;
  readonly fleet: Fleet;
}

/** All questions, no change: what is wrong with flags, account and region is said before anything is made. */
async function prepareRun(
  choice: ProjectChoice,
  options: AwsUpOptions,
  parts: AwsParts,
  { place, project, fleet }: Found,
): Promise<AwsRun> {
  const { aws } = parts;
  const { config } = project;
  const kept = fleet.wish;
  const wish = resolveWish(options.flags, kept);
  const from = parseSource(options.from ?? (await parts.findOwnAddress()));
  const [wished, plan] = await planWished(parts, { config, wish, region: place.region }, options.flags, kept);
  if (fleet.conductor !== null && fleet.conductor.type !== wished.conductor) {
    throw new SparkPlugError('USAGE', 'the conductor is of another type', {
      place: '--conductor',
      met: `${wished.conductor}; it is ${fleet.conductor.type}`,
      hint: `its data is on it: leave --conductor out, or aws destroy and begin anew`,
    });
  }
  const chosen = await chooseNetwork(aws, { ...options, vpc: options.vpc ?? fleet.network?.vpcId ?? null });
  if (fleet.network !== null && fleet.network.vpcId !== chosen.vpcId) {
    throw new SparkPlugError('USAGE', 'the cluster stands in another VPC', {
      place: '--vpc',
      met: `${chosen.vpcId}; it is in ${fleet.network.vpcId}`,
      hint: 'leave --vpc and --subnet out',
    });
  }
  for (const type of plan.types) await chooseSubnet(aws, { subnets: chosen.subnets, shape: type });
  const known = { conductorKey: fleet.conductor?.keyName ?? null, noted: project.state?.aws?.identityFile ?? null };
  const key = await settleKey(options, project.state?.id ?? '', known);
  await checkKey(aws, key);
  const state = await ensureProjectState(project);
  return { ...place, parts, choice, project, state, options, wish: wished, plan, chosen, from, key };
}

async function askBeforeSpending({ plan, options, region }: AwsRun, fleet: Fleet): Promise<void> {
  const running = new Set([fleet.conductor, ...fleet.followers].filter((one) => one?.state === 'running'));
  const wanted = plan.price.machines.filter(({ name }) => name !== 'group').reduce((sum, { count }) => sum + count, 0);
  const news = wanted - running.size;
  if (news <= 0) return;
  const price =
    plan.price.hourly === null
      ? 'at a price that AWS does not tell here'
      : `for about $${plan.price.hourly.toFixed(2)} an hour in all (list price; disks, addresses and traffic come on top)`;
  const machines = plan.price.machines
    .filter(({ count }) => count > 0)
    .map(({ name, count, type, spot }) => `${name} ${count} × ${type}${spot ? ' (spot)' : ''}`);
  const question = `Run ${machines.join(', ')} in ${region} ${price}?`;
  if (await options.confirm(question)) return;
  throw new SparkPlugError('USAGE', 'nothing was made', { hint: 'answer y, or give --yes' });
}

interface Opened {
  readonly conductor: Instance;
  readonly gate: ConductorGate;
  readonly network: SecurityGroup;
}

/** Up to an engine that answers; where nothing was there before and this fails, nothing is there afterwards. */
async function openConductor(run: AwsRun, fleet: Fleet): Promise<Opened> {
  const isFirst = fleet.network === null && fleet.conductor === null && fleet.followers.length === 0;
  try {
    return await makeConductor(run, fleet);
  } catch (error) {
    if (isFirst && error instanceof SparkPlugError) await takeBack(run);
    throw error;
  }
}

async function takeBack({ parts, state, project, options }: AwsRun): Promise<void> {
  const { report, signal } = options;
  try {
    await step(report, 'take back what was made', () => removeEverything(parts.aws, state.id, { report, signal }));
    const now = await readProjectState(project.dir);
    if (now !== null) await writeProjectState(project.dir, { ...now, aws: null });
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
    report({ kind: 'warning', text: `not all could be taken back (${error.message}): sparkplug aws destroy` });
  }
}

async function makeConductor(run: AwsRun, fleet: Fleet): Promise<Opened> {
  const { parts, state, project, options, wish, plan, chosen, choice } = run;
  const { report, signal } = options;
  const { aws } = parts;
  // It takes minutes where it has to be built, and leaves nothing but itself.
  const image = fleet.conductor === null ? await parts.ensureImage('conductor', plan.arch, { report, signal }) : null;
  const ports = await settlePorts(run);
  await notePlace({ dir: project.dir, state: await readNow(run) }, run, run.key.identityFile);
  const network = await step(report, 'let in who may come', () =>
    ensureSecurityGroup(aws, fleet.network, {
      projectId: state.id,
      vpcId: chosen.vpcId,
      wish: renderWish(wish),
      ports: { from: run.from, ...ports },
    }),
  );
  const key = await ensureKey(aws, state.id, run.key);
  const launch = async (): Promise<Instance> => {
    if (image === null) throw new Error('a conductor that is launched has an image');
    const shape: InstanceShape = {
      type: wish.conductor,
      imageId: image.id,
      rootDevice: image.rootDevice,
      diskGiB: Math.max(wish.diskGiB, image.leastDiskGiB),
      keyName: key.name,
      securityGroupId: network.id,
      instanceProfile: null,
      userData: renderConductorUserData(),
      spot: false,
      tags: tagsOf(state.id, 'conductor'),
    };
    return await launchInstance(aws, { projectId: state.id, network, subnets: chosen.subnets, shape, signal });
  };
  signal.throwIfAborted();
  const verb = fleet.conductor === null ? 'launch' : 'start';
  const bring = async () => await ensureRunning(aws, fleet.conductor ?? (await launch()), signal);
  const conductor =
    fleet.conductor?.state === 'running' && fleet.conductor.publicAddress !== ''
      ? fleet.conductor
      : await step(report, `${verb} the conductor (${wish.conductor})`, bring);
  const { identityFile } = key;
  const opening = { choice, projectId: state.id, identityFile, conductorId: conductor.id, report, signal };
  const gate = await openGate(parts, opening);
  await gate.reach(addressOf(conductor));
  return { conductor, gate, network };
}

/** Known before the cluster is there, since nothing can be asked of a port that lets nobody in. */
async function settlePorts(run: AwsRun): Promise<{ readonly web: number; readonly registry: number }> {
  const { project, wish } = run;
  const state = await readNow(run);
  const configured = project.config.web.port;
  const web = configured === 'auto' ? (state.webPort ?? webPorts.first) : configured;
  const registry = state.registryPort ?? registryPorts.first;
  // A conductor alone needs no registry, and a port that is kept would bring one.
  const hasFollowers = wish.followers.length > 0 || wish.group !== null;
  const registryPort = hasFollowers ? registry : state.registryPort;
  if (state.webPort !== web || state.registryPort !== registryPort) {
    await writeProjectState(project.dir, { ...state, webPort: web, registryPort });
  }
  return { web, registry };
}

interface Joined {
  readonly machines: readonly AwsMachine[];
  readonly failures: readonly MachineFailure[];
}

/** All of the wish: those that run already are waited for like new ones, so that an interrupted run is finished. */
async function joinFollowers(run: AwsRun, fleet: Fleet, { conductor, gate, network }: Opened): Promise<Joined> {
  const { parts, state, options, plan, chosen, choice, wish } = run;
  const { report, signal } = options;
  signal.throwIfAborted();
  const { slots, surplus } = fillSlots(listFollowers(wish), fleet.followers);
  if (surplus.length > 0) {
    const text = `${surplus.length} further followers stay as they are; sparkplug aws scale followers=${slots.length} takes them away`;
    report({ kind: 'note', text });
  }
  if (slots.length === 0 && wish.group === null) return { machines: [], failures: [] };
  const profile = await step(report, 'give followers the right to read their join order', () =>
    ensureProfile(parts.aws, state.id, run),
  );
  const provider = createEc2Provider({
    aws: parts.aws,
    projectId: state.id,
    types: plan.types,
    network,
    subnets: nearFirst(chosen, conductor),
    conductorAddress: conductor.privateAddress,
    shapeOf: (slot) => shapeFollower(run, network, profile, slot),
    report,
    signal,
  });
  const present = new Set((await gate.leaving.machines().catch(unlessNotUp)).map(({ name }) => name));
  const missing = slots.filter(({ instance }) => instance?.state !== 'running' || !present.has(instance.hostname));
  const gathered =
    missing.length === 0
      ? { machines: [], failures: [] }
      : await addMachines(choice, provider, missing, { advertise: null, report, signal }, gate.joining);
  const now = await findFleet(parts.aws, state.id);
  return {
    machines: now.followers.map((instance) => describe(instance, `follower-${instance.tags[tagKeys.ordinal] ?? ''}`)),
    failures: gathered.failures,
  };
}

/** No cluster has no machines. */
function unlessNotUp(error: unknown): readonly [] {
  if (error instanceof SparkPlugError && error.exitCode === 3) return [];
  throw error;
}

function describe({ id, type, spot, publicAddress }: Instance, name: string): AwsMachine {
  return { id, name, type, spot, address: publicAddress };
}
