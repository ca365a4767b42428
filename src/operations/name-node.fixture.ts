// For tests: a NameNode that moves some blocks each time it is asked, and keeps only what a real one keeps.
import type {
  BlocksAtRisk,
  DataNodeFacts,
  MembershipEntry,
  NameNodeAdmin,
} from '../adapters/namenode/name-node-admin.ts';
import type { ScannedFile } from '../adapters/namenode/scan-files.ts';

export interface FakeFile {
  readonly path: string;
  replication: number;
  readonly bytes: number;
  /** Names of DataNodes. */
  readonly holders: Set<string>;
}

export interface FakeNameNode {
  readonly admin: NameNodeAdmin;
  readonly files: FakeFile[];
  entries: readonly MembershipEntry[];
  readonly dead: Set<string>;
  /** Throws before the n-th change or question from now on; null: never. */
  failAfter: number | null;
  readonly calls: string[];
  safeMode: boolean;
}

const gib = 1024 ** 3;

/** `names`: live DataNodes, each on a machine of its own, with `freeBytes` left. */
export function createFakeNameNode(names: readonly string[], freeBytes = 100 * gib): FakeNameNode {
  const node: FakeNameNode = {
    files: [],
    entries: [],
    dead: new Set(),
    failAfter: null,
    calls: [],
    safeMode: false,
    admin: {
      state: async () => {
        call('state');
        const missing = node.files.filter((file) => holdersOf(file).length === 0).length;
        return {
          safeMode: node.safeMode,
          live: [],
          capacityBytes: 0,
          usedBytes: 0,
          remainingBytes: 0,
          missingBlocks: missing,
          underReplicatedBlocks: node.files.filter(isShort).length,
          corruptBlocks: 0,
          dead: [...node.dead],
          staleStorages: 0,
        };
      },
      membership: async () => {
        call('membership');
        return node.entries;
      },
      setMembership: async (entries) => {
        call(`set ${entries.map(({ hostName }) => hostName).join(' ') || 'nobody'}`);
        node.entries = entries;
      },
      listDataNodes: async () => {
        call('list');
        copySome();
        return names.map(describe);
      },
      scanFiles: () => scan(),
      findBlocksOnlyOn: async (datanodes) => {
        call('blocks only there');
        return blocksOnlyOn(datanodes);
      },
      setReplication: async (replicas, _signal, which = 'differing') => {
        call(`replication ${replicas}`);
        const differing = node.files.filter(({ replication }) =>
          which === 'above' ? replication > replicas : replication !== replicas,
        );
        for (const file of differing) file.replication = replicas;
        return differing.length;
      },
      highestReplication: async () => null,
    },
  };

  const call = (name: string): void => {
    if (node.failAfter !== null) {
      node.failAfter -= 1;
      if (node.failAfter < 0) throw new Error('killed');
    }
    if (!['state', 'list', 'membership'].includes(name)) node.calls.push(name);
  };
  const isLeaving = (name: string) => node.entries.some(({ hostName }) => hostName === name);
  const holdersOf = ({ holders }: FakeFile) => [...holders].filter((name) => !node.dead.has(name));
  const goodHolders = (file: FakeFile) => holdersOf(file).filter((name) => !isLeaving(name));
  const isShort = (file: FakeFile) => goodHolders(file).length < file.replication;
  const shortOn = (name: string) => node.files.filter((file) => file.holders.has(name) && isShort(file));

  /** Two blocks a time, from any live holder to one that stays. */
  const copySome = (): void => {
    for (const file of node.files.filter((one) => isShort(one) && holdersOf(one).length > 0).slice(0, 2)) {
      const target = names.find((name) => !node.dead.has(name) && !isLeaving(name) && !file.holders.has(name));
      if (target !== undefined) file.holders.add(target);
    }
  };
  const describe = (name: string): DataNodeFacts => {
    const done = isLeaving(name) && shortOn(name).length === 0;
    const isDead = node.dead.has(name);
    const alive = done ? 'decommissioned' : isLeaving(name) ? 'decommissioning' : 'live';
    return {
      name,
      address: `${name}:9866`,
      machine: `/${name}`,
      state: isDead ? 'dead' : alive,
      released: isDead && done,
      capacityBytes: freeBytes,
      usedBytes: 0,
      remainingBytes: freeBytes,
      blocks: node.files.filter(({ holders }) => holders.has(name)).length,
      underReplicatedBlocks: isLeaving(name) ? shortOn(name).length : 0,
    };
  };
  async function* scan(): AsyncGenerator<ScannedFile> {
    call('scan');
    for (const { path, replication, bytes, holders } of node.files) {
      const replicas = [...holders].map((name) => ({ address: `${name}:9866`, state: 'LIVE' }));
      yield { path, replication, open: false, blocks: [{ bytes, replicas }] };
    }
  }
  const blocksOnlyOn = (datanodes: readonly string[]): BlocksAtRisk => {
    const only = node.files.filter((file) => {
      const holders = holdersOf(file);
      return holders.length > 0 && holders.every((name) => datanodes.includes(name));
    });
    const bytes = only.reduce((sum, file) => sum + file.bytes, 0);
    return { files: only.length, blocks: only.length, bytes, examples: only.map(({ path }) => path) };
  };
  return node;
}
