// Copies against a web that keeps files in memory: folders, targets, refusals, whole files only.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { FileStatus } from '../api/schemas.ts';
import { writeProjectState } from '../config/project-state.ts';
import { ensureSecrets } from '../config/user-folder.ts';
import { version } from '../version.ts';
import { getFiles, putFiles } from './hdfs.ts';

const files = new Map<string, Buffer>();
const folders = new Set<string>();
const configHome = process.env.XDG_CONFIG_HOME;
let scratch = '';
let choice = { fromDir: '', overrides: [] as string[] };

function statusOf(path: string): FileStatus | null {
  const content = files.get(path);
  if (content === undefined && !folders.has(path)) return null;
  return {
    path,
    kind: content === undefined ? 'folder' : 'file',
    bytes: content?.length ?? 0,
    replication: 1,
    owner: 'spark',
    modifiedAt: '2026-01-01T00:00:00Z',
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': status < 300 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, detail: string): void {
  answer(response, status, { type: 'about:blank', title: code, status, code, detail });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://x');
  if (url.pathname === '/healthz') return answer(response, 200, { status: 'ok', version });
  const path = posix.join('/', decodeURIComponent(url.pathname.slice('/api/v1/hdfs'.length)));
  const op = url.searchParams.get('op');
  if (request.method === 'PUT' && op === 'mkdir') {
    folders.add(path);
    return answer(response, 200, statusOf(path));
  }
  if (request.method === 'PUT') {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (files.has(path) && !url.searchParams.has('overwrite')) {
      return refuse(response, 409, 'FILE_EXISTS', `${path} exists`);
    }
    files.set(path, Buffer.concat(chunks));
    return answer(response, 201, statusOf(path));
  }
  const status = statusOf(path);
  if (status === null) return refuse(response, 404, 'FILE_NOT_FOUND', `${path} is not there`);
  if (op === 'status') return answer(response, 200, status);
  if (op === 'content') return void response.end(files.get(path));
  const below = [...files.keys(), ...folders].filter((one) => one !== path && posix.dirname(one) === path);
  answer(response, 200, { path, entries: below.map(statusOf) });
}

const server = createServer((request, response) => void serve(request, response));
const { signal } = new AbortController();
const options = { overwrite: false, report: () => {}, signal };

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sparkplug-hdfs-'));
  process.env.XDG_CONFIG_HOME = join(scratch, 'config');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dir = join(scratch, 'project');
  await mkdir(dir);
  await writeFile(join(dir, 'sparkplug.yaml'), 'this is not even read: a running cluster is reached all the same');
  await writeProjectState(dir, { id: 'copy-abc123', webPort: port, context: null, workerShape: null });
  await ensureSecrets('copy-abc123');
  choice = { fromDir: dir, overrides: [] };
  await mkdir(join(scratch, 'tree', 'deep', 'empty'), { recursive: true });
  await writeFile(join(scratch, 'tree', 'a b%.txt'), 'one');
  await writeFile(join(scratch, 'tree', 'deep', 'two'), 'two');
});

after(async () => {
  server.close();
  if (configHome === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = configHome;
  await rm(scratch, { recursive: true, force: true });
});

beforeEach(() => {
  files.clear();
  folders.clear();
  folders.add('/');
});

test('a folder arrives whole, a second time in the same place, and only when told', async () => {
  const tree = join(scratch, 'tree');
  assert.deepEqual(await putFiles(choice, tree, '/tree', options), { path: '/tree', files: 2, bytes: 6 });
  assert.deepEqual([...files.keys()], ['/tree/a b%.txt', '/tree/deep/two']);
  await assert.rejects(putFiles(choice, tree, '/tree', options), { code: 'FILE_EXISTS' });
  await putFiles(choice, tree, '/tree', { ...options, overwrite: true });
  assert.equal(files.size, 2);
});

test('a file goes into a folder or under a new name, as cp would have it', async () => {
  const file = join(scratch, 'tree', 'deep', 'two');
  folders.add('/data');
  assert.equal((await putFiles(choice, file, '/data', options)).path, '/data/two');
  assert.equal((await putFiles(choice, file, '/new/', options)).path, '/new/two');
  assert.equal((await putFiles(choice, file, '/other', options)).path, '/other');
});

test('what is not there is said before anything is copied', async () => {
  await assert.rejects(putFiles(choice, join(scratch, 'absent'), '/x', options), { code: 'FILE_MISSING' });
  await assert.rejects(getFiles(choice, '/absent', scratch, options), { code: 'FILE_NOT_FOUND' });
});

test('a folder comes back as it was; local files are overwritten only when told', async () => {
  await putFiles(choice, join(scratch, 'tree'), '/tree', options);
  folders.add('/tree/deep');
  const local = join(scratch, 'back');
  assert.deepEqual(await getFiles(choice, '/tree', local, options), { path: local, files: 2, bytes: 6 });
  assert.equal(await readFile(join(local, 'a b%.txt'), 'utf8'), 'one');
  assert.equal(await readFile(join(local, 'deep', 'two'), 'utf8'), 'two');
  await writeFile(join(local, 'a b%.txt'), 'mine');
  const again = getFiles(choice, '/tree/a b%.txt', local, options);
  await assert.rejects(again, {
    code: 'FILE_EXISTS',
    problems: [{ place: join(local, 'a b%.txt'), message: 'exists already' }],
  });
  assert.equal(await readFile(join(local, 'a b%.txt'), 'utf8'), 'mine');
  await getFiles(choice, '/tree/a b%.txt', local, { ...options, overwrite: true });
  assert.equal(await readFile(join(local, 'a b%.txt'), 'utf8'), 'one');
  assert.deepEqual((await readdir(local)).toSorted(), ['a b%.txt', 'deep']);
});
