// One short HTTP question inside the cluster: JSON or nothing, never longer than its limit.
import type { z } from 'zod';

export interface FetchOptions {
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Gets and checks JSON. Throws plain errors: the caller knows what a silent component means. */
export async function fetchJson<T>(url: string, schema: z.ZodType<T>, options: FetchOptions): Promise<T> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new Error(`${url} answered ${answer.status}`);
  }
  return schema.parse(await answer.json());
}
