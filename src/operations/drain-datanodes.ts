// Use case: take DataNodes out of HDFS without losing a block, and forget them once their services are gone.
// Nothing is remembered here: what the NameNode says is where the drain stands, so that the same call goes on with it.
import type {
  BlocksAtRisk,
  DataNodeFacts,
  MembershipEntry,
  NameNodeAdmin,
} from '../adapters/namenode/name-node-admin.ts';
import { dataNodePort } from '../adapters/namenode/name-node-admin.ts';
import type { ScannedFile } from '../adapters/namenode/scan-files.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { Clock } from '../runs/clock.ts';
import { formatMiB } from '../units.ts';

export interface DrainDataNodesParts {
  readonly nameNode: NameNodeAdmin;
  readonly clock: Clock;
  /** Aborted: this process ends and its successor goes on; nothing is taken back then. */
  readonly shutdown: AbortSignal;
}

export interface DrainDataNodesRequest {
  /** Services that go: `datanode-3`. */
  readonly datanodes: readonly string[];
  /** Services that stay. */
  readonly remaining: readonly string[];
  readonly replication: 'auto' | number;
  /** Nothing is checked or waited for: what would be lost is reported as a warning, and is lost. */
  readonly force: boolean;
  /** Called before files get fewer replicas than `auto` gives them once a DataNode that is away is back. */
  readonly owe?: () => void;
  readonly report: Report;
  readonly signal: AbortSignal;
}

const pollMs = 1_000;
/** A NameNode that starts reads its image and waits for its DataNodes' reports. */
const answerTimeoutMs = 300_000;
/**
 * A DataNode's container is back within seconds, on a machine that restarts within minutes. Three of them with the 70 s
 * after which the NameNode calls one dead.
 */
const deadPatienceMs = 110_000;
/** A DataNode starts and registers within seconds, its machine being there. */
const startMs = 40_000;
/** Files that a job writes meanwhile come with the replication it started with. */
const lowerAgainMs = 10_000;
/** Files never get more replicas by themselves. */
const mostReplicas = 3;
/** Files never get fewer by themselves while as many DataNodes stay, though one of those is away. */
const leastReplicas = 2;
const bytesPerMiB = 1024 ** 2;

/** Replicas that `auto` gives every file: min(3, DataNodes). */
export function chooseReplication(datanodes: number): number {
  return Math.max(1, Math.min(mostReplicas, datanodes));
}

/**
 * Resolves when the DataNodes can go: the NameNode calls them decommissioned, and no block is on them alone. Under `auto`
 * every file's replication is lowered to what the others can hold before. An abort of `signal` puts them back in service.
 * @throws SparkPlugError REPLICATION_IMPOSSIBLE, HDFS_NO_ROOM, DATANODE_HOLDS_DATA (none would stay) with nothing changed;
 *   DATANODE_LOST; HDFS_AWAY
 */
export async function drainDataNodes(parts: DrainDataNodesParts, request: DrainDataNodesRequest): Promise<void> {
  const { nameNode } = parts;
  const { datanodes, force, report, signal } = request;
  const known = await awaitNameNode(parts, request);
  if (force) {
    const lost = await nameNode.findBlocksOnlyOn(datanodes, signal);
    if (lost.blocks > 0) report({ kind: 'warning', text: `lost with ${datanodes.join(', ')}: ${describeLoss(lost)}` });
    await enter(nameNode, datanodes);
    return;
  }
  const { lowerNow, most } = await checkDrain(parts, request, await awaitStaying(parts, request, known));
  try {
    // Before the lowering: what leaves counts no more among a file's replicas by then, so that a file with one on each
    // DataNode has none too many. Lowered first, one of the others deletes its replica and at once gets it again, and the
    // NameNode, which hears of both in one report, never counts it any more.
    await enter(nameNode, datanodes);
    if (lowerNow && most !== null) await lower(parts, request, most);
    await followDrain(parts, request, most);
  } catch (error) {
    if (signal.aborted && !parts.shutdown.aborted) await takeBack(parts, request);
    throw error;
  }
}

