// Rules that come from outside: of a stored project file, or of a request.
import { ScheduleRule } from '../../api/schemas.ts';
import { refuseCron, refuseTimeZone } from '../../cron.ts';
import { type Problem, SparkPlugError } from '../../errors.ts';

/**
 * The rule of a job as a desired state holds it: null for none, and also where it was written before there were
 * schedules. @throws SparkPlugError REQUEST_INVALID for one that this scheduler cannot follow
 */
export function readFileRule(value: unknown): ScheduleRule | null {
  if (value === undefined || value === null) return null;
  const parsed = ScheduleRule.safeParse(value);
  if (!parsed.success) throw new SparkPlugError('REQUEST_INVALID', 'this is not a schedule');
  checkRule(parsed.data);
  return parsed.data;
}

/** @throws SparkPlugError REQUEST_INVALID with every problem of the rule's cron and time zone */
export function checkRule({ cron, timezone }: ScheduleRule): void {
  const refusals = [
    { place: 'body.cron', met: cron, refusal: refuseCron(cron) },
    { place: 'body.timezone', met: timezone, refusal: refuseTimeZone(timezone) },
  ];
  const problems = refusals.flatMap(({ place, met, refusal }): Problem[] =>
    refusal === null ? [] : [{ place, met, ...refusal }],
  );
  const [first] = problems;
  if (first === undefined) return;
  const { place, met = '', message, hint = '' } = first;
  throw new SparkPlugError('REQUEST_INVALID', message, { place, met, hint, problems });
}

/** Equal rules say the same, whatever the order of their keys. */
export function isSameRule(one: ScheduleRule | null, other: ScheduleRule | null): boolean {
  if (one === null || other === null) return one === other;
  return (['cron', 'timezone', 'overlap', 'missed'] as const).every((key) => one[key] === other[key]);
}
