// Puts a worker into the text of a project file and leaves every other character as it is.
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { WorkerShape } from './cluster-config.ts';

/**
 * The text with `spark.worker` set to `shape`, comments and formatting kept. Where the file is written in a way that
 * cannot be spliced (`spark` is an alias, or has no value), it is written anew from its parts, comments included.
 * @param text a project file without mistakes
 */
export function setWorker(text: string, shape: WorkerShape): string {
  const document = parseDocument(text);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const spliced = isMap(document.contents) ? splice(text, document.contents, shape, newline) : null;
  if (spliced !== null && holds(spliced, shape, text)) return spliced;
  if (!isMap(document.get('spark'))) document.set('spark', document.createNode({}));
  document.setIn(['spark', 'worker'], document.createNode(toYaml(shape), { flow: true }));
  const written = document.toString({ lineWidth: 0 });
  if (!holds(written, shape, text)) throw new Error('the worker could not be written into the project file');
  return written;
}

function splice(text: string, root: YAMLMap, shape: WorkerShape, newline: string): string | null {
  const flow = toFlow(shape);
  const spark = findPair(root, 'spark');
  if (spark === null) {
    if (root.flow === true) return null;
    const end = text === '' || text.endsWith('\n') ? '' : newline;
    return `${text}${end}spark:${newline}  worker: ${flow}${newline}`;
  }
  const map = spark.value;
  if (!isMap(map) || !map.range) return null;
  const worker = findPair(map, 'worker');
  if (worker !== null) return replaceWorker(text, worker, shape);
  const first = map.range[0];
  if (map.flow === true) {
    const rest = map.items.length === 0 ? ' ' : ', ';
    const after = text.slice(first + 1).trimStart();
    return `${text.slice(0, first + 1)} worker: ${flow}${rest}${after}`;
  }
  const indent = text.slice(text.lastIndexOf('\n', first - 1) + 1, first);
  return `${text.slice(0, first)}worker: ${flow}${newline}${indent}${text.slice(first)}`;
}

/** A mapping in lines of its own keeps them and their comments; anything else is replaced as a whole. */
function replaceWorker(text: string, worker: Pair, shape: WorkerShape): string | null {
  const { value } = worker;
  if (isMap(value) && value.flow !== true) {
    let changed = text;
    // From the end, so that what is still to be replaced stays where it was.
    for (const [key, replacement] of Object.entries(toYaml(shape)).toReversed()) {
      const scalar = findPair(value, key)?.value;
      if (!isScalar(scalar) || !scalar.range) return null;
      changed = `${changed.slice(0, scalar.range[0])}${replacement}${changed.slice(scalar.range[1])}`;
    }
    return changed;
  }
  if ((!isMap(value) && !isScalar(value)) || !value.range || value.anchor !== undefined) return null;
  return `${text.slice(0, value.range[0])}${toFlow(shape)}${text.slice(value.range[1])}`;
}

function findPair(map: YAMLMap, key: string): Pair | null {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) ?? null;
}

function toYaml({ executors, cores, memoryMiB }: WorkerShape): Record<string, number | string> {
  const memory = memoryMiB % 1024 === 0 ? `${memoryMiB / 1024}GiB` : `${memoryMiB}MiB`;
  return { executors, cores, memory };
}

/** `{ executors: 1, cores: 2, memory: 4GiB }`. */
function toFlow(shape: WorkerShape): string {
  const entries = Object.entries(toYaml(shape)).map(([key, value]) => `${key}: ${value}`);
  return `{ ${entries.join(', ')} }`;
}

/** True where `written` says what `before` said, but for the worker. */
function holds(written: string, shape: WorkerShape, before: string): boolean {
  const document = parseDocument(written);
  if (document.errors.length > 0) return false;
  const expected = parseDocument(before);
  // An alias elsewhere may stand for the same value: then it must not change with it.
  const { spark, ...others } = (expected.toJS() ?? {}) as Record<string, unknown>;
  const wanted = { ...others, spark: { ...(spark as Record<string, unknown> | null), worker: toYaml(shape) } };
  return stableText(document.toJS()) === stableText(wanted);
}

function stableText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
