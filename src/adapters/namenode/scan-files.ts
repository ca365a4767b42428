// Every file with its blocks and who holds them, from the NameNode's fsck servlet, read as it comes: a namespace of
// millions of files passes through without standing in memory.
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { SparkPlugError } from '../../errors.ts';

export interface BlockReplica {
  /** `10.0.1.7:9866` */
  readonly address: string;
  /** As fsck writes it: `LIVE`, `DECOMMISSIONING`, `DECOMMISSIONED`, `CORRUPT`, `EXCESS`, … */
  readonly state: string;
}

export interface ScannedBlock {
  readonly bytes: number;
  readonly replicas: readonly BlockReplica[];
}

export interface ScannedFile {
  readonly path: string;
  /** How many replicas its blocks should have. */
  readonly replication: number;
  /** Somebody is writing it. */
  readonly open: boolean;
  readonly blocks: readonly ScannedBlock[];
}

/** `/data/x 500000 bytes, replicated: replication=2, 1 block(s):  OK`; of an open file `…block(s), OPENFORWRITE: …`. */
const fileLine = /^(\/.*) \d+ bytes, replicated: replication=(\d+), \d+ block\(s\)(.*)$/;
/** `0. BP-…:blk_1_1 len=5 Live_repl=2  [DatanodeInfoWithStorage[10.0.1.7:9866,DS-…,DISK](LIVE), …]` */
const blockLine = /^\d+\. \S+ len=(\d+) /;
/** Of an open file's last block: `[DatanodeInfoWithStorage[…], …]` without states. */
const replica = /DatanodeInfoWithStorage\[([^,\]]+),[^\]]*\](?:\(([A-Z_]+)\))?/g;

/**
 * Reads all files of HDFS, open ones too.
 * @throws SparkPlugError HDFS_AWAY when the NameNode does not answer, HDFS_FAILED when it ended before the last file.
 */
export async function* scanFiles(baseUrl: string, signal?: AbortSignal): AsyncGenerator<ScannedFile> {
  const query = 'ugi=sparkplug&path=%2F&files=1&blocks=1&locations=1&replicadetails=1&openforwrite=1';
  const answer = await askFsck(`${baseUrl}/fsck?${query}`, signal);
  if (!answer.ok || answer.body === null) {
    await answer.body?.cancel();
    throw new SparkPlugError('HDFS_FAILED', `the NameNode answered ${answer.status} when asked for its files`, {
      hint: 'sparkplug logs namenode',
    });
  }
  yield* parseFsck(createInterface({ input: Readable.fromWeb(answer.body), crlfDelay: Number.POSITIVE_INFINITY }));
}

async function askFsck(url: string, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'error', ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw new SparkPlugError('HDFS_AWAY', 'the NameNode does not answer', { hint: 'sparkplug status', cause: error });
  }
}

/** Lines of fsck → files. */
export async function* parseFsck(lines: AsyncIterable<string>): AsyncGenerator<ScannedFile> {
  let file: (ScannedFile & { readonly blocks: ScannedBlock[] }) | null = null;
  let complete = false;
  for await (const line of lines) {
    const found = fileLine.exec(line);
    if (found !== null) {
      if (file !== null) yield file;
      const [, path = '', replication = '', rest = ''] = found;
      file = { path, replication: Number(replication), open: rest.includes('OPENFORWRITE'), blocks: [] };
      continue;
    }
    const block = blockLine.exec(line);
    if (block !== null) file?.blocks.push({ bytes: Number(block[1]), replicas: readReplicas(line) });
    if (line.startsWith('FSCK ended at')) complete = true;
  }
  if (file !== null) yield file;
  if (complete) return;
  throw new SparkPlugError('HDFS_FAILED', 'the NameNode broke off while it listed its files', {
    hint: 'sparkplug logs namenode',
  });
}

function readReplicas(line: string): BlockReplica[] {
  return [...line.matchAll(replica)].map(([, address = '', state = 'LIVE']) => ({ address, state }));
}
