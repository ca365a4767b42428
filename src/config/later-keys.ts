// Keys that belong to SparkPlug's design but not to this version: refused by name, so that nobody believes they work.
import type { KeyPath } from './yaml-source.ts';

const laterTopKeys = ['network', 'notify', 'metrics', 'machines', 'lab', 'aws'];

/** True for a key of a later version: `network`. */
export function isLaterKey(path: KeyPath): boolean {
  return path.length === 1 && laterTopKeys.includes(String(path[0]));
}

/** Keys of a later version that may stand beside the known ones at `parent`: for suggestions. */
export function listLaterKeys(parent: KeyPath): readonly string[] {
  return parent.length === 0 ? laterTopKeys : [];
}

export const laterMessage = 'This is not yet supported.';
export const laterHint = 'Remove it; a later version of SparkPlug will know it.';
