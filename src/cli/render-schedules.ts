// Schedules as text. Times are those of the schedule's own zone: the rule speaks of them.
import type { Schedule } from '../api/schemas.ts';
import { formatTable } from './format.ts';

/** One block of lines per job: the next times stand below each other. */
export function renderSchedules(schedules: readonly Schedule[]): string {
  const rows = schedules.map((schedule) => {
    const { job, rule, next } = schedule;
    const times = next.map((time) => formatInZone(time, rule.timezone)).join('\n');
    return [job, rule.cron, rule.timezone, times, describeState(schedule), describeLast(schedule)];
  });
  return formatTable(['JOB', 'CRON', 'ZONE', 'NEXT', 'STATE', 'LAST'], rows);
}

function describeState({ paused, overridden }: Schedule): string {
  return [paused ? 'paused' : 'active', ...(overridden ? ['not as in the file'] : [])].join(', ');
}

function describeLast({ last, rule }: Schedule): string {
  if (last === null) return '';
  return `${formatInZone(last.at, rule.timezone)} ${last.run ?? last.outcome}`;
}

/** `Sun 2026-11-22 03:00`, whatever the reader's own zone is. */
function formatInZone(time: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return `${part('weekday')} ${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`;
}
