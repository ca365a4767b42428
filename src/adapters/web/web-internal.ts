// The scheduler's side of web's internal port: publish a run's results, drop versions nobody keeps, is it well.
import { z } from 'zod';
import { isErrorCode, SparkPlugError } from '../../errors.ts';

/** One result to publish; see the API's PublicationRequest. */
export interface ResultToPublish {
  readonly name: string;
  readonly path: string;
  readonly key: string | null;
  readonly unique: boolean;
  /** Start of the attempt, milliseconds since 1970: an older folder was not written by this run. */
  readonly notBeforeMs: number;
}

export interface PublishedFacts {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface WebInternal {
  /** Throws web's own code when it refuses; WEB_AWAY when it does not answer. */
  publish(
    request: { readonly run: string; readonly job: string; readonly results: readonly ResultToPublish[] },
    signal: AbortSignal,
  ): Promise<PublishedFacts[]>;
  removeVersions(runs: readonly string[], signal: AbortSignal): Promise<void>;
}

const Published = z.object({
  published: z.array(
    z.object({
      name: z.string(),
      rows: z.number().int(),
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
    }),
  ),
});
const Problem = z.object({ code: z.string(), detail: z.string(), hint: z.string().optional() });

/** Copying a large result takes its time; web is on the same machine, so silence for this long is a fault. */
const publishTimeoutMs = 60 * 60_000;
const removeTimeoutMs = 60_000;

/** `baseUrl` finds web's internal port anew for each request; `secret`: the control secret both sides have. */
export function createWebInternal(baseUrl: () => Promise<string>, secret: string): WebInternal {
  const send = async (method: string, path: string, body: unknown, timeoutMs: number, signal: AbortSignal) => {
    const answer = await fetch(`${await baseUrl()}${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new SparkPlugError('WEB_AWAY', 'web does not answer the scheduler', {
        place: 'web',
        hint: 'sparkplug logs web',
        cause,
      });
    });
    if (answer.ok) return answer;
    throw refusal(answer.status, await answer.text());
  };
  return {
    publish: async (request, signal) => {
      const answer = await send('POST', '/internal/publications', request, publishTimeoutMs, signal);
      return Published.parse(await answer.json()).published;
    },
    removeVersions: async (runs, signal) => {
      const answer = await send('DELETE', '/internal/versions', { runs }, removeTimeoutMs, signal);
      await answer.body?.cancel();
    },
  };
}

function refusal(status: number, text: string): SparkPlugError {
  const problem = Problem.safeParse(parseJson(text));
  if (problem.success && isErrorCode(problem.data.code)) {
    const { code, detail, hint } = problem.data;
    return new SparkPlugError(code, detail, hint === undefined ? {} : { hint });
  }
  return new SparkPlugError('WEB_AWAY', `web answered the scheduler with ${status}`, {
    place: 'web',
    met: text.slice(0, 200),
    hint: 'sparkplug logs web',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