/** Throws what `drainDataNodes` would refuse, and changes nothing. A NameNode that does not answer refuses nothing yet. */
export async function refuseImpossibleDrain(
  parts: Pick<DrainDataNodesParts, 'nameNode'>,
  request: Pick<DrainDataNodesRequest, 'datanodes' | 'remaining' | 'replication' | 'signal'>,
): Promise<void> {
  const known = await readNodes(parts.nameNode);
  if (known !== null) await checkDrain(parts, request, known);
}

/**
 * Takes DataNodes out of the NameNode's list of those that leave: after their services are gone, or because they stay
 * after all. `keep`: the ones that leave still; all others are taken out.
 */
export async function keepLeaving(nameNode: NameNodeAdmin, keep: readonly string[]): Promise<void> {
  const entries = await nameNode.membership();
  const kept = entries.filter(({ hostName }) => keep.includes(hostName));
  if (kept.length < entries.length) await nameNode.setMembership(kept);
}

/** Clears what the NameNode was told of DataNodes whose services are gone, so that their names can be used again. */
export async function forgetDataNodes(nameNode: NameNodeAdmin, datanodes: readonly string[]): Promise<void> {
  const entries = await nameNode.membership();
  await keepLeaving(
    nameNode,
    entries.map(({ hostName }) => hostName).filter((name) => !datanodes.includes(name)),
  );
}

/** Gives every file min(3, DataNodes) replicas, as `auto` does after one joined. Returns before the copying is done. */
export async function raiseReplication(
  { nameNode }: Pick<DrainDataNodesParts, 'nameNode'>,
  request: { readonly datanodes: number; readonly report: Report; readonly signal: AbortSignal },
): Promise<void> {
  const replicas = chooseReplication(request.datanodes);
  const changed = await nameNode.setReplication(replicas, request.signal);
  if (changed > 0) request.report({ kind: 'note', text: `${changed} files get ${replicas} replicas` });
}

/** The name of the step in which the drain is reported. */
export function drainStepName(services: readonly string[]): string {
  return `drain ${services.join(', ')}`;
}

/** Waits for a NameNode that answers and knows what there is. */
async function awaitNameNode(
  { nameNode, clock }: DrainDataNodesParts,
  { datanodes, report, signal }: DrainDataNodesRequest,
): Promise<readonly DataNodeFacts[]> {
  const deadline = clock.now() + answerTimeoutMs;
  for (let told = false; ; told = true) {
    signal.throwIfAborted();
    const found = await readNodes(nameNode);
    if (found !== null) return found;
    if (clock.now() >= deadline) {
      throw new SparkPlugError('HDFS_AWAY', 'the NameNode does not answer, or stays in safe mode', {
        hint: 'sparkplug status; sparkplug logs namenode',
      });
    }
    if (!told) report({ kind: 'step-progress', step: drainStepName(datanodes), detail: 'waiting for the NameNode' });
    await clock.wait(pollMs, signal);
  }
}

/** One of those that stay may be starting: with the machine that has just come back, or with the whole cluster. */
async function awaitStaying(
  parts: DrainDataNodesParts,
  request: DrainDataNodesRequest,
  first: readonly DataNodeFacts[],
): Promise<readonly DataNodeFacts[]> {
  const { clock } = parts;
  const { datanodes, report, signal } = request;
  const deadline = clock.now() + startMs;
  let told = '';
  for (let known = first; ; known = await awaitNameNode(parts, request)) {
    const missed = findMissed(request, known);
    if (missed.length === 0 || clock.now() >= deadline) return known;
    const detail = `waiting for ${missed.join(', ')}`;
    if (detail !== told) report({ kind: 'step-progress', step: drainStepName(datanodes), detail });
    told = detail;
    await clock.wait(pollMs, signal);
  }
}

/** Those that are to stay and do not work now. */
function findMissed(
  { remaining }: Pick<DrainDataNodesRequest, 'remaining'>,
  known: readonly DataNodeFacts[],
): readonly string[] {
  return remaining.filter((name) => !known.some((one) => one.name === name && one.state === 'live'));
}

/** Null while the NameNode is away or in safe mode, in which it moves nothing. */
async function readNodes(nameNode: NameNodeAdmin): Promise<readonly DataNodeFacts[] | null> {
  try {
    if ((await nameNode.state()).safeMode) return null;
    return await nameNode.listDataNodes();
  } catch {
    return null;
  }
}

