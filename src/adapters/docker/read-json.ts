// Typed reading of the client's JSON: missing keys become the given default, so older and newer engines read alike.

export type Json = Readonly<Record<string, unknown>>;

export function asRecord(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The value below a path of keys, undefined where one is missing. */
export function dig(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((current, key) => asRecord(current)[key], value);
}

export function digText(value: unknown, ...path: readonly string[]): string {
  const found = dig(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function digNumber(value: unknown, ...path: readonly string[]): number {
  const found = dig(value, ...path);
  return typeof found === 'number' ? found : 0;
}

export function digFlag(value: unknown, ...path: readonly string[]): boolean {
  return dig(value, ...path) === true;
}

export function digList(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = dig(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function digTexts(value: unknown, ...path: readonly string[]): readonly string[] {
  return digList(value, ...path).filter((entry) => typeof entry === 'string');
}

export function digLabels(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const entries = Object.entries(asRecord(dig(value, ...path)));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Whole mebibytes of a number of bytes, rounded down. */
export function toMiB(bytes: number): number {
  return Math.floor(bytes / (1024 * 1024));
}
