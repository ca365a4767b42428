// What administers the NameNode: which DataNodes leave, how many replicas files have, what only some DataNodes hold.
import { z } from 'zod';
import { SparkPlugError } from '../../errors.ts';
import type { Docker } from '../docker/docker.ts';
import { type FetchOptions, fetchJson } from '../fetch-json.ts';
import { type NameNodeState, readNameNode } from './name-node.ts';
import { type ScannedFile, scanFiles } from './scan-files.ts';

export interface MembershipEntry {
  /** Name of the DataNode's service, resolved by the NameNode each time it reads the entries. */
  readonly hostName: string;
  readonly port: number;
  readonly adminState: 'NORMAL' | 'DECOMMISSIONED';
}

export interface DataNodeFacts {
  /** The name of its service, under which it registered. */
  readonly name: string;
  /** Where it serves blocks, `10.0.1.7:9866`; another one after a restart. */
  readonly address: string;
  /** Where it is in the NameNode's topology: its machine. */
  readonly machine: string;
  readonly state: 'live' | 'decommissioning' | 'decommissioned' | 'dead';
  /** Dead, but nothing is missed of it: the NameNode counts it as decommissioned. */
  readonly released: boolean;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly remainingBytes: number;
  readonly blocks: number;
  /** While it is decommissioned: blocks that do not have enough replicas elsewhere yet, those of open files included. */
  readonly underReplicatedBlocks: number;
}

/** Blocks with no replica anywhere else. */
export interface BlocksAtRisk {
  readonly files: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Paths of the first few files. */
  readonly examples: readonly string[];
}

/** Errors: HDFS_AWAY where the NameNode does not answer, HDFS_FAILED where it refuses. */
export interface NameNodeAdmin {
  state(): Promise<NameNodeState>;
  /** What an earlier `setMembership` left. */
  membership(): Promise<readonly MembershipEntry[]>;
  /**
   * Replaces the entries and has the NameNode look at them. Entries in the state NORMAL are not written: a single one
   * would make the file a list of all who may register. A name that resolves to nothing counts as not there.
   */
  setMembership(entries: readonly MembershipEntry[]): Promise<void>;
  /** By name: live ones, those that leave, and dead ones where no live one has their name. */
  listDataNodes(): Promise<readonly DataNodeFacts[]>;
  scanFiles(signal?: AbortSignal): AsyncIterable<ScannedFile>;
  /** What would be lost without these DataNodes. */
  findBlocksOnlyOn(datanodes: readonly string[], signal?: AbortSignal): Promise<BlocksAtRisk>;
  /**
   * Gives every file this many replicas (`above`: every file that has more) and returns how many files had another number.
   * The copying comes later.
   */
  setReplication(replicas: number, signal?: AbortSignal, which?: 'differing' | 'above'): Promise<number>;
  /** The most replicas that a file should have, with one such file; null without files. */
  highestReplication(signal?: AbortSignal): Promise<{ readonly replicas: number; readonly path: string } | null>;
}

export interface NameNodeAdminParts {
  /** `http://namenode:9870` */
  readonly baseUrl: string;
  readonly docker: Pick<Docker, 'exec'>;
  /** Id of the NameNode's container on this engine; null while there is none. */
  readonly container: () => Promise<string | null>;
}

export const dataNodePort = 9866;

const timeoutMs = 5_000;
const membershipFile = '/data/state/dn-hosts.json';
const exampleFiles = 10;
/** Requests to WebHDFS at a time; each is one entry in the NameNode's journal. */
const concurrentChanges = 16;

/** Renamed into place, so that the NameNode never reads half of it. */
const replaceMembership = `set -e; cat >${membershipFile}.new; mv ${membershipFile}.new ${membershipFile}; exec /opt/sparkplug/bin/hdfs dfsadmin -refreshNodes`;

const Entries = z.array(
  z.object({
    hostName: z.string(),
    port: z.number().default(dataNodePort),
    adminState: z.enum(['NORMAL', 'DECOMMISSIONED']).default('NORMAL'),
  }),
);

const Info = z.object({
  beans: z.tuple([z.object({ LiveNodes: z.string(), DeadNodes: z.string(), DecomNodes: z.string() })]),
});
const Live = z.record(
  z.string(),
  z.object({
    xferaddr: z.string(),
    location: z.string(),
    adminState: z.string(),
    capacity: z.number(),
    used: z.number(),
    remaining: z.number(),
    numBlocks: z.number(),
  }),
);
const Dead = z.record(z.string(), z.object({ xferaddr: z.string(), location: z.string(), adminState: z.string() }));
const Leaving = z.record(
  z.string(),
  z.object({ underReplicatedBlocks: z.number(), underReplicateInOpenFiles: z.number() }),
);

