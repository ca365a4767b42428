import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInspect } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import { createFakeClock } from '../runs/run-bench.fixture.ts';
import { createDrainHost, findOwnContainer } from './drain-host.ts';

/** Machines on which removing a volume fails `failures` times, for the reason of `code`. */
function open(failures: number, code: 'DOCKER_FAILED' | 'AGENT_AWAY' = 'DOCKER_FAILED') {
  const calls: string[] = [];
  let left = failures;
  const clock = createFakeClock();
  const containers = {
    signal: async () => 'sent' as const,
    removeVolume: async (machine: string, name: string) => {
      calls.push(`remove ${name} on ${machine}`);
      left -= 1;
      if (left >= 0) throw new SparkPlugError(code, 'not now');
    },
  };
  return { calls, clock, host: createDrainHost(containers, clock) };
}

const { signal } = new AbortController();

test('a volume that its container still holds is waited for, a minute at most', async () => {
  const { host, calls, clock } = open(2);
  const work = host.removeVolume('node1', 'demo_datanode-3', signal);
  await clock.advance(2_000);
  await work;
  assert.deepEqual(calls, Array(3).fill('remove demo_datanode-3 on node1'));
  const stuck = open(1_000);
  const never = stuck.host.removeVolume('node1', 'demo_datanode-3', signal);
  never.catch(() => undefined);
  await stuck.clock.advance(61_000);
  await assert.rejects(never, { code: 'DOCKER_FAILED' });
});

test('a volume on a machine that is away or not known any more is left to go with it', async () => {
  const { host, calls } = open(1, 'AGENT_AWAY');
  await host.removeVolume('node2', 'demo_datanode-3', signal);
  await host.removeVolume(null, 'demo_datanode-3', signal);
  assert.deepEqual(calls, ['remove demo_datanode-3 on node2']);
});

test('a container of this engine is found by its service, and nobody else’s', async () => {
  const docker = {
    containers: async ({ labels }: { labels: Readonly<Record<string, string | null>> }) => {
      assert.equal(labels['sparkplug.project'], 'demo-abc123');
      const isThere = labels['sparkplug.service'] === 'namenode';
      return isThere
        ? [{ id: 'old', running: false } as ContainerInspect, { id: 'one', running: true } as ContainerInspect]
        : [];
    },
  };
  assert.equal(await findOwnContainer(docker, 'demo-abc123', 'namenode'), 'one');
  assert.equal(await findOwnContainer(docker, 'demo-abc123', 'web'), null);
});
