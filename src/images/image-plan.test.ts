import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { type BuiltImageName, type ImageIngredients, type ImagePlan, imageNames, planImages } from './image-plan.ts';
import { findParents } from './read-recipes.ts';

const config: ClusterConfig = {
  name: 'demo',
  jobs: [],
  requirements: null,
  packages: [],
  apt: [],
  spark: { version: '4.2.0', workers: 'auto', worker: 'auto', conf: {} },
  hdfs: { datanodes: 'auto', replication: 'auto' },
  reserve: { memoryMiB: 'auto' },
  web: { port: 'auto', listen: 'local', tls: null },
  images: { registry: null },
  runs: { keep: 50, parallel: 1 },
};

const parents: Readonly<Record<BuiltImageName, readonly BuiltImageName[]>> = {
  base: [],
  builder: ['base'],
  hdfs: ['base', 'builder'],
  spark: ['base', 'builder'],
  conductor: [],
  registry: [],
  machine: [],
  worker: ['builder', 'spark'],
  driver: ['worker'],
};

const ingredients: ImageIngredients = {
  version: '1.0.0',
  recipes: Object.fromEntries(
    imageNames.map((name) => [name, { hash: `recipe of ${name}`, parents: parents[name] }]),
  ) as ImageIngredients['recipes'],
  programsHash: 'programs',
  requirements: 'numpy',
  codeHash: 'code',
};

function listChanged(before: ImagePlan, after: ImagePlan): readonly string[] {
  return imageNames.filter((name) => before[name].ref !== after[name].ref);
}

const plan = planImages(config, ingredients);

test('names tell the image and its content', () => {
  assert.match(plan.spark.ref, /^sparkplug\/spark:[0-9a-f]{12}$/);
  assert.match(plan.driver.ref, /^sparkplug\/demo-driver:[0-9a-f]{12}$/);
  assert.equal(plan.spark.registryRef, null);
});

test('the same content has the same name', () => {
  assert.deepEqual(planImages(config, ingredients), plan);
});

test('a change of code is a change of the driver alone', () => {
  assert.deepEqual(listChanged(plan, planImages(config, { ...ingredients, codeHash: 'other' })), ['driver']);
});

test('other requirements, packages or Debian packages are other workers and drivers', () => {
  const changes: readonly [ClusterConfig, ImageIngredients][] = [
    [config, { ...ingredients, requirements: 'pandas' }],
    [{ ...config, packages: ['a:b:1'] }, ingredients],
    [{ ...config, apt: ['libgomp1'] }, ingredients],
  ];
  for (const change of changes) assert.deepEqual(listChanged(plan, planImages(...change)), ['worker', 'driver']);
});

test('what jobs, workers and HDFS are like changes no image', () => {
  const reshaped = { ...config, spark: { ...config.spark, workers: 3 }, hdfs: { datanodes: 2, replication: 1 } };
  assert.deepEqual(listChanged(plan, planImages(reshaped, ingredients)), []);
});

test('other programs are another conductor', () => {
  assert.deepEqual(listChanged(plan, planImages(config, { ...ingredients, programsHash: 'other' })), ['conductor']);
});

test('another recipe changes all that stands on it', () => {
  const recipes = { ...ingredients.recipes, spark: { hash: 'other', parents: parents.spark } };
  assert.deepEqual(listChanged(plan, planImages(config, { ...ingredients, recipes })), ['spark', 'worker', 'driver']);
  const base = { ...ingredients.recipes, base: { hash: 'other', parents: parents.base } };
  assert.deepEqual(listChanged(plan, planImages(config, { ...ingredients, recipes: base })), [
    ...['base', 'builder', 'hdfs', 'spark', 'worker', 'driver'],
  ]);
});

test('without packages of its own a worker is Spark’s image', () => {
  assert.equal(planImages(config, { ...ingredients, requirements: '# none yet\n\n' }).worker.sameAs, 'spark');
  assert.equal(plan.worker.sameAs, null);
});

test('with a registry each image has a name there, with the same hash', () => {
  const pushed = planImages({ ...config, images: { registry: 'r.example.com/team/' } }, ingredients);
  assert.equal(pushed.spark.registryRef, `r.example.com/team/spark:${plan.spark.contentHash}`);
  assert.equal(pushed.spark.ref, plan.spark.ref);
});

test('a Dockerfile names its parents as arguments', () => {
  const dockerfile = 'ARG DEBIAN_IMAGE=debian\nARG BUILDER_IMAGE=b\nARG SPARK_IMAGE\nARG VERSION=1\nFROM x\n';
  assert.deepEqual(findParents(dockerfile), ['builder', 'spark']);
});
