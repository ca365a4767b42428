// The project file as YAML that remembers where everything stands.
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Problem } from '../errors.ts';

/** Keys and indexes from the top of the file to a value. */
export type KeyPath = readonly (string | number)[];

/** A value written in the project file: plain data to validate, and the places of its parts. */
export interface YamlSource {
  /** Maps as records, sequences as arrays. Under `textPaths` numbers and booleans stand as they are written. */
  readonly data: unknown;
  /** Syntax errors, duplicate keys and unknown tags; `data` is undefined after a syntax error. */
  readonly problems: readonly Problem[];
  /** `sparkplug.yaml:12:5 spark.worker.memory`; the nearest part above where the file has nothing at that path. */
  readonly place: (path: KeyPath, at?: 'key' | 'value') => string;
  /** The value as it is written (its first line, shortened); undefined where the file has none. */
  readonly met: (path: KeyPath) => string | undefined;
}

const longestMet = 60;

/**
 * Parses YAML 1.2; never throws. `isText` names the paths whose scalars are text however they look (`1.10`, `yes`,
 * `0x1F`).
 */
export function readYaml(text: string, file: string, isText: (path: KeyPath) => boolean): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true });
  const position = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  const errors = [...document.errors, ...document.warnings].filter(({ code, pos }, index, all) => {
    // What is unexpected behind another error follows from that one.
    return code !== 'UNEXPECTED_TOKEN' || all.slice(0, index).every((other) => lineOf(other.pos[0]) !== lineOf(pos[0]));
  });
  const problems: Problem[] = errors.map((error) => ({
    place: position(error.pos[0]),
    met: shorten(text.slice(error.pos[0])),
    message: describeYamlError(error.code, error.message),
    ...hintFor(error.code, text[error.pos[0]]),
  }));
  const isWhole = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  let data: unknown;
  try {
    if (isWhole) data = toPlain(document.contents, [], isText, limitNodes(resolve));
  } catch (error) {
    problems.push({ place: `${file}:1:1`, message: error instanceof Error ? error.message : String(error) });
  }
  function resolve(node: Node): Node | undefined {
    return isAlias(node) ? node.resolve(document) : node;
  }
  return {
    data,
    problems,
    place: (path, at = 'value') => {
      const found = locate(document.contents, path, at, resolve);
      const name = formatPath(path);
      return name === '' ? position(found) : `${position(found)} ${name}`;
    },
    met: (path) => {
      const node = find(document.contents, path, resolve);
      const written = node?.range ? shorten(text.slice(node.range[0], node.range[1])) : '';
      return written === '' ? undefined : written;
    },
  };
}

/** `jobs.predict.args[1]`. */
export function formatPath(path: KeyPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

type Resolve = (node: Node) => Node | undefined;

const deepest = 100;
const mostNodes = 100_000;

/** Aliases of aliases can stand for more values than memory holds. */
function limitNodes(resolve: Resolve): Resolve {
  let met = 0;
  return (node) => {
    met += 1;
    if (met > mostNodes) throw new Error('The file stands for too many values (aliases of aliases?).');
    return resolve(node);
  };
}

function toPlain(node: unknown, path: KeyPath, isText: (path: KeyPath) => boolean, resolve: Resolve): unknown {
  if (path.length > deepest) throw new Error('The file is nested too deeply (an alias inside itself?).');
  const target = isNode(node) ? resolve(node) : node;
  if (isMap(target)) {
    const entries = target.items.map((pair: Pair) => {
      const key = keyOf(pair);
      return [key, toPlain(pair.value, [...path, key], isText, resolve)] as const;
    });
    return Object.fromEntries(entries);
  }
  if (isSeq(target)) return target.items.map((item, index) => toPlain(item, [...path, index], isText, resolve));
  if (!isScalar(target)) return null;
  const isLiteral = typeof target.value === 'number' || typeof target.value === 'boolean';
  return isLiteral && isText(path) ? (target.source ?? String(target.value)) : target.value;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function find(root: unknown, path: KeyPath, resolve: Resolve): Node | undefined {
  let node = isNode(root) ? resolve(root) : undefined;
  for (const part of path) {
    const child = isMap(node) || isSeq(node) ? node.get(part, true) : undefined;
    node = isNode(child) ? resolve(child) : undefined;
    if (node === undefined) return undefined;
  }
  return node;
}

/** Offset of the value or key at `path`, or of the nearest key above it. */
function locate(root: unknown, path: KeyPath, at: 'key' | 'value', resolve: Resolve): number {
  const last = path.at(-1);
  if (last === undefined) return find(root, [], resolve)?.range?.[0] ?? 0;
  const parent = find(root, path.slice(0, -1), resolve);
  const pair = isMap(parent) ? parent.items.find((item) => keyOf(item) === last) : undefined;
  const value = find(root, path, resolve);
  const isEmpty = isScalar(value) && value.value === null;
  if (value?.range && at === 'value' && !isEmpty) return value.range[0];
  if (isNode(pair?.key) && pair.key.range) return pair.key.range[0];
  return value?.range?.[0] ?? locate(root, path.slice(0, -1), 'key', resolve);
}

function describeYamlError(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'This key stands here twice.';
  if (code === 'TAB_AS_INDENT') return 'YAML is indented with spaces, this is a tab.';
  if (code === 'MULTIPLE_DOCS') return 'The file holds several YAML documents (`---`); it must be one.';
  return `Not valid YAML: ${message}`;
}

function hintFor(code: string, met: string | undefined): { readonly hint?: string } {
  if (met === '*') return { hint: 'Put a value with `*` in quotes, for example `"*/5 * * * *"`.' };
  if (met === '@') return { hint: 'Put the value in quotes.' };
  if (code === 'DUPLICATE_KEY') return { hint: 'Remove one of the two.' };
  if (code === 'TAB_AS_INDENT') return { hint: 'Replace tabs by spaces.' };
  return {};
}

function shorten(text: string): string {
  const [first = '', ...others] = text.trim().split('\n');
  const cut = first.length > longestMet ? first.slice(0, longestMet - 1) : first;
  return cut.length < first.length || others.length > 0 ? `${cut}…` : cut;
}
