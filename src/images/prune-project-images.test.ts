import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageSummary } from '../adapters/docker/docker.ts';
import { createLimiter } from './limiter.ts';
import { pruneProjectImages } from './prune-project-images.ts';

const labels = { project: 'p', image: 'i' };

function makeDocker(count: number, busy: readonly string[] = []) {
  const images = Array.from(
    { length: count },
    (_, index): ImageSummary => ({
      id: `sha256:${index}`,
      tags: [`d:${index}`],
      digests: [],
      labels: {},
      createdAt: '',
      sizeBytes: 1,
    }),
  );
  return {
    listImages: async (filter: Readonly<Record<string, string | null>>) => (filter.i === 'driver' ? images : []),
    removeImage: async (ref: string) => (busy.includes(ref) ? ('in-use' as const) : ('removed' as const)),
  };
}

test('the newest five stay', async () => {
  const removed = await pruneProjectImages(makeDocker(8), { projectId: 'x', labels, inUse: new Set() });
  assert.deepEqual(removed, ['d:5', 'd:6', 'd:7']);
  assert.deepEqual(await pruneProjectImages(makeDocker(5), { projectId: 'x', labels, inUse: new Set() }), []);
});

test('one in use stays, by name, by id and where the engine says so', async () => {
  const docker = makeDocker(9, ['d:7']);
  const removed = await pruneProjectImages(docker, { projectId: 'x', labels, inUse: new Set(['d:5', 'sha256:6']) });
  assert.deepEqual(removed, ['d:8']);
});

test('a limiter lets so many in at once, and goes on after a failure', async () => {
  const limit = createLimiter(2);
  let inside = 0;
  let most = 0;
  const work = async (fail: boolean) => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    if (fail) throw new Error('x');
  };
  const results = await Promise.allSettled([true, false, true, false, false].map((fail) => limit(() => work(fail))));
  assert.equal(most, 2);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
});
