// The scheduler's word on which versions are served.
import { request } from 'undici';
import { z } from 'zod';
import { type ResultInfo, ResultList } from '../api/schemas.ts';

const timeoutMs = 2_000;
const Answer = z.union([ResultList.transform(({ results }) => results), ResultList.shape.results]);

/** `GET /internal/results`. Plain Error when the scheduler is away or answers something else. */
export async function fetchCurrentResults(schedulerUrl: string, secret: string): Promise<readonly ResultInfo[]> {
  const answer = await request(`${schedulerUrl}/internal/results`, {
    headers: { authorization: `Bearer ${secret}` },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`the scheduler answered ${answer.statusCode}`);
  return Answer.parse(JSON.parse(body));
}
