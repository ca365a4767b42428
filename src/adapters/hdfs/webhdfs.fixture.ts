// For tests: a NameNode and a DataNode that speak WebHDFS on 127.0.0.1, with a file system in memory.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

interface StoredFile {
  readonly kind: 'FILE' | 'DIRECTORY';
  /** Null: only the length was kept, and zeros are served. */
  content: Buffer | null;
  length: number;
  modifiedMs: number;
  /** What its writer asked for. */
  replication?: number;
}

/** What goes wrong on purpose. */
export interface Faults {
  /** Exception of the NameNode for operations that change something. */
  refuseChanges: { exception: string; message: string } | null;
  /** Host that the NameNode names in `Location` instead of the DataNode. */
  wrongLocation: string | null;
  /** The DataNode cuts the connection after so many bytes of a download. */
  cutAfterBytes: number | null;
  /** What the DataNode does to an upload after its first bytes. */
  upload: 'cut' | 'refuse' | null;
  /** Bytes that the DataNode has left. */
  capacityRemaining: number;
  liveDataNodes: number;
  /** Addresses that the NameNode takes for DataNodes and names first, where nobody listens. */
  killed: readonly string[];
  /** The only DataNode that lives holds nothing. */
  onlyOnKilled: boolean;
}

export interface FakeHdfs {
  readonly url: string;
  readonly files: Map<string, StoredFile>;
  readonly faults: Faults;
  /** Uploads above this size keep only their length. */
  keepBytes: number;
  /** Transfers that the DataNode has open now. */
  transfers: number;
  /** Entries per page of a listing. */
  pageSize: number;
  put(path: string, content: Buffer | string, modifiedMs?: number): void;
  /** Connections to the DataNode. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** Starts both servers. */
export async function startFakeHdfs(): Promise<FakeHdfs> {
  const files = new Map<string, StoredFile>([['/', folder()]]);
  const faults: Faults = {
    refuseChanges: null,
    wrongLocation: null,
    cutAfterBytes: null,
    upload: null,
    capacityRemaining: 2 ** 40,
    liveDataNodes: 1,
    killed: [],
    onlyOnKilled: false,
  };
  const dataNode = createServer((request, response) => {
    serveData(fake, request, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  const nameNode = createServer((request, response) => serveNames(fake, portOf(dataNode), request, response));
  await Promise.all([listen(nameNode), listen(dataNode)]);
  const fake: FakeHdfs = {
    url: `http://127.0.0.1:${portOf(nameNode)}`,
    files,
    faults,
    keepBytes: 16 * 1024 * 1024,
    transfers: 0,
    pageSize: 1000,
    put: (path, content, modifiedMs = Date.now()) => {
      makeFolders(files, parentOf(path));
      const bytes = Buffer.from(content);
      files.set(path, { kind: 'FILE', content: bytes, length: bytes.length, modifiedMs });
    },
    connections: promisify(dataNode.getConnections.bind(dataNode)),
    close: async () => {
      for (const server of [nameNode, dataNode]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
  return fake;
}

function serveNames(
  fake: FakeHdfs,
  dataPort: number,
  request: IncomingMessage,
  response: ServerResponse,
): ServerResponse {
  const { path, query, op } = parse(request);
  const { files, faults } = fake;
  if (request.url?.startsWith('/jmx?')) {
    return answer(response, { beans: [describeNameNode(faults)] });
  }
  const file = files.get(path);
  const refusal = faults.refuseChanges;
  if (refusal !== null && request.method !== 'GET') return fail(response, 403, refusal.exception, refusal.message);
  const excluded = query.get('excludedatanodes')?.split(',') ?? [];
  const holders = faults.onlyOnKilled ? faults.killed : [...faults.killed, '127.0.0.1'];
  const holder = holders.find((one) => !excluded.includes(one));
  if (holder === undefined) return fail(response, 403, 'IOException', 'No active nodes contain this block');
  const host = faults.wrongLocation ?? `${holder}:${dataPort}`;
  const location = { Location: `http://${host}${request.url}` };
  if (op === 'CREATE') {
    if (file !== undefined) return fail(response, 403, 'FileAlreadyExistsException', `${path} exists`);
    return answer(response, location);
  }
  if (op === 'MKDIRS') {
    if (file?.kind === 'FILE') return fail(response, 403, 'FileAlreadyExistsException', `${path} is a file`);
    makeFolders(files, path);
    return answer(response, { boolean: true });
  }
  if (op === 'DELETE') return remove(fake, path, query.get('recursive') === 'true', response);
  if (file === undefined) return fail(response, 404, 'FileNotFoundException', `File does not exist: ${path}`);
  if (op === 'OPEN') return answer(response, location);
  if (op === 'GETFILESTATUS') return answer(response, { FileStatus: statusOf('', file) });
  if (op === 'RENAME') return rename(fake, path, query, response);
  if (op === 'LISTSTATUS_BATCH') return list(fake, path, query.get('startAfter') ?? '', response);
  if (op === 'GETCONTENTSUMMARY') {
    const below = [...files].filter(([name]) => name === path || name.startsWith(path === '/' ? '/' : `${path}/`));
    const length = below.reduce((sum, [, entry]) => sum + entry.length, 0);
    const fileCount = below.filter(([, entry]) => entry.kind === 'FILE').length;
    const sum = { length, spaceConsumed: 2 * length, fileCount, directoryCount: below.length - fileCount };
    return answer(response, { ContentSummary: sum });
  }
  return fail(response, 400, 'IllegalArgumentException', `Invalid value for webhdfs parameter "op": ${op}`);
}

function describeNameNode(faults: Faults): Record<string, string | number> {
  const live = [...faults.killed, '127.0.0.1'].map((address) => {
    const facts = { xferaddr: `${address}:9866`, adminState: 'In Service', capacity: 2 ** 40, remaining: 2 ** 40 };
    return [`${address}:9866`, facts];
  });
  return {
    Safemode: '',
    LiveNodes: JSON.stringify(Object.fromEntries(live)),
    DeadNodes: '{}',
    CapacityTotal: 2 ** 40,
    CapacityUsed: 0,
    CapacityRemaining: faults.capacityRemaining,
    NumLiveDataNodes: faults.liveDataNodes,
    NumStaleStorages: 0,
    MissingBlocks: 0,
    UnderReplicatedBlocks: 0,
    CorruptBlocks: 0,
  };
}

async function serveData(fake: FakeHdfs, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { path, query } = parse(request);
  fake.transfers += 1;
  try {
    if (request.method === 'PUT') await receive(fake, path, query, request, response);
    else await send(fake, path, query, response);
  } finally {
    fake.transfers -= 1;
  }
}

/** As a DataNode does: what arrived before a broken connection stays as the file. */
async function receive(
  fake: FakeHdfs,
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  // As Hadoop's handler does, asked for or not.
  response.writeContinue();
  makeFolders(fake.files, parentOf(path));
  const replication = Number(query.get('replication') ?? 3);
  const file: StoredFile = { kind: 'FILE', content: null, length: 0, modifiedMs: Date.now(), replication };
  fake.files.set(path, file);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      file.length += chunk.length;
      if (fake.faults.upload === 'cut') return void response.destroy();
      if (fake.faults.upload === 'refuse') {
        response.setHeader('connection', 'close');
        return void fail(response, 403, 'DiskOutOfSpaceException', 'Out of space');
      }
      if (file.length <= fake.keepBytes) chunks.push(chunk);
      else chunks.length = 0;
    }
  } finally {
    if (file.length <= fake.keepBytes) file.content = Buffer.concat(chunks);
  }
  response.writeHead(201, { location: `hdfs://namenode:8020${path}` }).end();
}

async function send(fake: FakeHdfs, path: string, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const file = fake.files.get(path);
  if (file === undefined) {
    fail(response, 404, 'FileNotFoundException', path);
    return;
  }
  const offset = Number(query.get('offset') ?? 0);
  const length = Math.min(Number(query.get('length') ?? file.length), file.length - offset);
  // As a DataNode does after each request.
  const headers = { 'content-type': 'application/octet-stream', 'content-length': length, connection: 'close' };
  response.writeHead(200, headers);
  const cut = fake.faults.cutAfterBytes;
  const sent = Math.min(length, cut ?? length);
  const content = file.content;
  await pipeline(Readable.from(content === null ? zeros(sent) : [content.subarray(offset, offset + sent)]), response, {
    end: false,
  });
  if (cut === null) response.end();
  else response.destroy();
}

function* zeros(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let left = bytes; left > 0; left -= chunk.length) yield left >= chunk.length ? chunk : chunk.subarray(0, left);
}

function remove(fake: FakeHdfs, path: string, recursive: boolean, response: ServerResponse): ServerResponse {
  const below = [...fake.files.keys()].filter((name) => name.startsWith(`${path}/`));
  if (below.length > 0 && !recursive) {
    const message = `\`${path} is non empty': Directory is not empty`;
    return fail(response, 403, 'PathIsNotEmptyDirectoryException', message);
  }
  for (const name of below) fake.files.delete(name);
  return answer(response, { boolean: fake.files.delete(path) });
}

function rename(fake: FakeHdfs, path: string, query: URLSearchParams, response: ServerResponse): ServerResponse {
  const target = query.get('destination') ?? '';
  const present = fake.files.get(target);
  if (present !== undefined && query.get('renameoptions') !== 'OVERWRITE') {
    return fail(response, 403, 'FileAlreadyExistsException', `rename destination ${target} already exists`);
  }
  const file = fake.files.get(path);
  if (file !== undefined) fake.files.set(target, file);
  fake.files.delete(path);
  return response.writeHead(200, { 'content-length': 0 }).end();
}

function list(fake: FakeHdfs, path: string, startAfter: string, response: ServerResponse): ServerResponse {
  const prefix = path === '/' ? '/' : `${path}/`;
  const names = [...fake.files.keys()]
    .filter((name) => name.startsWith(prefix) && name !== '/')
    .map((name) => name.slice(prefix.length))
    .filter((name) => !name.includes('/') && name > startAfter)
    .sort();
  const self = fake.files.get(path);
  const page = names.slice(0, fake.pageSize);
  const statuses =
    self?.kind === 'FILE'
      ? [statusOf('', self)]
      : page.flatMap((name) => {
          const file = fake.files.get(prefix + name);
          return file === undefined ? [] : [statusOf(name, file)];
        });
  return answer(response, {
    DirectoryListing: {
      partialListing: { FileStatuses: { FileStatus: statuses } },
      remainingEntries: names.length - page.length,
    },
  });
}

function statusOf(pathSuffix: string, file: StoredFile): Record<string, string | number> {
  const { kind: type, length, modifiedMs: modificationTime } = file;
  return {
    pathSuffix,
    type,
    length,
    modificationTime,
    replication: file.replication ?? 1,
    owner: 'sparkplug',
    group: 'g',
    permission: '644',
  };
}

function parse(request: IncomingMessage): { path: string; query: URLSearchParams; op: string } {
  const url = new URL(request.url ?? '/', 'http://fake');
  const path = decodeURIComponent(url.pathname.slice('/webhdfs/v1'.length)) || '/';
  return { path, query: url.searchParams, op: url.searchParams.get('op') ?? '' };
}

function makeFolders(files: Map<string, StoredFile>, path: string): void {
  if (files.has(path)) return;
  makeFolders(files, parentOf(path));
  files.set(path, folder());
}

function folder(): StoredFile {
  return { kind: 'DIRECTORY', content: null, length: 0, modifiedMs: Date.now() };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function answer(response: ServerResponse, body: unknown): ServerResponse {
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number, exception: string, message: string): ServerResponse {
  const body = { RemoteException: { exception, javaClassName: `org.apache.hadoop.${exception}`, message } };
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
