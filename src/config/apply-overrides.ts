// Flags are stronger than the file: dotted keys with values as typed on a command line.
import { type KeyPath, readYaml, type YamlSource } from './yaml-source.ts';

/** Dotted key → value as text: `{ 'spark.workers': '4', 'spark.conf.spark.ui.retainedJobs': '10' }`. */
export type Overrides = Readonly<Record<string, string>>;

type Overridden = Pick<YamlSource, 'data' | 'place' | 'met'>;

/** The file's data with the overrides in it; their problems are placed at `flag KEY` instead of a line. */
export function applyOverrides(
  source: YamlSource,
  overrides: Overrides,
  isText: (path: KeyPath) => boolean,
): Overridden {
  const entries = Object.entries(overrides).map(([key, value]) => ({ key, path: splitKey(key), value }));
  if (entries.length === 0) return source;
  const isOnlyThere = (path: KeyPath): boolean => path.length > 0 && source.met(path) === undefined;
  const findOverride = (path: KeyPath) =>
    entries.find((entry) => startsWith(path, entry.path) || (isOnlyThere(path) && startsWith(entry.path, path)));
  return {
    data: entries.reduce((data, { path, value }) => setAt(data, path, readValue(value, path, isText)), source.data),
    place: (path, at) => {
      const override = findOverride(path);
      return override === undefined ? source.place(path, at) : `flag ${override.key}`;
    },
    met: (path) => findOverride(path)?.value ?? source.met(path),
  };
}

/** Keys of `spark.conf` have dots of their own. */
function splitKey(key: string): readonly string[] {
  const conf = 'spark.conf.';
  return key.startsWith(conf) ? ['spark', 'conf', key.slice(conf.length)] : key.split('.');
}

function startsWith(path: KeyPath, start: KeyPath): boolean {
  return start.every((part, index) => path[index] === part);
}

function readValue(value: string, path: KeyPath, isText: (path: KeyPath) => boolean): unknown {
  if (isText(path)) return value;
  const { data, problems } = readYaml(value, 'flag', (inner) => isText([...path, ...inner]));
  return problems.length > 0 ? value : data;
}

function setAt(data: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const isMapping = typeof data === 'object' && data !== null && !Array.isArray(data);
  const mapping: Readonly<Record<string, unknown>> = isMapping ? { ...data } : {};
  return { ...mapping, [key]: setAt(mapping[key], rest, value) };
}