export function createNameNodeAdmin({ baseUrl, docker, container }: NameNodeAdminParts): NameNodeAdmin {
  const inContainer = async (script: string, input?: string): Promise<string> => {
    const id = await container();
    if (id === null) {
      throw new SparkPlugError('HDFS_AWAY', 'the NameNode has no container', { hint: 'sparkplug status' });
    }
    const result = await docker.exec(id, ['sh', '-c', script], input === undefined ? {} : { input });
    if (result.exitCode === 0) return result.stdout;
    throw new SparkPlugError('HDFS_AWAY', 'the NameNode does not take the list of DataNodes that leave', {
      met: (result.stderr || result.stdout).trim().split('\n').slice(-3).join(' '),
      hint: 'sparkplug logs namenode',
    });
  };

  const listDataNodes = () => orAway(readDataNodes(baseUrl, { timeoutMs }));
  const scan = (signal?: AbortSignal) => scanFiles(baseUrl, signal);

  return {
    state: () => orAway(readNameNode(baseUrl, { timeoutMs })),
    membership: async () => Entries.parse(JSON.parse(await inContainer(`cat ${membershipFile}`))),
    setMembership: async (entries) => {
      const written = entries.filter(({ adminState }) => adminState !== 'NORMAL');
      await inContainer(replaceMembership, `${JSON.stringify(written)}\n`);
    },
    listDataNodes,
    scanFiles: scan,
    findBlocksOnlyOn: async (datanodes, signal) => {
      const going = (await listDataNodes()).filter(({ name }) => datanodes.includes(name));
      return countBlocksOnlyOn(scan(signal), new Set(going.map(({ address }) => address)));
    },
    setReplication: async (replicas, signal, which = 'differing') => {
      const differing = differingPaths(scan(signal), replicas, which);
      let changed = 0;
      const work = async (): Promise<void> => {
        for await (const path of differing) {
          if (await setReplicationOf(baseUrl, path, replicas, signal)) changed += 1;
        }
      };
      await Promise.all(Array.from({ length: concurrentChanges }, work));
      return changed;
    },
    highestReplication: async (signal) => {
      let highest: { replicas: number; path: string } | null = null;
      for await (const { replication, path } of scan(signal)) {
        if (replication > (highest?.replicas ?? 0)) highest = { replicas: replication, path };
      }
      return highest;
    },
  };
}

async function orAway<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (error) {
    throw new SparkPlugError('HDFS_AWAY', 'the NameNode does not answer', { hint: 'sparkplug status', cause: error });
  }
}

async function readDataNodes(baseUrl: string, options: FetchOptions): Promise<DataNodeFacts[]> {
  const answer = await fetchJson(`${baseUrl}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo`, Info, options);
  const [info] = answer.beans;
  const leaving = Leaving.parse(JSON.parse(info.DecomNodes));
  const live = Object.entries(Live.parse(JSON.parse(info.LiveNodes))).map(([key, node]): DataNodeFacts => {
    const missing = leaving[key];
    return {
      name: nameOf(key),
      address: node.xferaddr,
      machine: node.location,
      state: readState(node.adminState),
      released: false,
      capacityBytes: node.capacity,
      usedBytes: node.used,
      remainingBytes: node.remaining,
      blocks: node.numBlocks,
      underReplicatedBlocks: (missing?.underReplicatedBlocks ?? 0) + (missing?.underReplicateInOpenFiles ?? 0),
    };
  });
  const nothing = { capacityBytes: 0, usedBytes: 0, remainingBytes: 0, blocks: 0, underReplicatedBlocks: 0 };
  const dead = Object.entries(Dead.parse(JSON.parse(info.DeadNodes)))
    .map(
      ([key, node]): DataNodeFacts => ({
        name: nameOf(key),
        address: node.xferaddr,
        machine: node.location,
        state: 'dead',
        released: node.adminState === 'Decommissioned',
        ...nothing,
      }),
    )
    // One that came back with an empty disk is another to the NameNode.
    .filter(({ name }) => !live.some((one) => one.name === name));
  return [...live, ...dead].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function nameOf(key: string): string {
  return key.replace(/:\d+$/, '');
}

function readState(adminState: string): 'live' | 'decommissioning' | 'decommissioned' {
  if (adminState === 'Decommission In Progress') return 'decommissioning';
  return adminState === 'Decommissioned' ? 'decommissioned' : 'live';
}

async function countBlocksOnlyOn(
  files: AsyncIterable<ScannedFile>,
  addresses: ReadonlySet<string>,
): Promise<BlocksAtRisk> {
  const sum = { files: 0, blocks: 0, bytes: 0, examples: [] as string[] };
  for await (const file of files) {
    const only = file.blocks.filter(({ replicas }) => isOnlyOn(replicas, addresses));
    if (only.length === 0) continue;
    sum.files += 1;
    sum.blocks += only.length;
    sum.bytes += only.reduce((bytes, block) => bytes + block.bytes, 0);
    if (sum.examples.length < exampleFiles) sum.examples.push(file.path);
  }
  return sum;
}

/** A block that nobody holds is lost already, whoever leaves. */
function isOnlyOn(replicas: ScannedFile['blocks'][number]['replicas'], addresses: ReadonlySet<string>): boolean {
  const usable = replicas.filter(({ state }) => state !== 'CORRUPT');
  return usable.length > 0 && usable.every(({ address }) => addresses.has(address));
}

async function* differingPaths(
  files: AsyncIterable<ScannedFile>,
  replicas: number,
  which: 'differing' | 'above',
): AsyncGenerator<string> {
  for await (const { path, replication } of files) {
    if (which === 'above' ? replication > replicas : replication !== replicas) yield path;
  }
}

/** False for a file that is gone meanwhile. */
async function setReplicationOf(
  baseUrl: string,
  path: string,
  replicas: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const url = `${baseUrl}/webhdfs/v1${encoded}?op=SETREPLICATION&replication=${replicas}&user.name=sparkplug`;
  signal?.throwIfAborted();
  const answer = await orAway(
    fetch(url, { method: 'PUT', redirect: 'error', ...(signal === undefined ? {} : { signal }) }),
  );
  const text = await answer.text();
  signal?.throwIfAborted();
  if (answer.ok) return true;
  if (answer.status === 404) return false;
  throw new SparkPlugError('HDFS_FAILED', `HDFS does not set the replication of ${path}`, {
    met: text.slice(0, 300),
    hint: 'sparkplug logs namenode',
  });
}
