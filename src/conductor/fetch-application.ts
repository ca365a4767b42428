// The scheduler's word on an application of Spark: which run made it, where its driver is.
import { request } from 'undici';
import { SparkApplication } from '../api/schemas.ts';
import { SparkPlugError } from '../errors.ts';

const timeoutMs = 5_000;

/** `GET /internal/applications/{id}`. APPLICATION_UNKNOWN, or SCHEDULER_AWAY when it is away or answers something else. */
export async function fetchApplication(schedulerUrl: string, secret: string, id: string): Promise<SparkApplication> {
  try {
    const answer = await request(`${schedulerUrl}/internal/applications/${encodeURIComponent(id)}`, {
      headers: { authorization: `Bearer ${secret}` },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = await answer.body.text();
    if (answer.statusCode === 404) throw applicationUnknown(id);
    if (answer.statusCode !== 200) throw new Error(`the scheduler answered ${answer.statusCode}`);
    return SparkApplication.parse(JSON.parse(body));
  } catch (error) {
    if (error instanceof SparkPlugError) throw error;
    const hint = 'it is restarted by itself within seconds; sparkplug logs scheduler shows why';
    throw new SparkPlugError('SCHEDULER_AWAY', 'the scheduler does not answer', { hint, cause: error });
  }
}

function applicationUnknown(id: string): SparkPlugError {
  return new SparkPlugError('APPLICATION_UNKNOWN', `no run that is kept has the Spark application ${id}`, {
    met: id,
    hint: 'sparkplug runs list shows the runs that are kept',
  });
}
