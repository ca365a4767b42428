import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import type { ProgressEvent } from '../progress.ts';
import type { PublishingDocker } from './engine-docker.ts';
import { publishImages } from './publish-images.ts';

const login = { address: 'r:5000', user: 'u', password: 'p' };
const images = [
  { name: 'hdfs', ref: 'r:5000/sparkplug/hdfs:1', source: 'sha256:1' },
  { name: 'worker', ref: 'r:5000/sparkplug/worker:2', source: 'sha256:2' },
] as const;

/** `here`: images on the engine; `there`: in the registry. */
function fakeDocker(here: readonly string[], there: readonly string[] = []) {
  const calls: string[] = [];
  const docker: PublishingDocker = {
    imageId: async (ref) => (here.includes(ref) ? ref : null),
    tag: async (source, target) => void calls.push(`tag ${source} ${target}`),
    push: async (ref, options = {}) => {
      assert.ok(options.dockerConfig !== undefined);
      calls.push(`push ${ref}`);
      options.onLine?.('4f1c: Pushing  12MB/20MB');
    },
    pull: async (ref) => {
      calls.push(`pull ${ref}`);
      if (!there.includes(ref)) throw new SparkPlugError('IMAGE_MISSING', 'manifest unknown');
    },
  };
  return { docker, calls };
}

const publish = (docker: PublishingDocker, report: (event: ProgressEvent) => void = () => undefined) =>
  publishImages(images, { registry: { docker, login }, report, step: 'publish' });

test('each is named for the registry and pushed, one after another, and says how far it is', async () => {
  const { docker, calls } = fakeDocker(['sha256:1', 'sha256:2']);
  const told: ProgressEvent[] = [];
  await publish(docker, (event) => told.push(event));
  assert.deepEqual(calls, [
    'tag sha256:1 r:5000/sparkplug/hdfs:1',
    'push r:5000/sparkplug/hdfs:1',
    'tag sha256:2 r:5000/sparkplug/worker:2',
    'push r:5000/sparkplug/worker:2',
  ]);
  assert.deepEqual(told[0], { kind: 'step-progress', step: 'publish', detail: 'hdfs: 4f1c: Pushing  12MB/20MB' });
});

test('one that was removed here by hand comes back from the registry', async () => {
  const { docker, calls } = fakeDocker(['sha256:2'], ['r:5000/sparkplug/hdfs:1']);
  await publish(docker);
  assert.equal(calls[0], 'pull r:5000/sparkplug/hdfs:1');
  assert.equal(calls.length, 3);
});

test('one that is nowhere is named', async () => {
  await assert.rejects(publish(fakeDocker([]).docker), { code: 'IMAGE_MISSING', place: 'r:5000/sparkplug/hdfs:1' });
});
