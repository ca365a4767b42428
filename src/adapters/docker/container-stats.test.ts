import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createContainerStats } from './container-stats.ts';

const readAt = '2026-03-01T12:00:00.123456789Z';
const reading = (cpu: number, usage: number | undefined, stats: Readonly<Record<string, number>>) => ({
  read: usage === undefined ? '0001-01-01T00:00:00Z' : readAt,
  name: '/x',
  cpu_stats: { cpu_usage: { total_usage: cpu, percpu_usage: null }, online_cpus: 2 },
  memory_stats: usage === undefined ? {} : { usage, limit: 1 << 30, stats },
});

type Answer = readonly [number, unknown] | null;

/** An engine on a socket: answers by path without the query, null: stays silent. */
async function createEngine(answers: Readonly<Record<string, Answer>>) {
  const socketPath = join(mkdtempSync(join(tmpdir(), 'sparkplug-engine-')), 'docker.sock');
  const asked: string[] = [];
  const state = { open: 0 };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked.push(decodeURIComponent(request.url ?? ''));
    state.open += 1;
    response.once('close', () => {
      state.open -= 1;
    });
    const answer = answers[(request.url ?? '').split('?')[0] ?? ''];
    if (answer === null) return;
    const [status, body] = answer ?? [404, { message: 'No such container' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const stats = createContainerStats(socketPath);
  return {
    stats,
    asked,
    state,
    close: async () => {
      await stats.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

const list = (...ids: readonly string[]): Answer => [
  200,
  ids.map((Id) => ({ Id, Labels: { 'sparkplug.service': Id } })),
];
const options = { timeoutMs: 5_000 };

test('CPU seconds and memory without the page cache, under cgroup v1 and v2', async () => {
  const engine = await createEngine({
    '/containers/json': list('v1', 'v2', 'odd', 'bare'),
    '/containers/v1/stats': [200, reading(2_500_000_000, 1000, { total_inactive_file: 300, inactive_file: 7 })],
    '/containers/v2/stats': [200, reading(0, 1000, { inactive_file: 400, anon: 5 })],
    '/containers/odd/stats': [200, reading(1, 1000, { inactive_file: 2000 })],
    '/containers/bare/stats': [200, reading(1, 1000, {})],
  });
  const uses = await engine.stats.read({ 'sparkplug.project': 'demo-1', 'sparkplug.service': null }, options);
  assert.deepEqual(
    uses.map(({ id, memoryBytes }) => [id, memoryBytes]),
    [
      ['v1', 700],
      ['v2', 600],
      ['odd', 1000],
      ['bare', 1000],
    ],
  );
  assert.equal(uses[0]?.cpuSeconds, 2.5);
  assert.equal(uses[0]?.memoryLimitBytes, 1 << 30);
  assert.equal(uses[0]?.readAtMs, Date.parse('2026-03-01T12:00:00.123Z'));
  assert.deepEqual(uses[0]?.labels, { 'sparkplug.service': 'v1' });
  assert.equal(engine.asked[0], '/containers/json?filters={"label":["sparkplug.project=demo-1","sparkplug.service"]}');
  assert.ok(engine.asked.slice(1).every((url) => url.endsWith('/stats?stream=false&one-shot=true')));
  await engine.close();
});

/** A whole answer of an engine under cgroup v2: no `percpu_usage`, `max_usage` or `failcnt`, none of v1's `total_…`. */
const underVersion2 = {
  read: readAt,
  preread: '0001-01-01T00:00:00Z',
  pids_stats: { current: 38, limit: 512 },
  blkio_stats: {
    io_service_bytes_recursive: [{ major: 254, minor: 0, op: 'read', value: 12288 }],
    io_serviced_recursive: null,
    sectors_recursive: null,
  },
  num_procs: 0,
  storage_stats: {},
  cpu_stats: {
    cpu_usage: { total_usage: 7_250_000_000, usage_in_kernelmode: 1_000_000_000, usage_in_usermode: 6_250_000_000 },
    system_cpu_usage: 991_500_000_000,
    online_cpus: 2,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  precpu_stats: {
    cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  memory_stats: {
    usage: 155_774_976,
    stats: {
      ...{ active_anon: 4096, active_file: 49_065_984, anon: 1_622_016, anon_thp: 0, file: 141_791_232, file_dirty: 0 },
      ...{ file_mapped: 3_379_200, file_writeback: 0, inactive_anon: 1_351_680, inactive_file: 92_590_080 },
      ...{
        kernel_stack: 147_456,
        pgactivate: 11_649,
        pgdeactivate: 0,
        pgfault: 424_644,
        pglazyfree: 0,
        pglazyfreed: 0,
      },
      ...{ pgmajfault: 165, pgrefill: 0, pgscan: 0, pgsteal: 0, shmem: 0, slab: 12_309_152, sock: 69_632 },
      ...{ slab_reclaimable: 11_822_024, slab_unreclaimable: 487_128, thp_collapse_alloc: 0, thp_fault_alloc: 0 },
      ...{ unevictable: 0, workingset_activate: 0, workingset_nodereclaim: 0, workingset_refault: 0 },
    },
    limit: 234_881_024,
  },
  name: '/shop_web.1.x',
  id: 'web',
  networks: { eth0: { rx_bytes: 37_188, rx_packets: 500, rx_errors: 0, rx_dropped: 0, tx_bytes: 1, tx_packets: 1 } },
};

test('a whole answer under cgroup v2, and what is left of it where the kernel gives no memory controller', async () => {
  const engine = await createEngine({
    '/containers/json': list('web', 'bare', 'ending'),
    '/containers/web/stats': [200, underVersion2],
    '/containers/bare/stats': [200, { ...underVersion2, memory_stats: {} }],
    '/containers/ending/stats': [200, { ...underVersion2, memory_stats: undefined }],
  });
  assert.deepEqual(await engine.stats.read({}, options), [
    {
      id: 'web',
      labels: { 'sparkplug.service': 'web' },
      readAtMs: Date.parse('2026-03-01T12:00:00.123Z'),
      cpuSeconds: 7.25,
      memoryBytes: 155_774_976 - 92_590_080,
      memoryLimitBytes: 224 * 1024 ** 2,
    },
  ]);
  await engine.close();
});

test('a container that goes while it is asked is left out', async () => {
  const engine = await createEngine({
    '/containers/json': list('gone', 'stopping', 'stopped', 'there'),
    '/containers/stopping/stats': [409, { message: 'is not running' }],
    '/containers/stopped/stats': [200, reading(0, undefined, {})],
    '/containers/there/stats': [200, reading(1, 5, {})],
  });
  const uses = await engine.stats.read({}, options);
  assert.deepEqual(
    uses.map(({ id }) => id),
    ['there'],
  );
  await engine.close();
});

test('a stalled engine costs one limit, and leaves no question behind', async () => {
  const engine = await createEngine({
    '/containers/json': list('a', 'b', 'c', 'd', 'e', 'f'),
    '/containers/a/stats': null,
  });
  await assert.rejects(engine.stats.read({}, { timeoutMs: 50 }), /timeout|timed out/i);
  await assert.rejects(engine.stats.read({}, { timeoutMs: 50, signal: AbortSignal.abort(new Error('over')) }), /over/);
  await engine.close();
  assert.equal(engine.state.open, 0);
});

test("an engine's own failure is an error with its path", async () => {
  const engine = await createEngine({ '/containers/json': [500, { message: 'no' }] });
  await assert.rejects(engine.stats.read({}, options), /the engine answered 500 to \/containers\/json/);
  await engine.close();
});
