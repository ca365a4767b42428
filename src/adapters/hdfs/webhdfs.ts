// HDFS over WebHDFS: one method per operation, files as streams, exceptions as errors of the catalogue.
import { lookup } from 'node:dns/promises';
import type { Readable } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { Agent, type Dispatcher, errors } from 'undici';
import { z } from 'zod';
import { SparkPlugError } from '../../errors.ts';
import { readNameNode } from '../namenode/name-node.ts';
import { encodeHdfsPath, fileName, joinPath } from './hdfs-path.ts';
import { resumeStream } from './resume-stream.ts';
import { connectTo, sendFile } from './send-file.ts';
import { hdfsAway, hdfsFull, webHdfsError } from './webhdfs-error.ts';

export interface HdfsEntry {
  /** Absolute path. */
  readonly path: string;
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly bytes: number;
  readonly replication: number;
  readonly owner: string;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface HdfsUsage {
  readonly bytes: number;
  readonly bytesWithReplicas: number;
  readonly files: number;
  readonly folders: number;
}

export interface HdfsCall {
  readonly signal?: AbortSignal;
}

export interface OpenOptions extends HdfsCall {
  readonly offset?: number;
  readonly length?: number;
  /** The file as it was found: a transfer that breaks off goes on, as long as it is the same. */
  readonly found?: Pick<HdfsEntry, 'bytes' | 'modifiedMs'>;
}

/** HDFS as the rest of SparkPlug sees it. Paths are absolute and checked (`parseHdfsPath`). */
export interface Hdfs {
  status(path: string, call?: HdfsCall): Promise<HdfsEntry>;
  /** A folder's entries by name, page by page; a file lists itself. */
  list(path: string, call?: HdfsCall): AsyncGenerator<HdfsEntry>;
  usage(path: string, call?: HdfsCall): Promise<HdfsUsage>;
  /**
   * The bytes as they come; destroying the stream ends the transfer. Where a DataNode does not answer, another that holds
   * the first block is asked. HDFS_AWAY also in the middle, where no DataNode goes on or the file was written anew.
   */
  open(path: string, options?: OpenOptions): Promise<Readable>;
  /**
   * Writes a new file and its parent folders; fails when the file exists. A DataNode that refuses in the middle cuts the
   * connection, often before its reason arrives: the NameNode's counters then tell a full cluster from one that is away.
   */
  create(path: string, content: Readable, call?: HdfsCall): Promise<void>;
  makeFolders(path: string, call?: HdfsCall): Promise<void>;
  /** False when there was nothing to remove. */
  remove(path: string, options: HdfsCall & { readonly recursive: boolean }): Promise<boolean>;
  /** In one step on the NameNode; without `overwrite` an existing target is FILE_EXISTS. */
  rename(from: string, to: string, options: HdfsCall & { readonly overwrite: boolean }): Promise<void>;
  close(): Promise<void>;
}

export interface WebHdfsOptions {
  /** `http://namenode:9870`. */
  readonly nameNode: string;
  /** CIDR: file contents are only exchanged with DataNodes inside. */
  readonly dataSubnet: string;
  /** Of files that are written; `auto`: min(3, live DataNodes). */
  readonly replication: 'auto' | number;
  /** User name in HDFS; `sparkplug` by default. */
  readonly user?: string;
  /** Milliseconds until an answer must begin; 20 000 by default. */
  readonly timeoutMs?: number;
}

const FileStatus = z.object({
  pathSuffix: z.string(),
  type: z.string(),
  length: z.number(),
  replication: z.number(),
  owner: z.string(),
  modificationTime: z.number(),
});
const StatusAnswer = z.object({ FileStatus });
const ListAnswer = z.object({
  DirectoryListing: z.object({
    partialListing: z.object({ FileStatuses: z.object({ FileStatus: z.array(FileStatus) }) }),
    remainingEntries: z.number(),
  }),
});
const UsageAnswer = z.object({
  ContentSummary: z.object({
    length: z.number(),
    spaceConsumed: z.number(),
    fileCount: z.number(),
    directoryCount: z.number(),
  }),
});
const CapacityAnswer = z.object({
  beans: z.array(z.object({ CapacityTotal: z.number(), CapacityRemaining: z.number(), NumLiveDataNodes: z.number() })),
});
const BooleanAnswer = z.object({ boolean: z.boolean() });
const LocationAnswer = z.object({ Location: z.string() });

type Method = 'GET' | 'PUT' | 'DELETE';
type Parameters = Readonly<Record<string, string>>;

/** A DataNode may take this long to close a file after its last byte: the pipeline's slowest disk. */
const closeTimeoutMs = 120_000;
/** `dfs.blocksize`: a DataNode with less room than this takes no further block. */
const blockBytes = 128 * 1024 * 1024;
/** Of one file under `replication: auto`. */
const mostReplicas = 3;
const connectTimeoutMs = 5_000;
/** Pause between two chunks of a file after which the DataNode counts as gone. */
const bodyTimeoutMs = 60_000;

/** Connects lazily; HDFS_AWAY wherever NameNode or DataNode do not answer. */
export function createWebHdfs(options: WebHdfsOptions): Hdfs {
  const timeoutMs = options.timeoutMs ?? 20_000;
  const user = options.user ?? 'sparkplug';
  const agent = new Agent({ connect: { timeout: connectTimeoutMs }, connections: 64, pipelining: 1 });

  const exchange = async (url: string, request: Partial<Dispatcher.RequestOptions>, signal?: AbortSignal) => {
    try {
      const target = new URL(url);
      return await agent.request({
        origin: target.origin,
        path: target.pathname + target.search,
        method: 'GET',
        headersTimeout: timeoutMs,
        bodyTimeout: bodyTimeoutMs,
        ...request,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      return throwAway(error, { signal });
    }
  };

  const ask = async (method: Method, path: string, op: string, parameters: Parameters, call: HdfsCall) => {
    const query = new URLSearchParams({ op, 'user.name': user, ...parameters });
    const url = `${options.nameNode}/webhdfs/v1${encodeHdfsPath(path)}?${query}`;
    const answer = await exchange(url, { method }, call.signal);
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw webHdfsError(answer.statusCode, text, path);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };

  /** Where the NameNode takes this DataNode to be: what it excludes one by. Null where it does not say. */
  const findRegistered = async (name: string): Promise<string | null> => {
    const state = await readNameNode(options.nameNode, { timeoutMs }).catch(() => null);
    return state?.live.find(({ host }) => host === name)?.address ?? null;
  };

  /**
   * Has the first DataNode do it that answers, of those that the NameNode names: one that was just killed counts as live
   * for some time. `work` fails with HDFS_AWAY where its DataNode, under that URL inside the data network, does not answer.
   * Where none does, what the first one met is thrown.
   */
  const withDataNode = async <T>(
    [method, path, op, parameters]: readonly [Method, string, string, Parameters],
    call: HdfsCall,
    work: (url: string) => Promise<T>,
  ): Promise<T> => {
    const silent: string[] = [];
    let first: unknown;
    for (;;) {
      const excluded: Parameters = silent.length === 0 ? {} : { excludedatanodes: silent.join(',') };
      const answer = await ask(method, path, op, { ...parameters, ...excluded, noredirect: 'true' }, call).catch(
        (error: unknown) => {
          throw first ?? error;
        },
      );
      const location = new URL(LocationAnswer.parse(answer).Location);
      try {
        return await work(await addressInside(location, options.dataSubnet));
      } catch (error) {
        if (!isAway(error)) throw error;
        first ??= error;
        const address = await findRegistered(location.hostname);
        if (address === null || silent.includes(address)) throw first;
        silent.push(address);
      }
    }
  };

  const readStatus = async (path: string, call: HdfsCall): Promise<HdfsEntry> => {
    const { FileStatus: status } = StatusAnswer.parse(await ask('GET', path, 'GETFILESTATUS', {}, call));
    return toEntry(path, status);
  };

  const openAt = async (path: string, { offset, length, ...call }: OpenOptions): Promise<Readable> => {
    const parameters = {
      ...(offset === undefined ? {} : { offset: String(offset) }),
      ...(length === undefined ? {} : { length: String(length) }),
    };
    const answer = await withDataNode(['GET', path, 'OPEN', parameters], call, (url) => exchange(url, {}, call.signal));
    if (answer.statusCode >= 300) throw webHdfsError(answer.statusCode, await answer.body.text(), path);
    return answer.body;
  };

  /** Under `auto` by the DataNodes that live now; where the NameNode does not say, its own default. */
  const chooseReplication = async (): Promise<Parameters> => {
    if (options.replication !== 'auto') return { replication: String(options.replication) };
    const live = (await readCapacity())?.NumLiveDataNodes ?? 0;
    return live === 0 ? {} : { replication: String(Math.min(mostReplicas, live)) };
  };

  const create = async (path: string, content: Readable, call: HdfsCall) => {
    const parameters = { overwrite: 'false', ...(await chooseReplication()) };
    const { url, connection } = await withDataNode(['PUT', path, 'CREATE', parameters], call, async (url) => {
      const connection = await connectTo(url, connectTimeoutMs, call.signal).catch((error) => throwAway(error, call));
      return { url, connection };
    });
    const sending = { answerTimeoutMs: closeTimeoutMs, ...call };
    const { status, body } = await sendFile(connection, url, content, sending).catch((error) => {
      // Where the sender broke off, that is the cause, not the DataNode.
      if (content.errored instanceof SparkPlugError && call.signal?.aborted !== true) throw content.errored;
      return throwAway(error, call);
    });
    if (status >= 300) throw webHdfsError(status, body, path);
  };

  /** What there is altogether; null where the NameNode does not say. */
  const readCapacity = async () => {
    try {
      const bean = 'Hadoop:service=NameNode,name=FSNamesystemState';
      const answer = await exchange(`${options.nameNode}/jmx?qry=${bean}`, {});
      return CapacityAnswer.parse(await answer.body.json()).beans[0] ?? null;
    } catch {
      return null;
    }
  };

  /** True when live DataNodes have no room for one more block each; false also where the NameNode does not say. */
  const isFull = async (): Promise<boolean> => {
    const state = await readCapacity();
    // DataNodes that just came back have no capacity until their first report: away, not full.
    if (state === null || state.NumLiveDataNodes === 0 || state.CapacityTotal === 0) return false;
    return state.CapacityRemaining < state.NumLiveDataNodes * blockBytes;
  };

  return {
    status: (path, call = {}) => readStatus(path, call),
    list: (path, call = {}) => listPages(path, (parameters) => ask('GET', path, 'LISTSTATUS_BATCH', parameters, call)),
    usage: async (path, call = {}) => {
      const { ContentSummary: sum } = UsageAnswer.parse(await ask('GET', path, 'GETCONTENTSUMMARY', {}, call));
      const { length: bytes, spaceConsumed: bytesWithReplicas, fileCount: files, directoryCount: folders } = sum;
      return { bytes, bytesWithReplicas, files, folders };
    },
    open: async (path, call = {}) => {
      const { offset = 0, found, ...rest } = call;
      const first = await openAt(path, call);
      if (found === undefined) return first;
      const bytes = call.length ?? found.bytes - offset;
      return resumeStream(first, bytes, isConnectionError, async (behind) => {
        call.signal?.throwIfAborted();
        const now = await readStatus(path, call);
        if (now.bytes !== found.bytes || now.modifiedMs !== found.modifiedMs) throw replaced(path);
        return await openAt(path, { ...rest, offset: offset + behind, length: bytes - behind });
      });
    },
    create: async (path, content, call = {}) => {
      try {
        await create(path, content, call);
      } catch (error) {
        throw isAway(error) && (await isFull()) ? hdfsFull(path, error) : error;
      }
    },
    makeFolders: async (path, call = {}) => {
      await ask('PUT', path, 'MKDIRS', {}, call);
    },
    remove: async (path, { recursive, ...call }) =>
      BooleanAnswer.parse(await ask('DELETE', path, 'DELETE', { recursive: String(recursive) }, call)).boolean,
    rename: async (from, to, { overwrite, ...call }) => {
      // With options WebHDFS renames onto exactly this name and says why not; without, into an existing folder.
      const parameters = { destination: to, renameoptions: overwrite ? 'OVERWRITE' : 'NONE' };
      await ask('PUT', from, 'RENAME', parameters, call);
    },
    close: () => agent.close(),
  };
}

async function* listPages(path: string, ask: (parameters: Parameters) => Promise<unknown>): AsyncGenerator<HdfsEntry> {
  let parameters: Parameters = {};
  for (;;) {
    const { DirectoryListing: page } = ListAnswer.parse(await ask(parameters));
    const statuses = page.partialListing.FileStatuses.FileStatus;
    for (const status of statuses) {
      yield toEntry(status.pathSuffix === '' ? path : joinPath(path, status.pathSuffix), status);
    }
    const last = statuses.at(-1);
    if (page.remainingEntries <= 0 || last === undefined) return;
    parameters = { startAfter: last.pathSuffix };
  }
}

function toEntry(path: string, status: z.infer<typeof FileStatus>): HdfsEntry {
  return {
    path,
    name: fileName(path),
    kind: status.type === 'DIRECTORY' ? 'folder' : 'file',
    bytes: status.length,
    replication: status.replication,
    owner: status.owner,
    modifiedMs: status.modificationTime,
  };
}

/** The same address with the host as an IP inside the subnet: HDFS alone must not send us elsewhere. */
async function addressInside(location: URL, subnet: string): Promise<string> {
  const url = new URL(location);
  const range = ipaddr.parseCIDR(subnet);
  const candidates = ipaddr.isValid(url.hostname) ? [url.hostname] : await resolveName(url.hostname);
  const inside = candidates.find((text) => {
    const address = ipaddr.process(text);
    return address.kind() === range[0].kind() && address.match(range);
  });
  if (inside === undefined || url.protocol !== 'http:') {
    throw new SparkPlugError('HDFS_FAILED', `the NameNode named a DataNode outside the data network: ${url.host}`, {
      met: candidates.join(', '),
      hint: 'sparkplug logs namenode',
    });
  }
  url.hostname = inside;
  return url.href;
}

async function resolveName(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);
  } catch (error) {
    throw hdfsAway(error);
  }
}

function replaced(path: string): SparkPlugError {
  return new SparkPlugError('HDFS_AWAY', `${path} was written anew while it was read`, {
    place: path,
    hint: 'read it again',
  });
}

/** HDFS_AWAY for what is a failed connection; the caller's own reason where the caller gave up. */
function throwAway(error: unknown, { signal }: { readonly signal?: AbortSignal | undefined }): never {
  signal?.throwIfAborted();
  throw isConnectionError(error) ? hdfsAway(error) : error;
}

function isAway(error: unknown): boolean {
  return error instanceof SparkPlugError && error.code === 'HDFS_AWAY';
}

function isConnectionError(error: unknown): boolean {
  if (error instanceof errors.UndiciError) return !(error instanceof errors.InvalidArgumentError);
  return error instanceof Error && 'syscall' in error;
}
