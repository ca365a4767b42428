import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Docker, ImageSummary } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import type { BuiltImageName, ImagePlan, PlannedImage } from './image-plan.ts';
import { contentLabel, type Obtaining, obtainImages } from './obtain-images.ts';

let cache: string;
const cacheBefore = process.env.XDG_CACHE_HOME;
before(async () => {
  cache = await mkdtemp(join(tmpdir(), 'sparkplug-cache-'));
  process.env.XDG_CACHE_HOME = cache;
});
after(async () => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  await rm(cache, { recursive: true, force: true });
});

function planned(name: BuiltImageName, parents: readonly BuiltImageName[], registry: boolean): PlannedImage {
  const registryRef = registry ? `r/${name}:1` : null;
  return { name, ref: `sparkplug/${name}:1`, registryRef, contentHash: '1', parents, sameAs: null, ofProject: false };
}

function makePlan(registry = false): ImagePlan {
  return {
    base: planned('base', [], registry),
    builder: planned('builder', ['base'], registry),
    hdfs: planned('hdfs', ['base', 'builder'], registry),
    spark: planned('spark', ['base', 'builder'], registry),
    conductor: planned('conductor', [], registry),
    registry: planned('registry', [], registry),
    machine: planned('machine', [], registry),
    worker: { ...planned('worker', ['builder', 'spark'], registry), sameAs: 'spark' },
    driver: planned('driver', ['worker'], registry),
  };
}

interface World {
  readonly docker: Docker;
  readonly has: Set<string>;
  readonly built: string[];
}

/** An engine that has some images, and a registry that has some or refuses. */
function makeWorld(present: readonly string[], registry: readonly string[] | SparkPlugError = []): World {
  const has = new Set(present);
  const inspectImage = async (ref: string): Promise<ImageSummary | null> =>
    has.has(ref)
      ? { id: `sha256:${ref}`, tags: [ref], digests: [], labels: { [contentLabel]: '1' }, createdAt: '', sizeBytes: 1 }
      : null;
  const docker = {
    inspectImage,
    imageId: async (ref: string) => (await inspectImage(ref))?.id ?? null,
    pull: async (ref: string) => {
      if (registry instanceof SparkPlugError) throw registry;
      if (!registry.includes(ref)) throw new SparkPlugError('IMAGE_MISSING', `no ${ref}`);
      has.add(ref);
    },
    tag: async (_source: string, target: string) => {
      has.add(target);
    },
  } as unknown as Docker;
  return { docker, has, built: [] };
}

function obtaining(world: World, changes: Partial<Obtaining> = {}): Obtaining {
  return {
    plan: makePlan(),
    needed: ['hdfs', 'spark', 'conductor', 'worker', 'driver'],
    build: 'when-needed',
    parallelBuilds: 2,
    prepareBuild: async (image) => async () => {
      for (const parent of image.parents)
        assert.ok(world.has.has(`sparkplug/${parent === 'worker' ? 'spark' : parent}:1`));
      world.built.push(image.name);
      world.has.add(image.ref);
    },
    report: () => undefined,
    ...changes,
  };
}

test('from nothing each image is built once, after those it stands on', async () => {
  const world = makeWorld([]);
  const obtained = await obtainImages(world.docker, obtaining(world));
  assert.deepEqual([...world.built].sort(), ['base', 'builder', 'conductor', 'driver', 'hdfs', 'spark']);
  assert.equal(obtained.find(({ name }) => name === 'worker')?.id, 'sha256:sparkplug/spark:1');
});

test('a second time nothing is done', async () => {
  const world = makeWorld(['hdfs', 'spark', 'conductor', 'driver'].map((name) => `sparkplug/${name}:1`));
  const obtained = await obtainImages(world.docker, obtaining(world));
  assert.deepEqual(world.built, []);
  assert.ok(obtained.every(({ how }) => how === 'present'));
});

test('what the registry has is pulled, and what images stand on is not asked for', async () => {
  const world = makeWorld([], ['r/hdfs:1', 'r/spark:1', 'r/conductor:1', 'r/driver:1']);
  const obtained = await obtainImages(world.docker, obtaining(world, { plan: makePlan(true), build: 'never' }));
  assert.deepEqual(
    obtained.map(({ name, how }) => `${name} ${how}`),
    ['hdfs pulled', 'spark pulled', 'conductor pulled', 'worker pulled', 'driver pulled'],
  );
});

test('with building off a missing image is an error', async () => {
  const world = makeWorld([], ['r/hdfs:1']);
  const call = obtainImages(world.docker, obtaining(world, { plan: makePlan(true), build: 'never' }));
  await assert.rejects(call, { code: 'IMAGE_MISSING' });
  const without = makeWorld([]);
  await assert.rejects(obtainImages(without.docker, obtaining(without, { build: 'never' })), { code: 'IMAGE_MISSING' });
});

test('with building off a registry that refuses is the error, else images are built and a warning says why', async () => {
  const refusal = new SparkPlugError('REGISTRY_UNAUTHORIZED', 'no');
  const strict = makeWorld([], refusal);
  const call = obtainImages(strict.docker, obtaining(strict, { plan: makePlan(true), build: 'never' }));
  await assert.rejects(call, { code: 'REGISTRY_UNAUTHORIZED' });
  const lenient = makeWorld([], refusal);
  const warnings: string[] = [];
  const report: Obtaining['report'] = (event) => {
    if (event.kind === 'warning') warnings.push(event.text);
  };
  await obtainImages(lenient.docker, obtaining(lenient, { plan: makePlan(true), report }));
  assert.equal(lenient.built.length, 6);
  assert.deepEqual(warnings, ['no; building instead']);
});

test('a build that fails stops the others', async () => {
  const world = makeWorld([]);
  const prepareBuild: Obtaining['prepareBuild'] = async (image) => async (_onLine, signal) => {
    if (image.name === 'hdfs') throw new SparkPlugError('IMAGE_BUILD_FAILED', 'broken');
    if (image.name === 'spark') {
      await new Promise((resolve) => (signal.aborted ? resolve(null) : signal.addEventListener('abort', resolve)));
      signal.throwIfAborted();
    }
    world.has.add(image.ref);
  };
  await assert.rejects(obtainImages(world.docker, obtaining(world, { prepareBuild })), { message: 'broken' });
  assert.ok(!world.has.has('sparkplug/spark:1'));
});

test('an image that only carries the name is not taken', async () => {
  const world = makeWorld(['sparkplug/conductor:1']);
  const docker = {
    ...world.docker,
    inspectImage: async (ref: string) => {
      const found = await world.docker.inspectImage(ref);
      return found === null || world.built.includes('conductor') ? found : { ...found, labels: {} };
    },
  };
  await obtainImages(docker, obtaining(world, { needed: ['conductor'] }));
  assert.deepEqual(world.built, ['conductor']);
});
