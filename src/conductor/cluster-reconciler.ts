// Watches the machines and what runs on them, and has the cluster made what it should be whenever it is not.
import type { Machine } from '../plan/cluster-plan.ts';
import type { Clock } from '../runs/clock.ts';
import type { ClusterKeeper } from './cluster-keeper.ts';

export interface ReconcilerParts {
  readonly keeper: Pick<ClusterKeeper, 'preview' | 'reconcile'>;
  /** All machines of the Swarm, away and drained ones included. Throws when the engine is silent. */
  readonly machines: () => Promise<readonly Machine[]>;
  readonly clock: Clock;
  readonly record: (kind: string, message: string) => void;
  readonly shutdown: AbortSignal;
}

/** Between two looks at the machines: one that joins is used within seconds. */
const watchMs = 3_000;
/** Between two comparisons where no machine came or went: what others removed or changed is found by then. */
const driftMs = 30_000;
/** After a change that failed, doubled each time it fails again. */
const firstPauseMs = 30_000;
const longestPauseMs = 600_000;

/** Never returns; ends with the shutdown's reason. */
export async function keepReconciled(parts: ReconcilerParts): Promise<never> {
  const { keeper, clock, record, shutdown } = parts;
  let known: readonly Machine[] | null = null;
  let causes: string[] = [];
  let comparedAtMs = clock.now();
  let seen = '';
  let pauseMs = firstPauseMs;
  let pausedUntilMs = 0;
  for (;;) {
    await clock.wait(watchMs, shutdown);
    const found = await parts.machines().catch(() => null);
    if (found === null) continue;
    const news = known === null ? [] : describeNews(known, found);
    for (const one of news) record('machine', one);
    known = found;
    causes = [...causes, ...news];
    // Machines that come and go are news; what failed before is worth another try then.
    if (news.length > 0) pausedUntilMs = 0;
    // Also true where the clock was set back.
    const isDue = causes.length > 0 || seen !== '' || Math.abs(clock.now() - comparedAtMs) >= driftMs;
    if (!isDue || clock.now() < pausedUntilMs) continue;
    comparedAtMs = clock.now();
    const preview = await keeper.preview().catch((error: unknown) => [`cannot be planned: ${String(error)}`]);
    const text = preview.join('\n');
    // Twice the same, some seconds apart: in a `down` by hand services go one by one, and this one among them.
    const isSteady = text !== '' && text === seen;
    seen = text;
    if (text === '') causes = [];
    if (!isSteady) continue;
    const cause = causes.length === 0 ? 'found different from the revision' : causes.join('; ');
    const answer = await keeper.reconcile(cause).catch((error: unknown) => error);
    const hasFailed =
      answer instanceof Error ||
      // One that was cancelled made way for somebody's change, and is no failure.
      (isDone(answer) && answer.operation.state === 'failed');
    if (answer instanceof Error) record('reconcile', `cannot be carried out: ${answer.message} (${cause})`);
    if (hasFailed) {
      pausedUntilMs = clock.now() + pauseMs;
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      continue;
    }
    if (isDone(answer)) {
      pauseMs = firstPauseMs;
      causes = [];
      seen = '';
    }
  }
}

type Done = Extract<Awaited<ReturnType<ClusterKeeper['reconcile']>>, { readonly kind: 'done' }>;

function isDone(answer: unknown): answer is Done {
  return typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === 'done';
}

/** What changed among the machines, a sentence each. Pure. */
export function describeNews(before: readonly Machine[], after: readonly Machine[]): string[] {
  const old = new Map(before.map((machine) => [machine.id, machine]));
  const now = new Set(after.map(({ id }) => id));
  return [
    ...after.flatMap((machine) => describeChange(old.get(machine.id), machine)),
    ...before.filter(({ id }) => !now.has(id)).map(({ name }) => `${name} left the Swarm`),
  ];
}

function describeChange(before: Machine | undefined, machine: Machine): readonly string[] {
  const { name, state, cores, memoryMiB } = machine;
  if (before === undefined) return [`${name} joined with ${cores} cores and ${memoryMiB} MiB`];
  if (before.state !== state) {
    const now = {
      ready: 'is back',
      away: 'is away: its engine or its link is down',
      drained: 'was set aside in the Swarm',
    };
    return [`${name} ${now[state]}`];
  }
  const isSame = before.cores === cores && before.memoryMiB === memoryMiB;
  return isSame ? [] : [`${name} has ${cores} cores and ${memoryMiB} MiB now`];
}