/**
 * Whether the others can hold everything. `most`: more replicas no file may have, null where the project says how many;
 * `lowerNow`: some have more.
 */
async function checkDrain(
  { nameNode }: Pick<DrainDataNodesParts, 'nameNode'>,
  request: Pick<DrainDataNodesRequest, 'datanodes' | 'remaining' | 'replication' | 'signal'>,
  known: readonly DataNodeFacts[],
): Promise<{ readonly lowerNow: boolean; readonly most: number | null }> {
  const { datanodes, remaining, replication, signal } = request;
  const going = known.filter(({ name }) => datanodes.includes(name));
  if (datanodes.every((name) => known.some((one) => one.name === name && isReleased(one))))
    return { lowerNow: false, most: null };
  const staying = known.filter(({ name, state }) => remaining.includes(name) && state === 'live');
  if (staying.length === 0) throw lastDataNode(datanodes, remaining);
  const survey = await surveyFiles(nameNode.scanFiles(signal), {
    going: new Set(going.map(({ address }) => address)),
    staying: new Set(staying.map(({ address }) => address)),
    most: replication === 'auto' ? chooseReplication(staying.length) : Number.POSITIVE_INFINITY,
  });
  const floor = replication === 'auto' ? Math.min(leastReplicas, remaining.length) : replication;
  if (floor > staying.length) {
    const name = replication === 'auto' ? 'hdfs.replication: auto' : 'hdfs.replication';
    throw tooManyReplicas(`${floor} replicas (${name})`, floor, staying.length, remaining);
  }
  const tooMany = survey.highest > staying.length;
  if (tooMany && replication !== 'auto') {
    const { highest, path } = survey;
    throw tooManyReplicas(`${highest} replicas of ${path}`, highest, staying.length, remaining);
  }
  refuseWithoutRoom(datanodes, staying, survey.toCopyBytes);
  return { lowerNow: tooMany, most: replication === 'auto' ? chooseReplication(staying.length) : null };
}

interface Survey {
  readonly highest: number;
  readonly path: string;
  /** What has to be written to the DataNodes that stay. */
  readonly toCopyBytes: number;
}

async function surveyFiles(
  files: AsyncIterable<ScannedFile>,
  by: { readonly going: ReadonlySet<string>; readonly staying: ReadonlySet<string>; readonly most: number },
): Promise<Survey> {
  let [highest, path, toCopyBytes] = [0, '', 0];
  for await (const file of files) {
    if (file.replication > highest) [highest, path] = [file.replication, file.path];
    const wanted = Math.min(file.replication, by.most);
    for (const { bytes, replicas } of file.blocks) {
      if (!replicas.some(({ address }) => by.going.has(address))) continue;
      const there = replicas.filter(({ address, state }) => by.staying.has(address) && state !== 'CORRUPT').length;
      toCopyBytes += bytes * Math.max(0, wanted - there);
    }
  }
  return { highest, path, toCopyBytes };
}

