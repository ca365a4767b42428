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
  /** DataNodes that were live once and have been silent for too long. */
  readonly deadDataNodes: number;
  /** Disks of DataNodes that are back but have not told their blocks yet. */
  readonly staleStorages: number;
}

const Info = z.object({ beans: z.tuple([z.object({ Safemode: z.string(), LiveNodes: z.string() })]) });
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
const Storages = z.object({
  beans: z.tuple([z.object({ NumStaleStorages: z.number(), NumDeadDataNodes: z.number() })]),
});
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
  const [{ Safemode, LiveNodes: live }] = info.beans;
  const [facts] = system.beans;
  return {
    safeMode: Safemode !== '',
    live: readLiveNodes(live),
    capacityBytes: facts.CapacityTotal,
    usedBytes: facts.CapacityUsed,
    remainingBytes: facts.CapacityRemaining,
    missingBlocks: facts.MissingBlocks,
    underReplicatedBlocks: facts.UnderReplicatedBlocks,
    corruptBlocks: facts.CorruptBlocks,
    deadDataNodes: storages.beans[0].NumDeadDataNodes,
    staleStorages: storages.beans[0].NumStaleStorages,
  };
}

function readLiveNodes(text: string): LiveDataNode[] {
  return Object.entries(LiveNodes.parse(JSON.parse(text))).map(([name, node]) => ({
    host: name.replace(/:\d+$/, ''),
    address: (node.xferaddr ?? node.infoAddr ?? '').replace(/:\d+$/, ''),
    adminState: node.adminState,
    capacityBytes: node.capacity,
    remainingBytes: node.remaining,
  }));
}
