// "Did you mean …?" for keys that do not exist.

/** The known key nearest to `key` by edits (a swap counts one), null where none is near enough to be a slip. */
export function suggestKey(key: string, known: readonly string[]): string | null {
  const longest = Math.max(1, Math.floor(key.length / 3));
  let best: string | null = null;
  let bestDistance = longest + 1;
  for (const candidate of known) {
    const distance = countEdits(simplify(key), simplify(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `onFailure`, `on-failure` and `on_failure` are one key to most people. */
function simplify(key: string): string {
  return key.toLowerCase().replaceAll(/[-_\s]/g, '');
}

/** Damerau-Levenshtein distance (optimal string alignment). */
function countEdits(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let edits = Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, (beforePrevious[column - 2] ?? Number.POSITIVE_INFINITY) + 1);
      }
      current.push(edits);
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length] ?? 0;
}
