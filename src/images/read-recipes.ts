// The folders below images/: what each image is made from, and on which others it stands.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashTree, listTree } from './file-tree.ts';
import type { IsIgnored } from './ignore-patterns.ts';
import { type BuiltImageName, type ImageIngredients, imageNames } from './image-plan.ts';

/** Brought into the build from elsewhere, so what lies there by chance is no part of the recipe. */
const broughtFolders: readonly string[] = ['host', 'node_modules', 'dist', 'code'];
export const isBroughtIn: IsIgnored = (path, isFolder) => isFolder && broughtFolders.includes(path);

export async function readRecipes(imagesFolder: string): Promise<ImageIngredients['recipes']> {
  const entries = await Promise.all(
    imageNames.map(async (name) => {
      const folder = join(imagesFolder, name);
      const [dockerfile, tree] = await Promise.all([
        readFile(join(folder, 'Dockerfile'), 'utf8'),
        listTree(folder, isBroughtIn),
      ]);
      return [name, { hash: await hashTree(tree), parents: findParents(dockerfile) }] as const;
    }),
  );
  return Object.fromEntries(entries) as ImageIngredients['recipes'];
}

/** A Dockerfile asks for another of our images by `ARG SPARK_IMAGE`, `ARG BUILDER_IMAGE`, … */
export function findParents(dockerfile: string): readonly BuiltImageName[] {
  const asked = [...dockerfile.matchAll(/^ARG\s+([A-Z]+)_IMAGE\b/gm)].map(([, name]) => name?.toLowerCase());
  return imageNames.filter((name) => asked.includes(name));
}

/** The build argument by which a Dockerfile asks for an image. */
export function toParentArg(name: string): string {
  return `${name.toUpperCase()}_IMAGE`;
}
