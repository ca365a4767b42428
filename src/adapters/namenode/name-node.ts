// What the NameNode says over JMX: safe mode, live DataNodes, space and blocks.
import { z } from 'zod';
import { type FetchOptions, fetchJson } from '../fetch-json.ts';

export interface LiveDataNode {
  /** Name under which it registered: its service's name or its address. */
  readonly host: string;
  readonly address: string;
  readonly adminState: string;
  readonly capacityBytes: number;
  readonly remainingBytes: number;
}

export interface NameNodeState {
  readonly safeMode: boolean;
  readonly live: readonly LiveDataNode[];
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly remainingBytes: number;
  readonly missingBlocks: number;
  readonly underReplicatedBlocks: number;
  readonly corruptBlocks: number;
  /**
   * Names of DataNodes that have been silent for too long. One that was removed stays among them until the NameNode's next
   * start; one that came back with an empty disk does not.
   */
  readonly dead: readonly string[];
  /** Disks of DataNodes that are back but have not told their blocks yet. */
  readonly staleStorages: number;
}

const Info = z.object({
  beans: z.tuple([z.object({ Safemode: z.string(), LiveNodes: z.string(), DeadNodes: z.string() })]),
});
const System = z.object({
  beans: z.tuple([
    z.object({
      CapacityTotal: z.number(),
      CapacityUsed: z.number(),
      CapacityRemaining: z.number(),
      MissingBlocks: z.number(),
      UnderReplicatedBlocks: z.number(),
      CorruptBlocks: z.number(),
    }),
  ]),
});
const Storages = z.object({ beans: z.tuple([z.object({ NumStaleStorages: z.number() })]) });
const DeadNodes = z.record(z.string(), z.unknown());
/** LiveNodes is JSON inside a JSON string: host name with port → facts. */
const LiveNodes = z.record(
  z.string(),
  z.object({
    infoAddr: z.string().optional(),
    xferaddr: z.string().optional(),
    adminState: z.string(),
    capacity: z.number(),
    remaining: z.number(),
  }),
);

/** Reads the NameNode's state. Throws a plain Error when it does not answer in time. */
export async function readNameNode(baseUrl: string, options: FetchOptions): Promise<NameNodeState> {
  const bean = (name: string): string => `${baseUrl}/jmx?qry=Hadoop:service=NameNode,name=${name}`;
  const [info, system, storages] = await Promise.all([
    fetchJson(bean('NameNodeInfo'), Info, options),
    fetchJson(bean('FSNamesystem'), System, options),
    fetchJson(bean('FSNamesystemState'), Storages, options),
  ]);
  const [{ Safemode, LiveNodes: live, DeadNodes: dead }] = info.beans;
  const liveNodes = readLiveNodes(live);
  const [facts] = system.beans;
  return {
    safeMode: Safemode !== '',
    live: liveNodes,
    capacityBytes: facts.CapacityTotal,
    usedBytes: facts.CapacityUsed,
    remainingBytes: facts.CapacityRemaining,
    missingBlocks: facts.MissingBlocks,
    underReplicatedBlocks: facts.UnderReplicatedBlocks,
    corruptBlocks: facts.CorruptBlocks,
    dead: Object.keys(DeadNodes.parse(JSON.parse(dead)))
      .map(hostOf)
      .filter((name) => !liveNodes.some(({ host }) => host === name)),
    staleStorages: storages.beans[0].NumStaleStorages,
  };
}

function readLiveNodes(text: string): LiveDataNode[] {
  return Object.entries(LiveNodes.parse(JSON.parse(text))).map(([name, node]) => ({
    host: hostOf(name),
    address: (node.xferaddr ?? node.infoAddr ?? '').replace(/:\d+$/, ''),
    adminState: node.adminState,
    capacityBytes: node.capacity,
    remainingBytes: node.remaining,
  }));
}

function hostOf(key: string): string {
  return key.replace(/:\d+$/, '');
}
