import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInspect } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import { createFakeClock } from '../runs/run-bench.fixture.ts';
import { createOwnEngineHost } from './own-engine-host.ts';

/** An engine with these services' containers; removing a volume fails `inUse` times. */
function open(services: readonly string[], inUse = 0) {
  const calls: string[] = [];
  let left = inUse;
  const clock = createFakeClock();
  const docker = {
    containers: async ({ labels }: { labels: Readonly<Record<string, string | null>> }) => {
      const name = labels['sparkplug.service'] ?? '';
      assert.equal(labels['sparkplug.project'], 'demo-abc123');
      return services.includes(name) ? [{ id: `id-${name}`, running: true } as ContainerInspect] : [];
    },
    kill: async (id: string, signal: string) => void calls.push(`${signal} ${id}`),
    removeVolume: async (name: string) => {
      calls.push(`remove ${name}`);
      left -= 1;
      if (left >= 0) throw new SparkPlugError('DOCKER_FAILED', 'volume is in use');
    },
  };
  return { calls, clock, host: createOwnEngineHost(docker, 'demo-abc123', clock) };
}

const { signal } = new AbortController();

test('a signal reaches the container of its service, and nobody else', async () => {
  const { host, calls } = open(['spark-worker-2']);
  assert.equal(await host.host.signal('spark-worker-2', 'PWR'), 'sent');
  assert.equal(await host.host.signal('spark-worker-1', 'PWR'), 'absent');
  assert.deepEqual(calls, ['PWR id-spark-worker-2']);
  assert.deepEqual([await host.container('spark-worker-2'), await host.container('x')], ['id-spark-worker-2', null]);
});

test('a volume that its container still holds is waited for, a minute at most', async () => {
  const { host, calls, clock } = open([], 2);
  const work = host.removeVolume('node1', 'demo_datanode-3', signal);
  await clock.advance(2_000);
  await work;
  assert.equal(calls.length, 3);
  const stuck = open([], 1_000);
  const never = stuck.host.removeVolume('node1', 'demo_datanode-3', signal);
  never.catch(() => undefined);
  await stuck.clock.advance(61_000);
  await assert.rejects(never, { code: 'DOCKER_FAILED' });
});
