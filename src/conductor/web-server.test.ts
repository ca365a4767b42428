import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { createApiClient } from '../api/client.ts';
import { routeTable } from '../api/route-table.ts';
import { SparkPlugError } from '../errors.ts';
import { controlSecret, startTestWeb, type TestWeb, tokens } from './web-server.fixture.ts';

let web: TestWeb;
before(async () => {
  web = await startTestWeb();
});
after(() => web.close());
beforeEach(() => {
  web.scheduler.seen.length = 0;
  web.scheduler.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"from":"scheduler"}');
  };
});

/** Every guarded route with a value in the place of each parameter. Who may rotate depends on whose token it is. */
const allRoutes = routeTable.flatMap(({ id, method, path, scope }) =>
  scope === 'open' || id === 'rotateToken'
    ? []
    : [{ method: String(method), url: path.replace(/:\w+|\*$/g, 'some'), scope }],
);
const ranks = { read: 0, run: 1, admin: 2 };

/** Status of a request sent byte for byte, since fetch would normalise it. */
function rawStatus(url: string, path: string, method = 'GET', token: string | null = tokens.admin): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    httpRequest({ hostname, port, path, method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

async function problemOf(answer: Response): Promise<{ code: string; detail: string; hint?: string; status: number }> {
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  return (await answer.json()) as { code: string; detail: string; hint?: string; status: number };
}

describe('access', () => {
  it('answers /healthz without a token, and nothing that holds data', async () => {
    const health = await web.fetch('/healthz', { token: null });
    assert.deepEqual(await health.json(), { status: 'ok', version: '0.0.0-test' });
    for (const path of ['/api/v1/results', '/api/v1/nowhere', '/healthz/x', '/%zz', '/api/v1/hdfs/%zz']) {
      assert.equal(await rawStatus(web.url, path, 'GET', null), 401, path);
    }
  });

  it('asks every route for a token and for its scope', async () => {
    for (const { method, url, scope } of allRoutes) {
      for (const token of [null, 'wrong', '']) {
        // Wrong ones in a row would be slowed down.
        web.clock.advance(15 * 60_000);
        const refused = await web.fetch(url, { method, token });
        assert.equal(refused.status, 401, `${method} ${url} ${token}`);
        assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
        assert.equal((await problemOf(refused)).code, 'AUTH_REQUIRED');
      }
      for (const held of ['read', 'run', 'admin'] as const) {
        const { status } = await web.fetch(url, { method, token: tokens[held] });
        const may = ranks[held] >= ranks[scope];
        assert.equal(status !== 403 && status !== 401, may, `${method} ${url} as ${held}: ${status}`);
      }
    }
  });

  it('lets nobody in with a token that has expired or was revoked', async () => {
    const make = async (name: string, validMs: number | null): Promise<string> => {
      const body = JSON.stringify({ name, scope: 'admin', validMs });
      const headers = { 'content-type': 'application/json' };
      const made = await web.fetch('/api/v1/tokens', { method: 'POST', headers, body });
      return ((await made.json()) as { token: string }).token;
    };
    const expired = await make('expired', 1000);
    const revoked = await make('revoked', null);
    web.clock.advance(1000);
    assert.equal((await web.fetch('/api/v1/tokens/revoked', { method: 'DELETE' })).status, 204);
    for (const { method, url } of allRoutes) {
      web.clock.advance(15 * 60_000);
      for (const token of [expired, revoked]) {
        const { status } = await web.fetch(url, { method, token });
        assert.equal(status, 401, `${method} ${url}`);
      }
    }
  });

  it('takes the shared secret inside only, and tokens outside only', async () => {
    assert.equal((await web.fetch('/api/v1/results', { token: controlSecret })).status, 401);
    const inside = await fetch(`${web.internalUrl}/internal/versions`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${tokens.admin}` },
    });
    assert.equal(inside.status, 401);
    assert.equal((await web.fetch('/internal/publications', { method: 'POST' })).status, 404);
  });

  it('refuses before the body is read', async () => {
    const { hostname, port } = new URL(web.url);
    const socket = connect(Number(port), hostname);
    socket.write('PUT /api/v1/hdfs/huge HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nfirst bytes');
    const [head] = (await once(socket, 'data')) as [Buffer];
    assert.match(head.toString(), /^HTTP\/1.1 401 /);
    socket.destroy();
    assert.equal(web.hdfs.files.has('/huge'), false);
  });

  it('tells unknown routes and methods, without naming its software', async () => {
    const missing = await web.fetch('/api/v2/runs');
    assert.equal(missing.status, 404);
    assert.equal(missing.headers.get('server'), null);
    assert.equal(missing.headers.get('x-powered-by'), null);
    assert.match(missing.headers.get('x-request-id') ?? '', /^[0-9a-f]{12}$/);
    assert.equal((await problemOf(missing)).code, 'ROUTE_MISSING');
    const wrong = await web.fetch('/api/v1/results', { method: 'POST' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'GET');
    assert.equal((await web.fetch('/api/v1/results', { method: 'HEAD' })).status, 405);
  });

  it('limits headers and bodies', async () => {
    const headers = { 'x-long': 'x'.repeat(20_000) };
    assert.equal((await web.fetch('/api/v1/results', { headers })).status, 431);
    const body = 'x'.repeat(5 * 1024 * 1024);
    const big = await web.fetch('/api/v1/cluster/desired', { method: 'PUT', body });
    assert.equal(big.status, 413);
    assert.equal((await problemOf(big)).code, 'REQUEST_TOO_LARGE');
  });

  it('logs each request in one line without secrets', async () => {
    web.log.length = 0;
    await web.fetch('/api/v1/results?secret=query', { token: tokens.run });
    await pWaitFor(() => web.log.length > 0);
    const text = JSON.stringify(web.log);
    assert.deepEqual([web.log[0]?.path, web.log[0]?.caller, web.log[0]?.status], ['/api/v1/results', 'run', 400]);
    for (const secret of [tokens.run, controlSecret, 'query']) assert.equal(text.includes(secret), false);
  });
});

describe('listen: local', () => {
  it('lets in this computer alone, whatever the token', async () => {
    const local = await startTestWeb(new Set(['172.18.0.1']));
    try {
      const authorization = `Bearer ${tokens.admin}`;
      for (const url of ['/healthz', '/api/v1/results', '/nowhere', '/%zz']) {
        const far = await local.app.inject({ url, remoteAddress: '192.168.1.9', headers: { authorization } });
        assert.deepEqual([far.statusCode, far.json().code], [403, 'LISTEN_LOCAL'], url);
      }
      const spoofed = { authorization, 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' };
      const far = await local.app.inject({ url: '/api/v1/results', remoteAddress: '10.1.1.1', headers: spoofed });
      assert.equal(far.statusCode, 403);
      for (const remoteAddress of ['172.18.0.1', '127.0.0.1', '::ffff:127.0.0.1']) {
        const near = await local.app.inject({ url: '/api/v1/results', remoteAddress, headers: { authorization } });
        assert.equal(near.statusCode, 200, remoteAddress);
      }
    } finally {
      await local.close();
    }
  });

  it('all lets everybody ask, with a token', async () => {
    const open = await startTestWeb(null);
    try {
      const far = { url: '/api/v1/results', remoteAddress: '192.168.1.9' };
      assert.equal((await open.app.inject(far)).statusCode, 401);
      const headers = { authorization: `Bearer ${tokens.read}` };
      assert.equal((await open.app.inject({ ...far, headers })).statusCode, 200);
    } finally {
      await open.close();
    }
  });
});

describe('the scheduler behind it', () => {
  it('gets the request with its own secret and answers unchanged', async () => {
    web.scheduler.answer = (_request, response) => {
      response.writeHead(202, { 'content-type': 'application/json', 'x-made': 'there' }).end('{"operation":"7"}');
    };
    const answer = await web.fetch('/api/v1/cluster/desired?now=true', {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': '"3"', cookie: 'a=b' },
      body: '{"a": 1.0}',
    });
    assert.deepEqual(
      [answer.status, answer.headers.get('x-made'), await answer.text()],
      [202, 'there', '{"operation":"7"}'],
    );
    const [seen] = web.scheduler.seen;
    assert.deepEqual([seen?.method, seen?.url, seen?.body], ['PUT', '/api/v1/cluster/desired?now=true', '{"a": 1.0}']);
    assert.equal(seen?.headers.authorization, `Bearer ${controlSecret}`);
    assert.equal(seen?.headers['if-match'], '"3"');
    assert.equal(seen?.headers.cookie, undefined);
  });

  it('learns the scope of the caller from web, and from nobody else', async () => {
    for (const scope of ['admin', 'run', 'read'] as const) {
      const headers = { 'x-sparkplug-scope': 'admin' };
      await web.fetch('/api/v1/cluster/desired', { token: tokens[scope], headers });
      assert.equal(web.scheduler.seen.at(-1)?.headers['x-sparkplug-scope'], scope);
    }
  });

  it('does not send a request to another route than its own', async () => {
    assert.equal(await rawStatus(web.url, '/api/v1/runs/..'), 400);
    assert.equal(await rawStatus(web.url, '/api/v1/runs/%2e%2e/cancel', 'POST', tokens.run), 400);
    assert.equal(web.scheduler.seen.length, 0);
  });

  it('streams events as they come and lets go when the reader leaves', async () => {
    let send: (text: string) => void = () => undefined;
    let left = false;
    web.scheduler.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      send = (text) => response.write(text);
      response.on('close', () => {
        left = true;
      });
    };
    const controller = new AbortController();
    const answer = await web.fetch('/api/v1/runs/r1/events?from=4', { signal: controller.signal });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    const reader = answer.body?.getReader();
    for (const text of ['id: 4\nevent: log\ndata: {}\n\n', 'id: 5\nevent: log\ndata: {}\n\n']) {
      send(text);
      const { value } = (await reader?.read()) ?? {};
      assert.equal(Buffer.from(value ?? []).toString(), text);
    }
    controller.abort();
    await pWaitFor(() => left);
  });

  it('away is a problem with a hint', async () => {
    const alone = await startTestWeb();
    try {
      alone.scheduler.close();
      const answer = await alone.fetch('/api/v1/cluster');
      const problem = await problemOf(answer);
      assert.deepEqual([answer.status, problem.code], [503, 'SCHEDULER_AWAY']);
      assert.match(problem.hint ?? '', /sparkplug logs scheduler/);
      assert.deepEqual(await (await alone.fetch('/api/v1/results')).json(), { results: [] });
    } finally {
      await alone.close();
    }
  });
});

describe('files', () => {
  it('go in and out unchanged, with awkward names', async () => {
    for (const name of ['plain.txt', 'with space & %2F + ünïcode?.txt', '100%.csv', "o'clock#1"]) {
      const path = `/api/v1/hdfs/in/${encodeURIComponent(name)}`;
      const put = await web.fetch(path, { method: 'PUT', body: `content of ${name}` });
      assert.equal(put.status, 201, name);
      const stored = (await put.json()) as { path: string; bytes: number };
      assert.equal(stored.path, `/in/${name}`);
      const got = await web.fetch(path);
      assert.equal(got.headers.get('content-length'), String(Buffer.byteLength(`content of ${name}`)));
      assert.equal(await got.text(), `content of ${name}`);
    }
    const empty = await web.fetch('/api/v1/hdfs/in/empty', { method: 'PUT' });
    assert.equal(empty.status, 201);
    assert.equal(await (await web.fetch('/api/v1/hdfs/in/empty')).text(), '');
  });

  it('are listed page by page, without what is still arriving', async () => {
    web.hdfs.pageSize = 7;
    for (let index = 0; index < 40; index += 1) web.hdfs.put(`/many/f${String(index).padStart(2, '0')}`, 'x');
    web.hdfs.put('/many/._SPARKPLUG_UPLOADING_0123_abc', 'x');
    const listed = (await (await web.fetch('/api/v1/hdfs/many')).json()) as { entries: { path: string }[] };
    web.hdfs.pageSize = 1000;
    assert.equal(listed.entries.length, 40);
    assert.equal(listed.entries[39]?.path, '/many/f39');
    const usage = (await (await web.fetch('/api/v1/hdfs/many?op=usage')).json()) as { bytesWithReplicas: number };
    assert.equal(usage.bytesWithReplicas, 82);
  });

  it('are overwritten only when told, never a folder', async () => {
    web.hdfs.put('/there/file', 'old');
    const refused = await web.fetch('/api/v1/hdfs/there/file', { method: 'PUT', body: 'new' });
    assert.deepEqual([refused.status, (await problemOf(refused)).code], [409, 'FILE_EXISTS']);
    assert.equal(await (await web.fetch('/api/v1/hdfs/there/file')).text(), 'old');
    const told = await web.fetch('/api/v1/hdfs/there/file?overwrite=true', { method: 'PUT', body: 'new' });
    assert.equal(told.status, 201);
    assert.equal(await (await web.fetch('/api/v1/hdfs/there/file')).text(), 'new');
    for (const path of ['/api/v1/hdfs/there?overwrite=true', '/api/v1/hdfs/?overwrite=true']) {
      const folder = await web.fetch(path, { method: 'PUT', body: 'x' });
      assert.deepEqual([folder.status, (await problemOf(folder)).code], [409, 'FILE_WRONG_KIND']);
    }
  });

  it('are removed; full folders only when told, the root never', async () => {
    web.hdfs.put('/gone/a/b', 'x');
    const full = await web.fetch('/api/v1/hdfs/gone', { method: 'DELETE' });
    assert.deepEqual([full.status, (await problemOf(full)).code], [409, 'FOLDER_NOT_EMPTY']);
    assert.equal((await web.fetch('/api/v1/hdfs/gone?recursive=true', { method: 'DELETE' })).status, 204);
    const again = await web.fetch('/api/v1/hdfs/gone', { method: 'DELETE' });
    assert.deepEqual([again.status, (await problemOf(again)).code], [404, 'FILE_NOT_FOUND']);
    const root = await web.fetch('/api/v1/hdfs/?recursive=true', { method: 'DELETE' });
    assert.deepEqual([root.status, (await problemOf(root)).code], [400, 'HDFS_PATH_INVALID']);
  });

  it('have no path that leads out', async () => {
    web.hdfs.put('/secret', 'x');
    for (const path of ['a/../secret', 'a/%2e%2e/secret', './secret', 'a%2Fsecret', 'a%00b', 'a:b', '%ff', 'a%0Ab']) {
      assert.equal(await rawStatus(web.url, `/api/v1/hdfs/${path}`), 400, path);
      assert.equal(await rawStatus(web.url, `/api/v1/hdfs/${path}?recursive=true`, 'DELETE'), 400, path);
    }
    assert.equal(web.hdfs.files.has('/secret'), true);
  });

  it('are read in ranges', async () => {
    web.hdfs.put('/ranged', '0123456789');
    const cases = [
      ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
      ['bytes=7-', 206, '789', 'bytes 7-9/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
      ['bytes=20-', 200, '0123456789', null],
      ['lines=1', 200, '0123456789', null],
    ] as const;
    for (const [range, status, text, contentRange] of cases) {
      const answer = await web.fetch('/api/v1/hdfs/ranged', { headers: { range } });
      assert.deepEqual(
        [answer.status, await answer.text(), answer.headers.get('content-range')],
        [status, text, contentRange],
      );
    }
  });

  it('pass 256 MiB each way in bounded memory', { timeout: 120_000 }, async () => {
    const client = createApiClient({ baseUrl: web.url, token: tokens.admin });
    web.hdfs.keepBytes = 1024;
    const passBothWays = async (path: string, size: number): Promise<void> => {
      const stored = await client.writeFile(path, Readable.from(zeros(size)), { bytes: size });
      assert.equal(stored.bytes, size);
      const { bytes, stream } = await client.readFile(path);
      let received = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) received += chunk.length;
      assert.deepEqual([bytes, received], [size, size]);
    };
    // What the process needs once, whatever passes through it: compiled code, pools of buffers, a heap that has grown.
    await passBothWays('/small', 32 * 1024 * 1024);
    let highest = 0;
    const watch = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage().rss);
    }, 20).unref();
    const before = process.memoryUsage().rss;
    await passBothWays('/large', 256 * 1024 * 1024);
    clearInterval(watch);
    web.hdfs.keepBytes = 16 * 1024 * 1024;
    // Client, web and both fakes live in this one process.
    assert.ok(highest - before < 128 * 1024 * 1024, `grew by ${Math.round((highest - before) / 1024 ** 2)} MiB`);
  });

  it('leave nothing when an upload breaks off', async () => {
    const { hostname, port } = new URL(web.url);
    const headers = { authorization: `Bearer ${tokens.admin}`, 'content-length': 1_000_000 };
    const request = httpRequest({ hostname, port, method: 'PUT', path: '/api/v1/hdfs/broken/file', headers });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(100_000));
    await pWaitFor(() => web.hdfs.transfers > 0);
    request.destroy();
    await pWaitFor(
      () =>
        web.hdfs.transfers === 0 &&
        ![...web.hdfs.files.keys()].some((name) => name.includes('UPLOADING') && name.startsWith('/broken')),
    );
    assert.equal(web.hdfs.files.has('/broken/file'), false);
    assert.deepEqual(
      web.log.filter(({ level }) => level === 'error'),
      [],
    );
  });

  it('leave nothing when the DataNode fails, and say so', async () => {
    const client = createApiClient({ baseUrl: web.url, token: tokens.admin });
    const cases = [
      ['cut', 'HDFS_AWAY'],
      ['refuse', 'HDFS_FULL'],
    ] as const;
    for (const [upload, code] of cases) {
      Object.assign(web.hdfs.faults, { upload, capacityRemaining: upload === 'refuse' ? 0 : 2 ** 40 });
      const writing = client.writeFile('/failing/file', Readable.from(zeros(8 * 1024 * 1024)));
      await assert.rejects(writing, (error) => error instanceof SparkPlugError && error.code === code, upload);
      Object.assign(web.hdfs.faults, { upload: null, capacityRemaining: 2 ** 40 });
      assert.deepEqual(
        [...web.hdfs.files.keys()].filter((name) => name.startsWith('/failing/')),
        [],
      );
    }
  });

  it('removes what a killed web left of the same file, and that only', async () => {
    const mark = createHash('sha256').update('again').digest('hex').slice(0, 16);
    web.hdfs.put(`/left/._SPARKPLUG_UPLOADING_${mark}_0000`, 'half');
    web.hdfs.put('/left/._SPARKPLUG_UPLOADING_ffffffffffffffff_0000', 'of another');
    assert.equal((await web.fetch('/api/v1/hdfs/left/again', { method: 'PUT', body: 'whole' })).status, 201);
    const names = [...web.hdfs.files.keys()].filter((name) => name.startsWith('/left/')).sort();
    assert.deepEqual(names, ['/left/._SPARKPLUG_UPLOADING_ffffffffffffffff_0000', '/left/again']);
  });

  it('end the transfer at the DataNode when the reader leaves', async () => {
    web.hdfs.files.set('/endless', { kind: 'FILE', content: null, length: 2 ** 34, modifiedMs: 0 });
    const controller = new AbortController();
    const answer = await web.fetch('/api/v1/hdfs/endless', { signal: controller.signal });
    await answer.body?.getReader().read();
    assert.equal(web.hdfs.transfers, 1);
    controller.abort();
    await pWaitFor(() => web.hdfs.transfers === 0);
  });

  it('that break off at the DataNode go on, and where they cannot are not taken for whole', async () => {
    const content = randomBytes(100_000);
    web.hdfs.put('/cut', content);
    const read = () => web.fetch('/api/v1/hdfs/cut');
    web.hdfs.faults.cutAfterBytes = 40_000;
    assert.deepEqual(Buffer.from(await (await read()).arrayBuffer()), content);
    web.hdfs.faults.cutAfterBytes = 0;
    assert.deepEqual(
      [(await read()).status, ((await (await read()).json()) as { code: string }).code],
      [503, 'HDFS_AWAY'],
    );
    // More than lies in sockets on the way: it is written anew before it breaks off.
    web.hdfs.faults.cutAfterBytes = 2 ** 26;
    web.hdfs.files.set('/cut', { kind: 'FILE', content: null, length: 2 ** 34, modifiedMs: 0 });
    const begun = await read();
    web.hdfs.put('/cut', content, 1);
    await assert.rejects(begun.arrayBuffer());
    web.hdfs.faults.cutAfterBytes = null;
  });

  it("say in the catalogue's codes what HDFS refuses", async () => {
    const cases = [
      ['SafeModeException', 'Name node is in safe mode.', 503, 'HDFS_SAFE_MODE'],
      ['DSQuotaExceededException', 'quota', 507, 'HDFS_FULL'],
      [
        'IOException',
        'File /x could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) running',
        503,
        'HDFS_AWAY',
      ],
      ['AccessControlException', 'Permission denied', 403, 'HDFS_DENIED'],
      ['ParentNotDirectoryException', '/a is not a directory', 409, 'FILE_WRONG_KIND'],
      ['OddException', 'strange', 502, 'HDFS_FAILED'],
    ] as const;
    for (const [exception, message, status, code] of cases) {
      web.hdfs.faults.refuseChanges = { exception, message };
      const answer = await web.fetch('/api/v1/hdfs/refused', { method: 'PUT', body: 'x' });
      assert.deepEqual([answer.status, (await problemOf(answer)).code], [status, code]);
    }
    const message = 'File /x could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) running';
    web.hdfs.faults.refuseChanges = { exception: 'IOException', message };
    const room = web.hdfs.faults.capacityRemaining;
    web.hdfs.faults.capacityRemaining = 0;
    const full = await web.fetch('/api/v1/hdfs/refused', { method: 'PUT', body: 'x' });
    assert.deepEqual([full.status, (await problemOf(full)).code], [507, 'HDFS_FULL']);
    web.hdfs.faults.capacityRemaining = room;
    web.hdfs.faults.refuseChanges = null;
  });

  it('are never sent to a DataNode outside the data network', async () => {
    web.hdfs.faults.wrongLocation = '192.0.2.1:9864';
    const answer = await web.fetch('/api/v1/hdfs/elsewhere', { method: 'PUT', body: 'x' });
    web.hdfs.faults.wrongLocation = null;
    assert.deepEqual([answer.status, (await problemOf(answer)).code], [502, 'HDFS_FAILED']);
  });

  it('away is a problem with a hint', async () => {
    const alone = await startTestWeb();
    try {
      await alone.hdfs.close();
      const answer = await alone.fetch('/api/v1/hdfs/');
      const problem = await problemOf(answer);
      assert.deepEqual([answer.status, problem.code, problem.hint], [503, 'HDFS_AWAY', 'sparkplug status']);
    } finally {
      await alone.close();
    }
  });
});

describe('the client', () => {
  it('gives problems of the catalogue as errors', async () => {
    const client = createApiClient({ baseUrl: web.url, token: tokens.read });
    await assert.rejects(
      client.fileStatus('/nowhere'),
      (error) => error instanceof SparkPlugError && error.code === 'FILE_NOT_FOUND',
    );
    const refused = client.writeFile('/x', Readable.from(zeros(64 * 1024 * 1024)));
    await assert.rejects(refused, (error) => error instanceof SparkPlugError && error.code === 'SCOPE_MISSING');
    await assert.rejects(
      client.listFiles('/a/../b'),
      (error) => error instanceof SparkPlugError && error.code === 'HDFS_PATH_INVALID',
    );
    const nobody = createApiClient({ baseUrl: 'http://127.0.0.1:1', token: 'x' });
    await assert.rejects(
      nobody.health(),
      (error) => error instanceof SparkPlugError && error.code === 'CLUSTER_UNREACHABLE' && error.exitCode === 3,
    );
  });
});

function* zeros(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk;
}
