// Keys that belong to SparkPlug's design but not to this version: refused by name, so that nobody believes they work.
import type { KeyPath } from './yaml-source.ts';

const laterJobKeys = ['schedule', 'timezone', 'overlap', 'missed', 'on_failure', 'on_success'];
const laterTopKeys = [...laterJobKeys, 'network', 'history', 'notify', 'metrics', 'machines', 'lab', 'aws'];

/** True for a key of a later version: `jobs.x.schedule`, `web.tls`, `network`. */
export function isLaterKey(path: KeyPath): boolean {
  const [top, second, third] = path;
  if (path.length === 1) return laterTopKeys.includes(String(top));
  if (path.length === 2) return (top === 'web' && second === 'tls') || (top === 'spark' && second === 'history');
  return path.length === 3 && top === 'jobs' && laterJobKeys.includes(String(third));
}

/** Keys of a later version that may stand beside the known ones at `parent`: for suggestions. */
export function listLaterKeys(parent: KeyPath): readonly string[] {
  if (parent.length === 0) return laterTopKeys;
  return parent.length === 2 && parent[0] === 'jobs' ? laterJobKeys : [];
}

export const laterMessage = 'This is not yet supported.';
export const laterHint = 'Remove it; a later version of SparkPlug will know it.';
