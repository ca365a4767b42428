import assert from 'node:assert/strict';
import { test } from 'node:test';
import { severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { type Retirement, retireImages } from './retire-images.ts';

const { desired } = severalCluster;
const withWorker = (worker: string): DesiredState => ({ ...desired, images: { ...desired.images, worker } });

function fakeRetirement(tags: Readonly<Record<string, readonly string[]>>) {
  const calls: string[] = [];
  const retirement: Retirement = {
    registry: {
      tags: async (repository) => tags[repository] ?? [],
      remove: async (repository, tag) => {
        calls.push(`remove ${repository}:${tag}`);
        return tag !== 'gone';
      },
    },
    containers: {
      signal: async (service, signal) => {
        calls.push(`signal ${service} ${signal}`);
        return 'sent';
      },
      pruneImages: async (registry, keep) => void calls.push(`prune ${registry} but ${keep.length}`),
    },
  };
  return { retirement, calls };
}

test('what the kept revisions name stays; all else goes, and the registry starts anew to free its space', async () => {
  const { retirement, calls } = fakeRetirement({
    'sparkplug/hdfs': ['1111', 'old'],
    'sparkplug/worker': ['4444', '5555', 'older', 'gone'],
  });
  const revisions = [desired, withWorker('sparkplug/worker:5555'), { ...desired, registry: undefined } as never];
  assert.equal(await retireImages(retirement, revisions), 2);
  assert.deepEqual(calls, [
    ...['remove sparkplug/hdfs:old', 'remove sparkplug/worker:older', 'remove sparkplug/worker:gone'],
    ...['signal registry TERM', 'prune 10.0.0.5:5000 but 4'],
  ]);
});

test('where nothing is old the registry runs on', async () => {
  const { retirement, calls } = fakeRetirement({ 'sparkplug/hdfs': ['1111'] });
  assert.equal(await retireImages(retirement, [desired]), 0);
  assert.deepEqual(calls, ['prune 10.0.0.5:5000 but 3']);
});

test('one machine has nothing to retire', async () => {
  const { retirement, calls } = fakeRetirement({});
  const { registry: _, ...alone } = desired;
  assert.equal(await retireImages(retirement, [alone]), 0);
  assert.deepEqual(calls, []);
});
