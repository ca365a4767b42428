// Cron rules with a time zone: which are possible, and at which moments they come.
import { Cron } from 'croner';
import { suggestKey } from './config/suggest-key.ts';

/** Why a value cannot be, and the fix. */
interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/** The moments of a rule, in milliseconds since 1970. */
export interface CronTimes {
  /** The first moment after `time`, null when there is none. */
  next(time: number): number | null;
  /** The last moment before `time`, null when there is none. */
  previous(time: number): number | null;
}

/**
 * The moments of a rule that `refuseCron` and `refuseTimeZone` accept; a plain Error for another.
 *
 * Where clocks change, cron's usual rule holds: fixed times (no `*` in minute and hour) that the clock leaps over come
 * once, at the first moment after the gap, and those it shows twice come the first time only. Rules with `*` follow
 * the time that really passes: every 15 minutes stays every 15 minutes.
 */
export function createCronTimes(cron: string, timezone: string): CronTimes {
  const rule = open(cron, timezone);
  return {
    next: (time) => rule.nextRun(new Date(time))?.getTime() ?? null,
    previous: (time) => rule.previousRuns(1, new Date(time))[0]?.getTime() ?? null,
  };
}

/** Null for a cron rule of five fields that comes at some time. */
export function refuseCron(text: string): Refusal | null {
  const meaning = nicknames[text.trim().toLowerCase()];
  if (meaning !== undefined) return { message: 'A cron rule has five fields.', hint: `Write \`"${meaning}"\`.` };
  const fields = text.trim().split(/\s+/).length;
  if (fields !== 5) return { message: `A cron rule has five fields, this has ${fields}.`, hint: cronHint };
  try {
    const comes = open(text, 'UTC').nextRun() !== null;
    const hint = 'Name a day that its months have, for example `L` for the last one.';
    return comes ? null : { message: 'This never comes: there is no such day.', hint };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '').replace(/\.$/, '') : '';
    return { message: `This is not a cron rule: ${reason}.`, hint: cronHint };
  }
}

const cronHint = 'Write minute, hour, day of the month, month and day of the week, for example `"0 3 * * *"`.';

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** Null for the name of a time zone. Fixed offsets are none: they would be wrong for half of the year. */
export function refuseTimeZone(name: string): Refusal | null {
  if (/^[A-Za-z]/.test(name) && isKnownZone(name)) return null;
  const near = suggestTimeZone(name);
  return {
    message: 'There is no such time zone.',
    hint: near === null ? 'Write an IANA name, for example `Europe/Zurich` or `UTC`.' : `Did you mean \`${near}\`?`,
  };
}

function isKnownZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** By the whole name, or by the city alone: people write `Zurich`. */
function suggestTimeZone(name: string): string | null {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const cities = new Map(zones.map((zone) => [zone.split('/').at(-1) ?? zone, zone]));
  const city = suggestKey(name.split('/').at(-1) ?? '', [...cities.keys()]);
  return suggestKey(name, zones) ?? (city === null ? null : (cities.get(city) ?? null));
}

/** Made paused: only its arithmetic is used, the timers are ours. */
function open(cron: string, timezone: string): Cron {
  return new Cron(cron, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
}
