// What each route may answer to a request that its description calls valid: its successes, and the refusals that the
// route itself declares because no schema can say them (an id that is not there, a column, what another request did).
import { statusOf } from '../../src/api/problem.ts';
import type { RouteEntry } from '../../src/api/route-entry.ts';

/** Not to an admin, nor by a cluster that is well: whoever asks too often or too much, or while HDFS is away, is another test. */
const neverExpected: ReadonlySet<number> = new Set([403, 413, 429, 500, 502, 503, 507]);

/** A part of `schemathesis.toml`: a check's statuses, operation by operation. */
export function writeExpectedStatuses(routes: readonly RouteEntry[]): string {
  return routes.map((entry) => `${describeOperation(entry)}\n`).join('\n');
}

export function expectedStatuses({ answers, problems = [] }: RouteEntry): number[] {
  const refusals = problems.map((problem) => (typeof problem === 'number' ? problem : statusOf(problem)));
  const all = [...Object.keys(answers).map(Number), ...refusals];
  return [...new Set(all)].filter((status) => !neverExpected.has(status)).toSorted((a, b) => a - b);
}

function describeOperation(entry: RouteEntry): string {
  const statuses = expectedStatuses(entry).map((status) => `"${status}"`);
  return [
    '[[operations]]',
    `include-operation-id = "${entry.id}"`,
    '[operations.checks.positive_data_acceptance]',
    `expected-statuses = [${statuses.join(', ')}]`,
  ].join('\n');
}
