// Searching a log: pure.

/** Numbers of the lines that hold the text, whatever its case; none for an empty search. */
export function findLines(lines: readonly string[], search: string): number[] {
  const wanted = search.toLowerCase();
  if (wanted === '') return [];
  const found: number[] = [];
  for (const [index, line] of lines.entries()) if (line.toLowerCase().includes(wanted)) found.push(index);
  return found;
}

export interface Piece {
  readonly text: string;
  readonly isMatch: boolean;
  /** Where it begins in the line. */
  readonly at: number;
}

/** A line in pieces, those that match marked. */
export function splitMatches(line: string, search: string): Piece[] {
  const wanted = search.toLowerCase();
  const lower = line.toLowerCase();
  // A few letters change their length with their case; then places would be wrong, and nothing is marked.
  if (wanted === '' || lower.length !== line.length) return [{ text: line, isMatch: false, at: 0 }];
  const pieces: Piece[] = [];
  let end = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, end)) {
    if (at > end) pieces.push({ text: line.slice(end, at), isMatch: false, at: end });
    end = at + wanted.length;
    pieces.push({ text: line.slice(at, end), isMatch: true, at });
  }
  if (end < line.length) pieces.push({ text: line.slice(end), isMatch: false, at: end });
  return pieces;
}

/** How bad a line is by its log level, as Spark's and Python's loggers write it. */
export function levelOf(line: string): 'error' | 'warning' | null {
  if (/\b(ERROR|FATAL|CRITICAL)\b|^Traceback |^(\w+\.)*\w*(Error|Exception)\b/.test(line)) return 'error';
  return /\bWARN(ING)?\b/.test(line) ? 'warning' : null;
}
