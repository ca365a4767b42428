// After the job's success: web copies its results, then one transaction makes the run succeed and switches all of them.
import { SparkPlugError } from '../errors.ts';
import { timestamp } from './clock.ts';
import { limits, type RunContext } from './run-context.ts';
import type { StoredAttempt, StoredRun } from './state/run-store.ts';

/** Publishes all results of the run's job or none. Throws web's own error; earlier versions then stay. */
export async function publishResults(
  context: RunContext,
  run: StoredRun,
  attempt: StoredAttempt,
  shutdown: AbortSignal,
): Promise<void> {
  const { results } = run.definition;
  const notBeforeMs = Date.parse(attempt.startedAt);
  const wanted = results.map((result) => ({ ...result, notBeforeMs }));
  const request = { run: run.id, job: run.job, results: wanted };
  const published = wanted.length === 0 ? [] : await askWeb(context, request, shutdown);
  const finishedAt = timestamp(context.clock);
  const versions = results.map((result) => {
    const facts = published.find(({ name }) => name === result.name);
    if (facts === undefined) throw new Error(`web published no result ${result.name} of ${run.id}`);
    const { key, unique } = result;
    const columns = facts.columns.map(({ name, type }) => ({ name, type }));
    const { name, rows } = facts;
    return { name, job: run.job, run: run.id, rows, key, unique, publishedAt: finishedAt, columns };
  });
  context.results.publish(versions, () => {
    context.runs.update(run.id, {
      state: 'succeeded',
      finishedAt,
      exitCode: 0,
      waiting: null,
      failure: null,
      published: Object.fromEntries(versions.map(({ name, rows }) => [name, rows])),
    });
  });
}

type Request = Parameters<RunContext['web']['publish']>[0];

/** Web may be restarting: silence is asked again, a refusal is final. */
async function askWeb(context: RunContext, request: Request, shutdown: AbortSignal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await context.web.publish(request, shutdown);
    } catch (error) {
      const away = error instanceof SparkPlugError && error.code === 'WEB_AWAY';
      if (!away || tries >= limits.publishTries) throw error;
      await context.clock.wait(limits.publishPauseMs, shutdown);
    }
  }
}