/** DataNodes of one machine share its disk: what one of them has left, the others have left too. */
function refuseWithoutRoom(datanodes: readonly string[], staying: readonly DataNodeFacts[], toCopyBytes: number): void {
  const byMachine = new Map<string, number>();
  for (const { machine, remainingBytes } of staying) {
    byMachine.set(machine, Math.max(byMachine.get(machine) ?? 0, remainingBytes));
  }
  const free = [...byMachine.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (toCopyBytes <= free) return;
  const verb = datanodes.length === 1 ? 'holds' : 'hold';
  throw new SparkPlugError(
    'HDFS_NO_ROOM',
    `${datanodes.join(', ')} ${verb} ${formatBytes(toCopyBytes)} that must be copied, ${formatBytes(free)} are free on the others`,
    { place: 'hdfs.datanodes', hint: 'remove files (sparkplug hdfs du /, sparkplug hdfs rm), or free the disks' },
  );
}

function lastDataNode(datanodes: readonly string[], remaining: readonly string[]): SparkPlugError {
  const what =
    remaining.length === 0 ? 'no DataNode would stay' : `of those that stay (${remaining.join(', ')}) none is live`;
  return new SparkPlugError('DATANODE_HOLDS_DATA', `${datanodes.join(', ')} cannot go: ${what}`, {
    place: 'hdfs.datanodes',
    hint: remaining.length === 0 ? 'keep one DataNode at least' : 'sparkplug status shows what ails them',
  });
}

function tooManyReplicas(what: string, needed: number, live: number, remaining: readonly string[]): SparkPlugError {
  const away = remaining.length - live;
  const stay = `${live} ${live === 1 ? 'stays' : 'stay'}${away > 0 ? ` live (${away} more is away)` : ''}`;
  return new SparkPlugError('REPLICATION_IMPOSSIBLE', `${what} need ${needed} DataNodes, ${stay}`, {
    place: 'hdfs.replication',
    hint:
      away > 0
        ? 'start the machine that is away again (sparkplug machine says which), or let it go: sparkplug machine remove NAME --force names what is lost with it'
        : 'keep more DataNodes, or set `hdfs.replication: auto`, under which replication is lowered first',
  });
}

async function lower(
  { nameNode }: DrainDataNodesParts,
  request: DrainDataNodesRequest,
  replicas: number,
): Promise<void> {
  const { datanodes, remaining, owe, report, signal } = request;
  report({
    kind: 'step-progress',
    step: drainStepName(datanodes),
    detail: `lowering the replication of all files to ${replicas}`,
  });
  if (replicas < chooseReplication(remaining.length)) owe?.();
  await nameNode.setReplication(replicas, signal, 'above');
}

/** Adds the DataNodes to those that leave. Written again it has the NameNode resolve their names anew. */
async function enter(nameNode: NameNodeAdmin, datanodes: readonly string[]): Promise<void> {
  const others = (await nameNode.membership()).filter(({ hostName }) => !datanodes.includes(hostName));
  const leaving = datanodes.map(
    (hostName): MembershipEntry => ({ hostName, port: dataNodePort, adminState: 'DECOMMISSIONED' }),
  );
  await nameNode.setMembership([...others, ...leaving]);
}

async function takeBack({ nameNode }: DrainDataNodesParts, request: DrainDataNodesRequest): Promise<void> {
  // The replication first: else what comes back makes replicas too many, which are deleted and made again.
  if (request.replication === 'auto') {
    await nameNode.setReplication(chooseReplication(request.datanodes.length + request.remaining.length));
  }
  await forgetDataNodes(nameNode, request.datanodes);
}

/** What a drain in progress keeps in mind; a successor does well without. */
interface Following {
  deadSinceMs: number | null;
  /** Since when one that stays, and takes blocks, is away. */
  shortSinceMs: number | null;
  /** Replicas that no file may have more of; null where the project says how many. */
  replicas: number | null;
  loweredAtMs: number;
  told: string;
}

async function followDrain(
  parts: DrainDataNodesParts,
  request: DrainDataNodesRequest,
  replicas: number | null,
): Promise<void> {
  const { clock } = parts;
  const following: Following = {
    ...{ deadSinceMs: null, shortSinceMs: null, replicas, loweredAtMs: clock.now(), told: '' },
  };
  let awaySinceMs: number | null = null;
  for (;;) {
    request.signal.throwIfAborted();
    const known = await awaitNameNode(parts, request);
    try {
      if (await checkProgress(parts, request, known, following)) return;
      awaySinceMs = null;
    } catch (error) {
      // A NameNode that starts anew knows what it was told.
      awaySinceMs ??= clock.now();
      if (!isAway(error) || clock.now() - awaySinceMs >= answerTimeoutMs) throw error;
    }
    await clock.wait(pollMs, request.signal);
  }
}

/** True when nothing holds the DataNodes any more. */
async function checkProgress(
  parts: DrainDataNodesParts,
  request: DrainDataNodesRequest,
  known: readonly DataNodeFacts[],
  following: Following,
): Promise<boolean> {
  const { nameNode, clock } = parts;
  const { datanodes, report, signal } = request;
  const going = known.filter(({ name }) => datanodes.includes(name));
  const waiting = going.filter((one) => !isReleased(one));
  // One that the NameNode has not seen since its start counts as dead too.
  const unseen = datanodes.filter((name) => !going.some((one) => one.name === name));
  const dead = [...unseen, ...waiting.filter(({ state }) => state === 'dead').map(({ name }) => name)];
  if (waiting.length + unseen.length === 0 && (await holdNothingAlone(nameNode, datanodes, signal))) return true;
  // A DataNode that was away while its name was resolved, or came back with another address, is in service again.
  if (going.some(({ state }) => state === 'live')) await enter(nameNode, datanodes);
  following.deadSinceMs = dead.length === 0 ? null : (following.deadSinceMs ?? clock.now());
  if (following.deadSinceMs !== null && clock.now() - following.deadSinceMs >= deadPatienceMs) {
    if (waiting.every(({ state }) => state === 'dead') && (await isDispensable(nameNode, dead))) return true;
  }
  const missed = await decideAnew(parts, request, known, following);
  if (following.replicas !== null && clock.now() - following.loweredAtMs >= lowerAgainMs) {
    const startedMs = clock.now();
    await nameNode.setReplication(following.replicas, signal, 'above');
    // Of many files the NameNode has its work; a tenth of the time is for this.
    following.loweredAtMs = clock.now() + 9 * (clock.now() - startedMs);
  }
  const detail = describeProgress(waiting, [...dead, ...missed]);
  if (detail !== following.told) report({ kind: 'step-progress', step: drainStepName(datanodes), detail });
  following.told = detail;
  return false;
}

/**
 * One that is to take blocks went in the middle: where it does not come back, what was decided at the start is decided
 * again, and refused where it would have been refused then. Returns who is missed.
 */
async function decideAnew(
  parts: DrainDataNodesParts,
  request: DrainDataNodesRequest,
  known: readonly DataNodeFacts[],
  following: Following,
): Promise<readonly string[]> {
  const now = parts.clock.now();
  const missed = findMissed(request, known);
  following.shortSinceMs = missed.length === 0 ? null : (following.shortSinceMs ?? now);
  if (following.shortSinceMs === null || now - following.shortSinceMs < deadPatienceMs) return missed;
  following.shortSinceMs = now;
  const { lowerNow, most } = await checkDrain(parts, request, known);
  if (lowerNow && most !== null) await lower(parts, request, most);
  following.replicas = most;
  return missed;
}

/** True for a NameNode that does not answer. */
export function isAway(error: unknown): boolean {
  return error instanceof SparkPlugError && error.code === 'HDFS_AWAY';
}

function isReleased({ state, released }: DataNodeFacts): boolean {
  return state === 'decommissioned' || (state === 'dead' && released);
}

async function holdNothingAlone(
  nameNode: NameNodeAdmin,
  datanodes: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  return (await nameNode.findBlocksOnlyOn(datanodes, signal)).blocks === 0;
}

/** True when nothing is missed without the dead; throws when something is. */
async function isDispensable(nameNode: NameNodeAdmin, dead: readonly string[]): Promise<boolean> {
  const { missingBlocks, underReplicatedBlocks } = await nameNode.state();
  if (missingBlocks === 0) return underReplicatedBlocks === 0;
  throw new SparkPlugError(
    'DATANODE_LOST',
    `${dead.join(', ')} died before everything was copied: ${missingBlocks} blocks have no other copy`,
    {
      place: dead.join(', '),
      hint: 'bring its machine or its disk back and repeat the command; `hdfs fsck / -list-corruptfileblocks` (sparkplug exec namenode) names the files',
    },
  );
}

function describeProgress(waiting: readonly DataNodeFacts[], gone: readonly string[]): string {
  const left = waiting.filter(({ state }) => state !== 'dead');
  const parts = left.map(({ name, state, underReplicatedBlocks, blocks }) =>
    state === 'decommissioning'
      ? `${name}: ${underReplicatedBlocks} of ${blocks} blocks left`
      : `${name}: asked to leave`,
  );
  return [...parts, ...gone.map((name) => `${name} does not answer`)].join('; ') || 'checking every block';
}

/** `12 blocks of 3 files (40 MiB): /a, /b, /c`. */
function describeLoss({ blocks, files, bytes, examples }: BlocksAtRisk): string {
  const more = files > examples.length ? `, and ${files - examples.length} more` : '';
  return `${blocks} blocks of ${files} files (${formatBytes(bytes)}): ${examples.join(', ')}${more}`;
}

function formatBytes(bytes: number): string {
  return bytes < bytesPerMiB ? `${bytes} bytes` : formatMiB(Math.round(bytes / bytesPerMiB));
}
