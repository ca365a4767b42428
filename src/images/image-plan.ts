// Which images a project needs, named by what is in them: equal name, equal image.
import { createHash } from 'node:crypto';
import type { ClusterConfig } from '../config/cluster-config.ts';

/** All of ours; `base` and `builder` only for building the others, `machine` only for a lab. */
export const imageNames = [
  'base',
  'builder',
  'hdfs',
  'spark',
  'conductor',
  'registry',
  'machine',
  'worker',
  'driver',
] as const;
export type BuiltImageName = (typeof imageNames)[number];

/** Those that do not depend on the project. */
const projectImages: readonly BuiltImageName[] = ['worker', 'driver'];

export interface PlannedImage {
  readonly name: BuiltImageName;
  /** Name on every engine, `sparkplug/spark:0f3a…`; never pulled by this name. */
  readonly ref: string;
  /** Name in `images.registry`, null without one. */
  readonly registryRef: string | null;
  /** 12 hex digits of everything that is in it, its parents included. */
  readonly contentHash: string;
  readonly parents: readonly BuiltImageName[];
  /** Another image that is just as good, since there is nothing to add to it. */
  readonly sameAs: BuiltImageName | null;
  readonly ofProject: boolean;
}

export type ImagePlan = Readonly<Record<BuiltImageName, PlannedImage>>;

/** What the plan is made of, read from the disk by the caller. */
export interface ImageIngredients {
  /** Of this copy of SparkPlug. */
  readonly version: string;
  /** Per image: hash of its folder below images/, and the images its Dockerfile starts from. */
  readonly recipes: Readonly<
    Record<BuiltImageName, { readonly hash: string; readonly parents: readonly BuiltImageName[] }>
  >;
  /** Hash of the conductor's programs. */
  readonly programsHash: string;
  /** Text of the requirements, empty for none. */
  readonly requirements: string;
  readonly codeHash: string;
}

/** Pure. The names say what goes in, so a change of code changes the driver's name only. */
export function planImages(config: ClusterConfig, ingredients: ImageIngredients): ImagePlan {
  const planned = new Map<BuiltImageName, PlannedImage>();
  const plan = (name: BuiltImageName): PlannedImage => {
    const known = planned.get(name);
    if (known !== undefined) return known;
    const { hash, parents } = ingredients.recipes[name];
    const parts = [
      ingredients.version,
      hash,
      ...parents.map((parent) => `${parent}=${plan(parent).contentHash}`),
      ...listOwnContent(name, config, ingredients),
    ];
    const image = describeImage(name, parents, hashParts(parts), config, ingredients);
    planned.set(name, image);
    return image;
  };
  return Object.fromEntries(imageNames.map((name) => [name, plan(name)])) as ImagePlan;
}

function describeImage(
  name: BuiltImageName,
  parents: readonly BuiltImageName[],
  contentHash: string,
  config: ClusterConfig,
  ingredients: ImageIngredients,
): PlannedImage {
  const ofProject = projectImages.includes(name);
  const repository = ofProject ? `${config.name}-${name}` : name;
  const { registry } = config.images;
  return {
    name,
    ref: `sparkplug/${repository}:${contentHash}`,
    registryRef: registry === null ? null : `${registry.replace(/\/+$/, '')}/${repository}:${contentHash}`,
    contentHash,
    parents,
    sameAs: name === 'worker' && addsNothing(config, ingredients) ? 'spark' : null,
    ofProject,
  };
}

/** Without packages of its own a worker is Spark's image. */
function addsNothing(config: ClusterConfig, { requirements }: ImageIngredients): boolean {
  return requirements.replaceAll(/#.*$/gm, '').trim() === '' && config.packages.length === 0 && config.apt.length === 0;
}

function listOwnContent(
  name: BuiltImageName,
  { packages, apt }: ClusterConfig,
  { programsHash, requirements, codeHash }: ImageIngredients,
): readonly string[] {
  if (name === 'conductor') return [programsHash];
  if (name === 'worker') return [requirements, [...packages].sort().join('\n'), [...apt].sort().join('\n')];
  return name === 'driver' ? [codeHash] : [];
}

function hashParts(parts: readonly string[]): string {
  const hash = createHash('sha256');
  // Lengths keep `ab`,`c` apart from `a`,`bc`.
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 12);
}
