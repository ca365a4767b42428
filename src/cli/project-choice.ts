import type { ProjectChoice } from '../operations/open-project.ts';
import type { Shell } from './shell.ts';

/** Which project the shared flags mean: `-C`, else the current folder or one above it. */
export function projectChoice({ options }: Shell): ProjectChoice {
  return {
    fromDir: options.project ?? process.cwd(),
    overrides: options.set,
    ...(options.context === undefined ? {} : { context: options.context }),
  };
}
