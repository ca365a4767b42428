// A folder that `docker stack deploy -c DIR/compose.yaml NAME` takes: the Compose text and the files it names.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderCompose, type SecretSource } from './render-compose.ts';
import type { StackSpec } from './stack-spec.ts';

/**
 * Writes the stack below `folder` (made if absent), over what is there; secrets stay where they are.
 * @returns the path of `compose.yaml`.
 */
export async function writeComposeFolder(stack: StackSpec, folder: string, source: SecretSource): Promise<string> {
  await mkdir(folder, { recursive: true });
  const composeFile = join(folder, 'compose.yaml');
  await Promise.all([
    writeFile(composeFile, renderCompose(stack, source)),
    ...stack.configs.map((config) => writeFile(join(folder, config.file), config.content)),
  ]);
  return composeFile;
}
